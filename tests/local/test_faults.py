"""Faults to order: what a client sees of each, what it leaves behind, and when it strikes."""

import json
import os
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, IncompleteReadError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glacierkeep.local import ConnectionLost, Headers, LocalGlacier, Request
from glacierkeep.local.faults.rules import OPERATIONS, Kind, parse
from glacierkeep.local.wire.keys import Keys

MIB = 1024 * 1024
BUSY = "The service cannot complete the request"
NO_LONGER = (
    "This API is no longer supported for new accounts. Please use Amazon S3 Glacier storage classes instead."
)
REFUSALS = {
    "throttle": (400, "ThrottlingException", "Rate exceeded"),
    "error-500": (500, "ServiceUnavailableException", BUSY),
    "error-503": (503, "ServiceUnavailableException", BUSY),
    "timeout": (408, "RequestTimeoutException", "Request timed out"),
    "expired-token": (403, "ExpiredTokenException", "The security token included in the request is expired"),
    "no-longer-supported": (400, "NoLongerSupportedException", NO_LONGER),
}
PART = """
import sys
from io import BytesIO
from pathlib import Path
from glacierkeep.local import ConnectionLost, Headers, LocalGlacier, Request

service = LocalGlacier(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
refused = 0
for _ in range(30):
    asked = Request("GET", "/-/vaults/photos", "", Headers([("x-amz-glacier-version", "2012-06-01")]), BytesIO())
    refused += service(asked).status == 400
print(refused, flush=True)
"""


def order(world: Any, *rules: str) -> None:
    world.service.faults.add(rules)


def counted(world: Any) -> list[tuple[int, int]]:
    """How many requests each stored rule has met, and on how many it took effect."""
    return [(kept.met, kept.done) for kept in world.service.faults.listed()]


def with_header(world: Any, line: str, *, method: str = "GET", path: str = "/-/vaults/photos") -> Any:
    return world.send(method, path, x_gk_fault=line)


def outcomes(world: Any, requests: int) -> str:
    """One letter for each of so many DescribeVault: what became of it."""
    letters = {200: ".", 400: "t", 500: "5", 503: "3"}
    return "".join(letters[world.send("GET", "/-/vaults/photos")[0]] for _ in range(requests))


def listed(world: Any) -> list[str]:
    """The ids in an inventory made now."""
    return [each["ArchiveId"] for each in json.loads(world.output(world.start_inventory()))["ArchiveList"]]


# What each kind does


@pytest.mark.parametrize("kind", REFUSALS)
def test_refusals_are_those_of_the_service(world: Any, kind: str) -> None:
    """An ordered refusal has the real status, code and message, says what it is, and nothing is done."""
    order(world, kind)
    assert world.refusal(world.upload) == REFUSALS[kind]
    status, headers, body = world.send("PUT", "/-/vaults/other")
    assert (status, headers["x-gk-fault"]) == (REFUSALS[kind][0], kind)
    assert json.loads(body)["type"] == ("Server" if status >= 500 else "Client")
    world.service.faults.clear()
    assert listed(world) == []
    assert [vault["VaultName"] for vault in world.client.list_vaults()["VaultList"]] == ["photos"]


def test_every_operation_can_be_refused(world: Any) -> None:
    """`no-longer-supported` without an operation is for every call of the API."""
    order(world, "no-longer-supported")
    paths = ("", "/photos", "/photos/jobs", "/photos/multipart-uploads", "/photos/tags")
    for path in paths:
        status, headers, _ = world.send("GET", f"/-/vaults{path}")
        assert (status, headers["x-gk-fault"]) == (400, "no-longer-supported"), path


def test_a_connection_lost_before(world: Any) -> None:
    """`reset-before`: the client sees its connection closed, and nothing was stored."""
    order(world, "reset-before UploadArchive count=1")
    with pytest.raises(ConnectionClosedError):
        world.upload()
    assert listed(world) == []
    assert world.upload() in listed(world)


def test_a_connection_lost_after(world: Any) -> None:
    """`reset-after`: the client sees its connection closed, but the archive is there and in the inventory."""
    content = world.some_bytes(2 * MIB + 5)
    upload_id = world.initiate()
    for start in range(0, len(content), MIB):
        world.part(upload_id, start, content[start : start + MIB])
    order(world, "reset-after CompleteMultipartUpload count=1")
    with pytest.raises(ConnectionClosedError):
        world.complete(upload_id, content)
    [archive_id] = listed(world)
    assert world.complete(upload_id, content) == archive_id
    assert world.retrieve(archive_id) == content


def test_what_was_refused_is_not_lost(world: Any) -> None:
    """`reset-after` waits for work that was done: a refusal is given, and does not count."""
    order(world, "reset-after count=1")
    assert world.refusal(world.describe, vault="none")[0] == 404
    with pytest.raises(ConnectionClosedError):
        world.describe()
    assert counted(world) == [(2, 1)]


@pytest.mark.parametrize(("rate", "seconds"), [("100k", 30.72), ("3M", 1), ("1", 3 * MIB)])
def test_a_slow_answer(world: Any, rate: str, seconds: float) -> None:
    """`slow` lets the body take the time that its bytes need at that rate, on the service's clock."""
    content = world.some_bytes(3 * MIB)
    job_id = world.start_retrieval(world.upload(content))
    order(world, f"slow GetJobOutput rate={rate}")
    if rate == "1":
        answer = world.client.get_job_output(vaultName=world.vault, jobId=job_id, range="bytes=0-9")
        content, seconds = content[:10], 10
    else:
        answer = world.client.get_job_output(vaultName=world.vault, jobId=job_id)
    before = world.clock.now()
    assert answer["body"].read() == content
    assert (world.clock.now() - before).total_seconds() == pytest.approx(seconds, rel=1e-3)


def test_an_answer_cut_short(world: Any) -> None:
    """`truncate` announces the whole body and sends its beginning, which botocore tells from the length."""
    job_id = world.start_retrieval(world.upload(b"0123456789" * 500))
    order(world, "truncate GetJobOutput count=1 bytes=1000")
    answer = world.client.get_job_output(vaultName=world.vault, jobId=job_id)
    assert answer["ResponseMetadata"]["HTTPHeaders"]["content-length"] == "5000"
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-gk-fault"] == "truncate"
    assert b"".join(answer["body"].read(10) for _ in range(100)) == b"0123456789" * 100
    with pytest.raises(IncompleteReadError, match="1000 read, but total bytes expected is 5000"):
        answer["body"].read()
    assert world.output(job_id) == b"0123456789" * 500


def test_a_document_cut_short(world: Any) -> None:
    """JSON that ends early is an answer without members to botocore, as when a real connection ends early."""
    order(world, "truncate DescribeVault bytes=10")
    assert set(world.describe()) == {"ResponseMetadata"}


def test_a_corrupted_answer(world: Any) -> None:
    """`corrupt` changes one bit of one byte of the body, and the announced tree hash stays the true one."""
    content = world.some_bytes(MIB + 100)
    job_id = world.start_retrieval(world.upload(content))
    order(world, "corrupt GetJobOutput count=1 offset=1M")
    answer = world.client.get_job_output(vaultName=world.vault, jobId=job_id)
    received = answer["body"].read()
    wrong = [at for at, (one, other) in enumerate(zip(content, received, strict=True)) if one != other]
    assert wrong == [MIB]
    assert (content[MIB] ^ received[MIB]).bit_count() == 1
    assert answer["checksum"] == world.tree_hash(content) != world.tree_hash(received)
    assert world.output(job_id) == content


def test_a_corrupted_upload(world: Any) -> None:
    """`corrupt-upload` changes a byte on its way in: the checksums do not hold, and nothing is stored."""
    order(world, "corrupt-upload count=2 offset=3")
    upload_id = world.initiate()
    for send in (world.upload, lambda: world.part(upload_id, 0, b"content")):
        status, code, message = world.refusal(send)
        assert (status, code) == (400, "InvalidParameterValueException")
        assert message.startswith("Checksum mismatch: expected ed7002b439e9ac84")
    assert listed(world) == []
    parts = world.client.list_parts(vaultName=world.vault, uploadId=upload_id)["Parts"]
    assert parts == []
    assert world.part(upload_id, 0, b"content")["checksum"] == world.tree_hash(b"content")


def test_jobs_that_expire(world: Any) -> None:
    """`expire-jobs` takes away the job that is asked about, and no other; it stays away."""
    archive_id = world.upload()
    gone, kept = world.start_retrieval(archive_id), world.start_retrieval(archive_id)
    order(world, "expire-jobs count=1")
    not_found = (404, "ResourceNotFoundException", f"The job ID was not found: {gone}")
    assert world.refusal(world.describe_job, job_id=gone) == not_found
    assert world.refusal(world.output, job_id=gone) == not_found
    [job] = world.client.list_jobs(vaultName=world.vault)["JobList"]
    assert job["JobId"] == kept
    assert world.output(kept) == b"content"


def test_expired_inventories_leave_no_file(world: Any) -> None:
    """With an inventory job that is made to expire its document goes too."""
    job_id = world.start_inventory()
    world.output(job_id)
    files = [path for path in world.service.folder.glob("0*/**/*") if path.is_file()]
    order(world, "expire-jobs GetJobOutput")
    assert world.refusal(world.output, job_id=job_id)[0] == 404
    assert [path for path in files if path.exists()] == []
    assert len(files) == 1


def test_a_job_that_is_not_there_cannot_expire(world: Any) -> None:
    """An unknown job is not found as ever, and `expire-jobs` waits for one that is there."""
    order(world, "expire-jobs count=1")
    assert world.refusal(world.describe_job, job_id="none")[2] == "The job ID was not found: none"
    assert counted(world) == [(1, 0)]


def test_expedited_retrievals_without_capacity(world: Any) -> None:
    """`insufficient-capacity` refuses Expedited retrievals with 503, and meets no other."""
    archive_id = world.upload()
    order(world, "insufficient-capacity")
    world.start_retrieval(archive_id)
    world.start_retrieval(archive_id, Tier="Bulk")
    assert world.send("POST", "/-/vaults/photos/jobs", body=b"[")[0] == 400
    assert world.refusal(world.start_retrieval, archive_id=archive_id, Tier="Expedited") == (
        503,
        "InsufficientCapacityException",
        "Insufficient capacity to process this expedited request.",
    )
    assert counted(world) == [(1, 1)]


def test_a_retrieval_policy_that_is_enforced(world: Any) -> None:
    """`policy-enforced` refuses jobs with the service's own words."""
    archive_id = world.upload()
    order(world, "policy-enforced")
    assert world.refusal(world.start_retrieval, archive_id=archive_id) == (
        400,
        "PolicyEnforcedException",
        "InitiateJob request denied by current data retrieval policy.",
    )


@pytest.mark.parametrize("rule", ["corrupt offset=1M", "truncate bytes=1M", "corrupt-upload offset=1M"])
def test_what_has_nothing_to_change_does_not_count(world: Any, rule: str) -> None:
    """A fault beyond the end of what is sent leaves it alone, unmarked, and is still to come."""
    order(world, f"{rule} count=1")
    if rule.startswith("corrupt-upload"):
        world.upload()
    else:
        assert "x-gk-fault" not in world.describe()["ResponseMetadata"]["HTTPHeaders"]
    assert counted(world) == [(1, 0)]


# When it strikes


def test_a_count(world: Any) -> None:
    """`count=3` strikes three times and is spent."""
    order(world, "throttle count=3")
    assert outcomes(world, 6) == "ttt..."
    assert counted(world) == [(3, 3)]


def test_after(world: Any) -> None:
    """`after=2` lets two requests pass that it would have struck."""
    order(world, "throttle after=2 count=1")
    assert outcomes(world, 5) == "..t.."


def test_other_operations_pass(world: Any) -> None:
    """A rule for one operation meets no other."""
    order(world, "throttle UploadArchive count=1")
    assert outcomes(world, 3) == "..."
    assert counted(world) == [(0, 0)]
    assert world.refusal(world.upload)[1] == "ThrottlingException"


def test_rules_strike_in_order(world: Any) -> None:
    """Each request meets the rules in their order until one strikes, so that a list of them is a script."""
    order(world, "throttle count=2", "error-500 count=1", "error-503 after=1 count=1")
    assert outcomes(world, 7) == "tt5.3.."
    assert counted(world) == [(2, 2), (1, 1), (2, 1)]


def test_chance_repeats_itself(tmp_path: Path) -> None:
    """The same seed strikes the same requests in every store, another seed others; about as many as were asked for."""
    seen = {
        seed: [strokes(f"throttle probability=0.3 seed={seed}", 400) for _ in range(2)] for seed in (1, 2, 3)
    }
    for one, other in seen.values():
        assert one == other
        assert 80 <= one.count("t") <= 160
    assert len({first for first, _ in seen.values()}) == 3


def strokes(line: str, requests: int) -> str:
    rule = parse(line)
    return "".join("t" if rule.strikes(met) else "." for met in range(requests))


def test_chance_over_the_wire(world: Any) -> None:
    """What a service does by chance is what its rule says."""
    line = "throttle probability=0.3 seed=7"
    order(world, line)
    assert outcomes(world, 40) == strokes(line, 40)


def test_kinds_of_one_seed_strike_apart() -> None:
    """Two rules with the same seed do not strike the same requests."""
    one, other = (strokes(f"{kind} probability=0.5 seed=7", 200) for kind in ("throttle", "error-500"))
    assert one != other


def test_a_header_orders_for_one_request(world: Any) -> None:
    """`x-gk-fault` in a request is a rule for that request alone, if it is about its operation."""
    assert with_header(world, "error-503")[0] == 503
    assert with_header(world, "error-503 ListVaults")[0] == 200
    assert with_header(world, "error-503 after=1")[0] == 200
    with pytest.raises(ConnectionLost):
        with_header(world, "reset-before")
    assert outcomes(world, 1) == "."


def test_a_header_comes_first(world: Any) -> None:
    """The rule in a header strikes before those of the instance and the store, which then do not meet the request."""
    order(world, "throttle")
    assert with_header(world, "error-500")[0] == 500
    assert counted(world) == [(0, 0)]
    assert with_header(world, "error-500 after=1")[0] == 400


def test_a_header_that_is_no_rule(world: Any) -> None:
    """A header that is no rule is a bad parameter, and says what is wrong."""
    status, _, body = with_header(world, "throttle count=many")
    assert status == 400
    said = json.loads(body)
    assert said["code"] == "InvalidParameterValueException"
    assert said["message"].startswith("Invalid x-gk-fault: 'count=many' is wrong: it must be count=N")


def test_a_boto3_client_can_order(world: Any) -> None:
    """A test that uses boto3 adds the header to a call of its client's."""
    world.client.meta.events.register(
        "before-call.glacier.DescribeVault",
        lambda params, **_: params["headers"].update({"x-gk-fault": "throttle"}),
    )
    assert world.refusal(world.describe)[1] == "ThrottlingException"
    world.upload()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    line=st.one_of(
        st.text(max_size=300),
        st.builds(
            " ".join, st.lists(st.sampled_from([*Kind, *OPERATIONS, "count=1", "rate=1", "=", "bytes="]))
        ),
    )
)
def test_no_header_is_trouble(lasting_world: Any, line: str) -> None:
    """Whatever the header says, the answer is one, unless a lost connection was ordered."""
    try:
        status, headers, _ = with_header(lasting_world, line)
    except ConnectionLost:
        return
    assert status in (200, 400) or headers["x-gk-fault"] in tuple(Kind)


def test_whoever_is_not_let_in_meets_no_fault(tmp_path: Path) -> None:
    """Faults come after the signature was checked: a stranger can order none and uses none up."""
    service = LocalGlacier(tmp_path, keys=Keys(), faults=["error-500"])
    service.faults.add(["error-503"])
    headers = [("x-amz-glacier-version", "2012-06-01"), ("x-gk-fault", "reset-before")]
    response = service(Request("GET", "/-/vaults", "", Headers(headers), BytesIO()))
    assert response.status == 400
    assert "x-gk-fault" not in response.headers
    assert service.faults.listed()[0].met == 0
    service.close()


# Who has them


def test_rules_of_one_instance(world: Any, client_of: Callable[[LocalGlacier], Any]) -> None:
    """Rules given to an instance are its own, come before the store's, and are counted by it alone."""
    order(world, "error-500 count=1")
    for _ in range(2):
        other = LocalGlacier(world.service.folder, clock=world.clock, faults=["throttle count=1"])
        client = client_of(other)
        with pytest.raises(ClientError, match="Rate exceeded"):
            client.describe_vault(vaultName=world.vault)
        other.close()
    assert outcomes(world, 2) == "5."


def test_rules_of_an_instance_are_checked(tmp_path: Path) -> None:
    """An instance is not made with a rule that is none, and nothing is left open or written."""
    with pytest.raises(ValueError, match="no fault is named 'burn'"):
        LocalGlacier(tmp_path / "glacier", faults=["throttle", "burn"])
    assert not (tmp_path / "glacier").exists()


def test_rules_in_the_store_survive(world: Any) -> None:
    """Stored rules and their counts are there after a restart, and for whoever else uses the folder."""
    order(world, "throttle count=3", "slow GetJobOutput rate=100k")
    assert outcomes(world, 1) == "t"
    world.service.close()
    other = LocalGlacier(world.service.folder, clock=world.clock)
    assert [(kept.line, kept.met, kept.done) for kept in other.faults.listed()] == [
        ("throttle count=3", 1, 1),
        ("slow GetJobOutput rate=100k", 0, 0),
    ]
    other.close()
    assert outcomes(world, 3) == "tt."


def test_rules_are_taken_out(world: Any) -> None:
    """Rules go by their number, all or none; a number is never given again."""
    first, second, third = world.service.faults.add(["throttle", "error-500", "error-503"])
    with pytest.raises(LookupError):
        world.service.faults.remove([first.number, 99])
    world.service.faults.remove([first.number, third.number, third.number])
    assert [kept.number for kept in world.service.faults.listed()] == [second.number]
    assert world.service.faults.clear() == 1
    assert outcomes(world, 1) == "."
    [later] = world.service.faults.add(["throttle"])
    assert later.number > third.number


def test_all_rules_or_none_are_added(world: Any) -> None:
    """One rule that is none keeps the others out too."""
    with pytest.raises(ValueError, match="no operation is named 'Upload'"):
        order(world, "throttle", "throttle Upload")
    assert world.service.faults.listed() == []


def test_threads_share_a_count(world: Any) -> None:
    """However many ask at once, a count is not exceeded, in the store or in an instance."""
    order(world, "throttle count=7")
    other = LocalGlacier(world.service.folder, clock=world.clock, faults=["error-500 count=5"])
    asked = [("x-amz-glacier-version", "2012-06-01")]

    def ask(_: int) -> int:
        return other(Request("GET", "/-/vaults/photos", "", Headers(asked), BytesIO())).status

    with ThreadPoolExecutor(8) as threads:
        statuses = Counter(threads.map(ask, range(60)))
    other.close()
    assert statuses == {500: 5, 400: 7, 200: 48}


def test_processes_share_a_count(world: Any) -> None:
    """Two processes that ask at once meet a stored count together."""
    order(world, "throttle count=20")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", PART, str(world.service.folder)]
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": environment}
    with subprocess.Popen(command, **pipes) as one, subprocess.Popen(command, **pipes) as other:
        for each in (one, other):
            assert each.stdout.readline() == "ready\n"
        for each in (one, other):
            each.stdin.write("\n")
            each.stdin.flush()
        refused = [int(each.stdout.readline()) for each in (one, other)]
    assert sum(refused) == 20
    assert counted(world) == [(20, 20)]


def test_nothing_is_written_where_no_rule_is_concerned(world: Any) -> None:
    """Rules for other operations, and rules that are spent, cost a request no writing."""
    order(world, "throttle UploadArchive", "throttle DescribeVault count=1")
    outcomes(world, 1)
    before = (world.service.folder / "state.db").stat().st_mtime_ns
    assert outcomes(world, 3) == "..."
    assert (world.service.folder / "state.db").stat().st_mtime_ns == before


def test_a_rule_of_a_later_version(world: Any) -> None:
    """A stored rule that this version cannot read is listed as it is, and passed over."""
    with sqlite3.connect(world.service.folder / "state.db") as db:
        db.execute("INSERT INTO faults (rule) VALUES ('burn slowly')")
    db.close()
    order(world, "throttle count=1")
    assert outcomes(world, 2) == "t."
    assert world.service.faults.listed()[0].line == "burn slowly"
