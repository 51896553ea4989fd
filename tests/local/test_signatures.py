"""Signatures: what the AWS documentation and botocore sign is accepted, and what anybody changed is not."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from botocore.exceptions import ClientError
from hypothesis import assume, given
from hypothesis import strategies as st

from glacierkeep.clock import SystemClock
from glacierkeep.local import Headers, LocalGlacier, Request
from glacierkeep.local.wire.canonical import Scope, canonical_request, string_to_sign
from glacierkeep.local.wire.keys import Key, Keys
from glacierkeep.local.wire.refusals import Refusal
from glacierkeep.local.wire.signatures import authenticate
from support.clock import TurnedClock
from support.signing import HOST, KEY, NOON, VERSION, client_of, sign, with_headers

OTHER = Key("AKIAOTHER", "another-secret", "444455556666", user="ada")
TEMPORARY = Key("ASIATEMPORARY", "passing", "111122223333", token="FwoGZXIvYXdzEBY/+example==")
KEYS = Keys([KEY, OTHER, TEMPORARY])

# "Example Signature Calculation" of the developer guide (amazon-glacier-signing-requests).
EXAMPLE_MOMENT = datetime(2012, 5, 25, 0, 24, 53, tzinfo=UTC)
EXAMPLE_SIGNATURE = "3ce5b2f2fffac9262b4da9256f8d086b4aaf42eba5f111c21681a65a127b7c2a"
EXAMPLE = Request(
    "PUT",
    "/-/vaults/examplevault",
    headers=Headers(
        {
            "Host": HOST,
            "x-amz-date": "20120525T002453Z",
            "x-amz-glacier-version": "2012-06-01",
            "Authorization": (
                "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20120525/us-east-1/glacier/aws4_request, "
                "SignedHeaders=host;x-amz-date;x-amz-glacier-version, "
                f"Signature={EXAMPLE_SIGNATURE}"
            ),
        }.items()
    ),
)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[LocalGlacier]:
    """A service that checks signatures, by a clock that says noon."""
    service = LocalGlacier(tmp_path / "glacier", clock=TurnedClock(NOON), keys=KEYS)
    yield service
    service.close()


@pytest.fixture
def present(tmp_path: Path) -> Iterator[LocalGlacier]:
    """A service that checks signatures by the computer's clock, as the SDKs sign by it."""
    service = LocalGlacier(tmp_path / "present", keys=KEYS)
    yield service
    service.close()


def answer(service: LocalGlacier, request: Request) -> tuple[int, Any]:
    """Status and document of the answer."""
    response = service(request)
    body = b"".join(response.stream())
    return response.status, json.loads(body) if body else None


def refusal(request: Request, now: datetime = NOON, keys: Keys = KEYS) -> tuple[int, str, str]:
    """Status, code and message a request is refused with."""
    with pytest.raises(Refusal) as caught:
        authenticate(request, keys, now)
    return caught.value.status, caught.value.code, caught.value.message


def test_the_published_example_is_accepted(tmp_path: Path) -> None:
    """The request of the developer guide creates its vault, at its moment."""
    service = LocalGlacier(tmp_path, clock=TurnedClock(EXAMPLE_MOMENT), keys=KEYS)
    response = service(EXAMPLE)
    assert response.status == 201
    assert response.headers["Location"] == "/111122223333/vaults/examplevault"
    service.close()


def test_the_published_steps_are_ours() -> None:
    """Canonical request, string to sign and signature are those of the developer guide."""
    signed = ("host", "x-amz-date", "x-amz-glacier-version")
    nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    canonical = canonical_request(EXAMPLE, signed, nothing)
    assert canonical == (
        "PUT\n/-/vaults/examplevault\n\n"
        "host:glacier.us-east-1.amazonaws.com\nx-amz-date:20120525T002453Z\n"
        "x-amz-glacier-version:2012-06-01\n\n"
        f"host;x-amz-date;x-amz-glacier-version\n{nothing}"
    )
    assert string_to_sign("20120525T002453Z", Scope("20120525", "us-east-1"), canonical) == (
        "AWS4-HMAC-SHA256\n20120525T002453Z\n20120525/us-east-1/glacier/aws4_request\n"
        "5f1da1a2d0feb614dd03d71e87928b8e449ac87614479332aced3a701f916743"
    )
    signed_here = sign("PUT", "/-/vaults/examplevault", moment=EXAMPLE_MOMENT)
    assert signed_here.headers["Authorization"].endswith(EXAMPLE_SIGNATURE)


def test_every_kind_of_operation_is_accepted(present: LocalGlacier) -> None:
    """Uploads, parts, JSON bodies, listings with queries and markers, ranges: what the SDK signs is taken."""
    client = client_of(present)
    for name in ("a.b", "a_b-c", "photos"):
        client.create_vault(vaultName=name)
    first = client.list_vaults(limit="2")
    second = client.list_vaults(limit="2", marker=first["Marker"])
    assert [vault["VaultName"] for vault in second["VaultList"]] == ["photos"]

    content = bytes(range(256)) * 5000
    described = "two  blanks, and = & + % signs"
    archive = client.upload_archive(vaultName="photos", archiveDescription=described, body=BytesIO(content))[
        "archiveId"
    ]
    upload = client.initiate_multipart_upload(vaultName="photos", partSize=str(1024 * 1024))["uploadId"]
    asked: dict[str, Any] = {"vaultName": "photos", "uploadId": upload}
    client.upload_multipart_part(range="bytes 0-9/*", body=b"0123456789", **asked)
    assert client.list_parts(**asked)["Parts"][0]["RangeInBytes"] == "0-9"
    client.abort_multipart_upload(**asked)
    client.add_tags_to_vault(vaultName="photos", Tags={"größe": "ein wenig"})
    assert client.list_tags_for_vault(vaultName="photos")["Tags"] == {"größe": "ein wenig"}

    wanted = {"Type": "archive-retrieval", "ArchiveId": archive, "Description": "to  read"}
    job = client.initiate_job(vaultName="photos", jobParameters=wanted)["jobId"]
    assert client.list_jobs(vaultName="photos", statuscode="Succeeded", completed="true")["JobList"]
    output = client.get_job_output(vaultName="photos", jobId=job, range="bytes=10-19")
    assert output["body"].read() == content[10:20]
    client.delete_archive(vaultName="photos", archiveId=archive)
    client.delete_vault(vaultName="photos")


@pytest.mark.parametrize(
    ("key", "status", "code", "message"),
    [
        (
            replace(KEY, secret="guessed"),
            403,
            "InvalidSignatureException",
            "The request signature we calculated",
        ),
        (replace(KEY, id="AKIANOBODY"), 400, "UnrecognizedClientException", "The security token included"),
        (
            replace(KEY, token="superfluous"),
            400,
            "UnrecognizedClientException",
            "The security token included",
        ),
        (replace(TEMPORARY, token=None), 400, "UnrecognizedClientException", "The security token included"),
        (
            replace(TEMPORARY, token="forged"),
            400,
            "UnrecognizedClientException",
            "The security token included",
        ),
    ],
)
def test_others_are_refused(present: LocalGlacier, key: Key, status: int, code: str, message: str) -> None:
    """A wrong secret, an unknown id, a token that is wrong, missing or superfluous: nothing is done."""
    with pytest.raises(ClientError) as caught:
        client_of(present, key).create_vault(vaultName="photos")
    error: Any = caught.value.response
    assert error["ResponseMetadata"]["HTTPStatusCode"] == status
    assert error["Error"]["Code"] == code
    assert error["Error"]["Message"].startswith(message)
    assert client_of(present).list_vaults()["VaultList"] == []


def test_temporary_keys_work_until_they_expire(tmp_path: Path) -> None:
    """A token is accepted with its key up to the moment of expiry, and from then on refused as expired."""
    key = replace(TEMPORARY, expires=SystemClock().now() + timedelta(hours=1))
    service = LocalGlacier(tmp_path, keys=Keys([key]))
    client_of(service, key).create_vault(vaultName="photos")
    service.close()
    key = replace(key, expires=SystemClock().now())
    service = LocalGlacier(tmp_path, keys=Keys([key]))
    with pytest.raises(ClientError) as caught:
        client_of(service, key).describe_vault(vaultName="photos")
    error: Any = caught.value.response
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert error["Error"] == {
        "Code": "ExpiredTokenException",
        "Message": "The security token included in the request is expired",
    }
    service.close()


@pytest.mark.parametrize("seconds", [-299, -300, 0, 299, 300])
def test_five_minutes_either_way_are_allowed(seconds: int) -> None:
    """A signature of up to five minutes ago, or ahead, is good."""
    request = sign("GET", "/-/vaults", moment=NOON + timedelta(seconds=seconds))
    caller, _ = authenticate(request, KEYS, NOON + timedelta(microseconds=999_999))
    assert caller.arn == "arn:aws:iam::111122223333:root"


def test_old_signatures_have_expired(service: LocalGlacier) -> None:
    """Five minutes and a second are too long ago; the words are those of the real service."""
    request = sign("GET", "/-/vaults", moment=NOON - timedelta(seconds=301))
    assert answer(service, request) == (
        403,
        {
            "code": "InvalidSignatureException",
            "message": "Signature expired: 20260301T115459Z is now earlier than 20260301T115500Z"
            " (20260301T120000Z - 5 min.)",
            "type": "Client",
        },
    )


def test_signatures_of_the_future_are_not_yet_good(service: LocalGlacier) -> None:
    """Five minutes and a second are too far ahead; the words are those of the real service."""
    request = sign("GET", "/-/vaults", moment=NOON + timedelta(seconds=301))
    status, document = answer(service, request)
    assert (status, document["code"]) == (403, "InvalidSignatureException")
    assert document["message"] == (
        "Signature not yet current: 20260301T120501Z is still later than 20260301T120500Z"
        " (20260301T120000Z + 5 min.)"
    )


def test_turning_the_services_clock_changes_no_signature(service: LocalGlacier) -> None:
    """Signatures are judged by the real time, which is also the Date of the answers: SDKs set their clock by it."""
    service.advance(timedelta(days=3))
    response = service(sign("GET", "/-/vaults"))
    assert response.status == 200
    assert response.headers["Date"] == "Sun, 01 Mar 2026 12:00:00 GMT"


def test_an_sdk_whose_clock_is_wrong_is_told(tmp_path: Path) -> None:
    """A client that signs by a clock ten minutes off is refused."""
    for minutes, words in ((10, "Signature expired: "), (-10, "Signature not yet current: ")):
        clock = TurnedClock(SystemClock().now() + timedelta(minutes=minutes))
        service = LocalGlacier(tmp_path, clock=clock, keys=KEYS)
        with pytest.raises(ClientError, match=words):
            client_of(service).list_vaults()
        service.close()


CAPTURES = {
    # mt-aws-glacier#139 (2018): an old signature.
    "old": (
        "POST",
        "/-/vaults/amaranto/jobs",
        "us-east-2",
        "20180727T181658Z",
        {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
        "KEY",
        datetime(2018, 7, 27, 18, 23, 16, tzinfo=UTC),
        165,
    ),
    # mt-aws-glacier#68 (2014): another secret.
    "mismatch": (
        "PUT",
        "/-/vaults/mt",
        "us-east-1",
        "20140203T231122Z",
        {},
        "KEY",
        datetime(2014, 2, 3, 23, 11, 23, tzinfo=UTC),
        718,
    ),
    # mt-aws-glacier#9 (2012): the same, with a Content-Type.
    "mismatch of a job": (
        "POST",
        "/-/vaults/TA/jobs",
        "us-east-1",
        "20121116T201753Z",
        {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
        "KEY",
        datetime(2012, 11, 16, 20, 17, 53, tzinfo=UTC),
        800,
    ),
    # mt-aws-glacier#22 (2013): id and secret confused, so that there are slashes in the id.
    "slashes": (
        "POST",
        "/-/vaults/test1/multipart-uploads",
        "eu-west-1",
        "20130204T120444Z",
        {"X-Amz-Part-Size": "16777216"},
        "trXVr9de6W/ixgoCtC/L14hhJZ/WC5hIOCbc26/7",
        datetime(2013, 2, 4, 12, 4, 44, tzinfo=UTC),
        248,
    ),
}


@pytest.mark.parametrize("name", CAPTURES)
def test_refusals_are_as_long_as_the_real_ones(tmp_path: Path, name: str) -> None:
    """Published answers of the real service were 403, and their Content-Length is that of ours to the same."""
    method, path, region, stamp, more, key_id, now, length = CAPTURES[name]
    sent = {"Host": f"glacier.{region}.amazonaws.com", "X-Amz-Date": stamp, **more, **VERSION}
    names = ";".join(sorted(name.lower() for name in sent))
    sent["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={key_id}/{stamp[:8]}/{region}/glacier/aws4_request,"
        f" SignedHeaders={names}, Signature={'0' * 64}"
    )
    known = Keys([Key("KEY", "secret", "111122223333")])
    service = LocalGlacier(tmp_path, clock=TurnedClock(now), keys=known)
    response = service(Request(method, path, headers=Headers(sent.items()), body=BytesIO(b"{}")))
    assert (response.status, response.headers["Content-Length"]) == (403, str(length))
    service.close()


def test_a_mismatch_tells_what_should_have_been_signed(service: LocalGlacier) -> None:
    """The message has the canonical request and the string to sign, as captured in aws-cli#2474."""
    request = sign("PUT", "/-/vaults/photos", key=replace(KEY, secret="guessed"))
    status, document = answer(service, request)
    nothing = sha256(b"").hexdigest()
    canonical = (
        f"PUT\n/-/vaults/photos\n\nhost:{HOST}\nx-amz-date:20260301T120000Z\n"
        f"x-amz-glacier-version:2012-06-01\n\nhost;x-amz-date;x-amz-glacier-version\n{nothing}"
    )
    digest = sha256(canonical.encode()).hexdigest()
    assert (status, document["code"]) == (403, "InvalidSignatureException")
    assert document["message"] == (
        "The request signature we calculated does not match the signature you provided. Check your AWS"
        " Secret Access Key and signing method. Consult the service documentation for details.\n\n"
        f"The Canonical String for this request should have been\n'{canonical}'\n\n"
        "The String-to-Sign should have been\n"
        f"'AWS4-HMAC-SHA256\n20260301T120000Z\n20260301/us-east-1/glacier/aws4_request\n{digest}'\n"
    )


GOOD = sign("GET", "/-/vaults")
CREDENTIAL = "AKIAIOSFODNN7EXAMPLE/20260301/us-east-1/glacier/aws4_request"


def authorized(credential: str = CREDENTIAL, names: str = "host;x-amz-date;x-amz-glacier-version") -> str:
    return f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature=0"


NOT_THERE = (400, "MissingAuthenticationTokenException")
UNREADABLE = (403, "IncompleteSignatureException")
NOT_GOOD = (403, "InvalidSignatureException")
DATE_WORDS = "Date must be in ISO-8601 'basic format'. Got '{}'. See http://en.wikipedia.org/wiki/ISO_8601"


@pytest.mark.parametrize(
    ("name", "value", "refused", "message"),
    [
        ("authorization", None, NOT_THERE, "Request is missing Authentication Token"),
        (
            "authorization",
            "AWS AKIA:frJIUN8DYpKDtOLCwo=",
            NOT_THERE,
            "Request is missing Authentication Token",
        ),
        (
            *("authorization", "AWS4-HMAC-SHA256", UNREADABLE),
            (
                "Authorization header requires 'Credential' parameter. "
                "Authorization header requires 'Signature' parameter. "
                "Authorization header requires 'SignedHeaders' parameter. Authorization=AWS4-HMAC-SHA256"
            ),
        ),
        (
            *("authorization", "AWS4-HMAC-SHA256 Credential= a/b, SignedHeaders=b, Signature=c", UNREADABLE),
            (
                "'a/b' not a valid key=value pair (missing equal-sign) in Authorization header: "
                "'AWS4-HMAC-SHA256 Credential= a/b, SignedHeaders=b, Signature=c'."
            ),
        ),
        (
            *("x-amz-date", None, UNREADABLE),
            (
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
                f"Authorization={GOOD.headers['Authorization']}"
            ),
        ),
        ("x-amz-date", "2026-03-01T12:00:00Z", UNREADABLE, DATE_WORDS.format("2026-03-01T12:00:00Z")),
        ("x-amz-date", "20260301T126000Z", UNREADABLE, DATE_WORDS.format("20260301T126000Z")),
        (
            *("authorization", authorized(names="x-amz-date;x-amz-glacier-version"), NOT_GOOD),
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
        ),
        (
            *("authorization", authorized(names="host;x-amz-date"), NOT_GOOD),
            "'x-amz-glacier-version' must be a 'SignedHeader' in the AWS Authorization.",
        ),
        (
            *("authorization", authorized().replace("HMAC", "ECDSA-P256"), UNREADABLE),
            "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256' (only AWS4-HMAC-SHA256 for now). ",
        ),
        (
            *("authorization", authorized("a/b/c/d"), UNREADABLE),
            (
                "Credential must have exactly 5 slash-delimited elements, "
                "e.g. keyid/date/region/service/term, got 'a/b/c/d'"
            ),
        ),
        (
            *("authorization", authorized("a/b/c/d/e"), NOT_GOOD),
            (
                "Credential should be scoped to a valid region, not 'c'. "
                "Credential should be scoped to correct service: 'glacier'. "
                "Credential should be scoped with a valid terminator: 'aws4_request', not 'e'. "
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
                "'b' != '20260301', from '20260301T120000Z'. "
            ),
        ),
        (
            *("authorization", authorized(CREDENTIAL.replace("us-east-1", "eu-west-1")), NOT_GOOD),
            "Credential should be scoped to a valid region, not 'eu-west-1'. ",
        ),
    ],
)
def test_what_is_no_signature_is_refused_in_the_words_of_aws(
    name: str, value: str | None, refused: tuple[int, str], message: str
) -> None:
    """No signature, one of another kind, one that cannot be read, one for something else."""
    assert refusal(with_headers(GOOD, **{name: value})) == (*refused, message)


def test_signatures_in_the_query_are_refused(present: LocalGlacier) -> None:
    """A presigned URL of the SDK is refused, and so is one beside a header."""
    url = urlsplit(client_of(present).generate_presigned_url("list_vaults", {"accountId": "-"}))
    host = Headers([("Host", url.netloc), ("x-amz-glacier-version", "2012-06-01")])
    status, code, message = refusal(Request("GET", url.path, url.query, host))
    assert (status, code) == (400, "MissingAuthenticationTokenException")
    assert message.endswith("; a signature in the query string is not accepted")
    both = replace(GOOD, query=url.query)
    assert refusal(both)[:2] == (403, "InvalidSignatureException")


@pytest.mark.parametrize(
    "date", ["Sun, 01 Mar 2026 12:00:00 GMT", "Sunday, 01-Mar-26 12:00:00 GMT", "Sun Mar  1 12:00:00 2026"]
)
def test_a_date_header_stands_for_x_amz_date(date: str) -> None:
    """Every form of a date that HTTP knows is accepted, and the one of SigV4."""
    for form in (date, "20260301T120000Z"):
        request = sign("GET", "/-/vaults", headers={"Date": form, **VERSION})
        assert "x-amz-date" not in request.headers
        authenticate(request, KEYS, NOON)
        assert refusal(request, NOON + timedelta(minutes=6))[2].startswith("Signature expired: ")


def test_accounts_and_regions_come_from_the_key_and_its_scope(service: LocalGlacier) -> None:
    """Each account sees its own vaults, in the region signed for."""
    for key, region, name in (
        (KEY, "us-east-1", "one"),
        (OTHER, "us-east-1", "two"),
        (KEY, "eu-west-1", "three"),
    ):
        host = f"glacier.{region}.amazonaws.com"
        made = service(sign("PUT", f"/-/vaults/{name}", key=key, region=region, host=host))
        assert made.headers["Location"] == f"/{key.account}/vaults/{name}"
        _, listed = answer(service, sign("GET", "/-/vaults", key=key, region=region, host=host))
        arns = [vault["VaultARN"] for vault in listed["VaultList"]]
        assert arns == [f"arn:aws:glacier:{region}:{key.account}:vaults/{name}"]
    caller, _ = authenticate(sign("GET", "/-/vaults", key=OTHER), KEYS, NOON)
    assert caller.arn == "arn:aws:iam::444455556666:user/ada"
    foreign = sign("GET", "/444455556666/vaults")
    assert answer(service, foreign)[1]["code"] == "AccessDeniedException"


@pytest.mark.parametrize("host", [HOST, "localhost:8123", "127.0.0.1", "[::1]:80", "example.org"])
def test_the_host_is_the_one_received(host: str) -> None:
    """Whatever name a client gives, and wherever it connects to, the name it sent is what it must have signed."""
    request = sign("GET", "/-/vaults", host=host)
    received = with_headers(request, host=host)
    authenticate(received, KEYS, NOON)
    assert refusal(with_headers(request, host="other.example"))[1] == "InvalidSignatureException"
    assert refusal(with_headers(request, host=None))[1] == "InvalidSignatureException"


def test_nothing_counts_without_a_signature(service: LocalGlacier) -> None:
    """The signature is looked at before version, path or anything else."""
    for request in (Request("PUT", "/-/vaults/photos"), Request("BREW", "/coffee", "\ud800", Headers())):
        status, document = answer(service, request)
        assert (status, document["code"]) == (400, "MissingAuthenticationTokenException")
    assert answer(service, sign("GET", "/-/vaults"))[1]["VaultList"] == []


class Untouched(BytesIO):
    """A body that nobody may read."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise AssertionError(f"{size} bytes were read")


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/-/vaults/photos/archives"), ("PUT", "/-/vaults/photos/multipart-uploads/u")],
)
def test_an_upload_is_not_read_before_it_is_accepted(method: str, path: str) -> None:
    """Its hash comes in a header: without it, or with another signature, not a byte is taken."""
    bare = replace(sign(method, path, body=b"abc"), body=Untouched())
    missing = (400, "MissingParameterValueException", "Required parameter missing: x-amz-content-sha256")
    assert refusal(bare) == missing
    hashed = {"x-amz-content-sha256": sha256(b"abc").hexdigest(), **VERSION}
    good = replace(sign(method, path, headers=hashed, body=b"abc"), body=Untouched())
    _, accepted = authenticate(good, KEYS, NOON)
    assert accepted.body is good.body
    another = with_headers(good, x_amz_content_sha256=sha256(b"abd").hexdigest())
    assert refusal(another)[1] == "InvalidSignatureException"


def test_only_what_was_signed_is_read_on() -> None:
    """Any other body is read for its hash and handed on, up to 1 MiB; nobody unknown makes the service read."""
    body = b'{"Type":"inventory-retrieval"}'
    request = sign("POST", "/-/vaults/photos/jobs", body=body)
    _, accepted = authenticate(request, KEYS, NOON)
    assert accepted.body.read(1000) == body
    changed = replace(request, body=BytesIO(body.replace(b"inv", b"arc")))
    assert refusal(changed)[1] == "InvalidSignatureException"
    large = sign("POST", "/-/vaults/photos/jobs", body=bytes(1024 * 1024 + 1))
    assert refusal(large)[1] == "SerializationException"
    stranger = sign("POST", "/-/vaults/photos/jobs", key=replace(KEY, id="AKIANOBODY"))
    assert refusal(replace(stranger, body=Untouched()))[1] == "UnrecognizedClientException"


@pytest.mark.parametrize("declared", [sha256(b"{}").hexdigest(), "UNSIGNED-PAYLOAD", "0"])
def test_a_declared_hash_must_be_the_bodys(declared: str) -> None:
    """A hash that was signed but is not that of the body refuses the request."""
    headers = {"x-amz-content-sha256": declared, **VERSION}
    request = sign("POST", "/-/vaults/photos/jobs", headers=headers, body=b"{ }")
    computed = sha256(b"{ }").hexdigest()
    message = f"Checksum mismatch: expected {declared}, computed {computed}"
    assert refusal(request) == (400, "InvalidParameterValueException", message)


def test_a_declared_hash_that_is_the_bodys_is_accepted() -> None:
    """Clients that send the hash with every request are served."""
    headers = {"x-amz-content-sha256": sha256(b"{ }").hexdigest(), **VERSION}
    authenticate(sign("POST", "/-/vaults/photos/jobs", headers=headers, body=b"{ }"), KEYS, NOON)


def test_headers_sent_twice_count_together() -> None:
    """The values of a repeated header are one value with commas, in their order, as SigV4 has it."""
    request = sign("GET", "/-/vaults", headers={"x-amz-some": "b  c,a", **VERSION})
    others = [(name, value) for name, value in request.headers.items() if name != "x-amz-some"]
    twice = [("X-Amz-Some", " b   c "), ("x-amz-some", "a")]
    authenticate(replace(request, headers=Headers([*others, *twice])), KEYS, NOON)
    swapped = replace(request, headers=Headers([*others, *reversed(twice)]))
    assert refusal(swapped)[1] == "InvalidSignatureException"


def test_line_ends_forge_no_headers() -> None:
    """A value with line ends in it does not stand for headers that were signed and then taken away."""
    request = sign("GET", "/-/vaults", headers={"x-amz-one": "1", "x-amz-other": "2", **VERSION})
    forged = with_headers(request, x_amz_one="1\nx-amz-other:2", x_amz_other=None)
    assert refusal(forged)[1] == "InvalidSignatureException"


@pytest.mark.parametrize(
    "endpoint", ["http://localhost:80", "https://LOCALHOST:443", "http://[::1]:8123", "http://127.0.0.1:443"]
)
def test_clients_with_an_endpoint_of_their_own_are_served(present: LocalGlacier, endpoint: str) -> None:
    """A client that was told where the service is signs that name, as HTTP clients send it."""
    client_of(present, endpoint=endpoint).create_vault(vaultName="photos")


SEGMENTS = st.text(max_size=6) | st.sampled_from(["", ".", "..", "-", "vaults", "a.b", "%", "~"])
NAMES = st.from_regex(r"\A(x-amz|other)-[a-z0-9_]{1,6}\Z")
VALUES = st.text(st.sampled_from([*map(chr, range(0x20, 0x7F)), "\t", " "]), max_size=12)


@given(
    st.sampled_from(["GET", "PUT", "POST", "DELETE"]),
    st.lists(SEGMENTS, max_size=5),
    st.lists(st.tuples(st.text(max_size=5), st.none() | st.text(max_size=5)), max_size=4),
    st.dictionaries(NAMES, VALUES, max_size=4),
    st.binary(max_size=20),
)
def test_whatever_botocore_signs_is_accepted(
    method: str,
    segments: list[str],
    pairs: list[tuple[str, str | None]],
    headers: dict[str, str],
    body: bytes,
) -> None:
    """Any path, query, headers and body, signed by the SDK's own signer."""
    path = "/" + "/".join(quote(segment, safe="") for segment in segments)
    named = [
        quote(name, safe="~") + ("" if value is None else f"={quote(value, safe='~')}")
        for name, value in pairs
    ]
    query = "?" + "&".join(named) if named else ""
    request = sign(method, path + query, headers={**headers, **VERSION}, body=body)
    caller, accepted = authenticate(request, KEYS, NOON)
    assert (caller.account, caller.region) == ("111122223333", "us-east-1")
    assert accepted.body.read(100) == body


SIGNED = sign(
    "POST",
    "/-/vaults/photos/jobs?marker=a%2Bb&limit=5",
    headers={"x-amz-some": "thing", "Content-Type": "application/json", **VERSION},
    body=b'{"Type":"inventory-retrieval"}',
    key=TEMPORARY,
)
WORDS = st.text(st.sampled_from("abcXYZ019-_.~ +"), min_size=1, max_size=8)


def in_authorization(old: str, new: str) -> Callable[[Request], Request]:
    def change(request: Request) -> Request:
        return with_headers(request, authorization=request.headers["Authorization"].replace(old, new))

    return change


def in_header(name: str, value: str) -> Callable[[Request], Request]:
    return lambda request: with_headers(request, **{name: value})


TAMPERING = st.one_of(
    st.sampled_from(["GET", "PUT", "DELETE", "post"]).map(
        lambda new: lambda request: replace(request, method=new)
    ),
    WORDS.map(lambda new: lambda request: replace(request, path=f"/-/vaults/{quote(new)}/jobs")),
    WORDS.map(lambda new: lambda request: replace(request, query=f"marker={quote(new)}&limit=5")),
    WORDS.map(lambda new: lambda request: replace(request, query=f"{request.query}&{quote(new)}=1")),
    st.sampled_from(["", "limit=5", "marker=a+b&limit=5", "marker=a%2Bb&limit=50"]).map(
        lambda new: lambda request: replace(request, query=new)
    ),
    st.tuples(st.sampled_from(["host", "content-type", "x-amz-some", "x-amz-glacier-version"]), WORDS).map(
        lambda new: in_header(*new)
    ),
    st.integers(-299, 299)
    .filter(bool)
    .map(lambda seconds: in_header("x-amz-date", f"{NOON + timedelta(seconds=seconds):%Y%m%dT%H%M%SZ}")),
    WORDS.map(lambda new: in_header("x-amz-security-token", new)),
    st.tuples(NAMES, VALUES).filter(lambda new: new[0].startswith("x-amz-")).map(lambda new: in_header(*new)),
    st.sampled_from(["host", "content-type", "x-amz-some", "x-amz-date", "x-amz-security-token"]).map(
        lambda name: lambda request: with_headers(request, **{name: None})
    ),
    st.binary(max_size=40).map(lambda new: lambda request: replace(request, body=BytesIO(new))),
    st.sampled_from(["x-amz-some;", "content-type;", "host;", ";x-amz-some"]).map(
        lambda name: in_authorization(name, "")
    ),
    st.tuples(
        st.sampled_from(["ASIATEMPORARY", "20260301", "us-east-1", "glacier/", "aws4_request", "HMAC"]), WORDS
    ).map(lambda new: in_authorization(*new)),
    st.just(in_authorization("ASIATEMPORARY", KEY.id)),
    st.just(in_authorization("SignedHeaders=", "SignedHeaders=accept;")),
    st.integers(0, 63).map(
        lambda at: lambda request: with_headers(request, authorization=flipped(request, at))
    ),
    st.integers(1, 64).map(
        lambda size: (
            lambda request: with_headers(request, authorization=request.headers["Authorization"][:-size])
        )
    ),
)


def flipped(request: Request, at: int) -> str:
    """The Authorization header with another digit at one place of its signature."""
    start, signature = request.headers["Authorization"][:-64], request.headers["Authorization"][-64:]
    other = "0" if signature[at] != "0" else "1"
    return start + signature[:at] + other + signature[at + 1 :]


def meaning(request: Request) -> tuple[object, ...]:
    """What a request says, whatever stands around it."""
    body = request.body.getvalue() if isinstance(request.body, BytesIO) else b""
    return request.method, request.path, request.query, dict(request.headers), body


@given(TAMPERING)
def test_what_was_changed_after_signing_is_refused(tamper: Callable[[Request], Request]) -> None:
    """Method, path, query, any header, body, any part of the authorization: a change of one is found."""
    body = b'{"Type":"inventory-retrieval"}'
    request = replace(SIGNED, body=BytesIO(body))
    authenticate(request, KEYS, NOON)
    request = replace(SIGNED, body=BytesIO(body))
    changed = tamper(request)
    assume(meaning(changed) != meaning(request))
    status, _, _ = refusal(changed)
    assert status in {400, 403}


HOSTILE = st.one_of(
    st.text(max_size=40),
    st.text(st.sampled_from("AWS4-HMAC-SHA256 Credential=/,;Signature \ud800\x00é")),
    st.sampled_from(
        ["AWS4-", "AWS4-HMAC-SHA256 " + "a=b," * 500, authorized("/" * 4), authorized(names=";")]
    ),
)


@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
def test_hostile_headers_are_refused_in_order(authorization: str, date: str, host: str, path: str) -> None:
    """Whatever is in the headers a signature is read from, it is a refusal of the sender's."""
    for changes in (
        {"authorization": authorization, "x_amz_date": date, "host": host},
        {"authorization": authorization},
        {"x_amz_date": date},
        {"x_amz_date": None, "date": date},
        {"host": host, "x_amz_security_token": date},
        {"authorization": authorized(f"{authorization}/20260301/us-east-1/glacier/aws4_request")},
        {"authorization": authorized(names=f"host;x-amz-date;x-amz-glacier-version;{authorization}")},
    ):
        changed: dict[str, str | None] = dict(changes)
        request = replace(with_headers(GOOD, **changed), path=path, query=host)
        status, _, _ = refusal(request)
        assert status in {400, 403}
