"""The AWS CLI's own walk-through of Glacier, command by command, with the real `aws` against `gk local serve`.

What `aws` prints is compared with what its documentation, which comes with it, shows as the real service's output.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awscli
import pytest

EXAMPLES = Path(awscli.__file__).parent / "examples" / "glacier"
ACCOUNT, REGION = "111122223333", "us-west-2"
ARN = f"arn:aws:glacier:{REGION}:{ACCOUNT}:vaults"
POLICY = (
    '{"Policy":"{\\"Version\\":\\"2012-10-17\\",\\"Statement\\":[{\\"Sid\\":\\"Define-vault-lock\\",\\"Effect\\":\\"Deny\\",'
    '\\"Principal\\":{\\"AWS\\":\\"arn:aws:iam::111122223333:root\\"},\\"Action\\":\\"glacier:DeleteArchive\\",'
    '\\"Resource\\":\\"arn:aws:glacier:us-west-2:111122223333:vaults/examplevault\\",\\"Condition\\":'
    '{\\"NumericLessThanEquals\\":{\\"glacier:ArchiveAgeInDays\\":\\"365\\"}}}]}"}'
)


@dataclass(frozen=True)
class Terminal:
    """A shell in a folder of its own, with the environment that `gk local serve` said to use."""

    folder: Path
    environment: dict[str, str]

    def __call__(self, command: str, *, fails: str = "") -> str:
        """What *command* prints; it must succeed, or fail with that word on standard error."""
        ran = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert (ran.returncode != 0) == bool(fails), ran.stderr
        assert fails in ran.stderr
        return ran.stdout

    def answer(self, command: str) -> Any:
        """What *command* prints, as JSON."""
        return json.loads(self(command))

    def written(self, name: str) -> Any:
        """A JSON file that a command wrote."""
        return json.loads((self.folder / name).read_text())


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """The local Glacier served in realistic mode, and a shell from which to use it."""
    environment = dict(os.environ)
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
    environment["AWS_PAGER"] = ""
    serve = [
        "gk",
        "local",
        "serve",
        "--port",
        "0",
        "--realistic",
        "--account",
        ACCOUNT,
        "--region",
        REGION,
        "--json",
    ]
    program = shutil.which("gk", path=environment["PATH"])
    assert program, "gk is not beside the Python that runs the tests"
    with subprocess.Popen(
        [program, *serve[1:]], env=environment, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    ) as server:
        assert server.stdout is not None
        served = json.loads(server.stdout.readline())
        environment["AWS_ENDPOINT_URL_GLACIER"] = served["url"]
        environment["AWS_SHARED_CREDENTIALS_FILE"] = served["credentials"]
        environment["AWS_DEFAULT_REGION"] = REGION
        (tmp_path / "shell").mkdir()
        yield Terminal(tmp_path / "shell", environment)
        server.terminate()
        assert server.wait(60) == 0


def documented(command: str, number: int = 0) -> set[str]:
    """The fields of an output that the documentation of *command* shows."""
    text = (EXAMPLES / f"{command}.rst").read_text().replace('""', '"')
    shown = re.findall(r"(?:Output::|process\. ::)\n\n((?:[ ]+.*\n|\n)+)", text)
    return fields(json.loads(shown[number]))


def fields(document: Any, where: str = "") -> set[str]:
    """The dotted names of everything in *document*; what is in tags is anybody's."""
    if isinstance(document, dict):
        found = {f"{where}.{name}" for name in document}
        return found.union(*(fields(value, f"{where}.{name}") for name, value in document.items()))
    if isinstance(document, list):
        return set().union(*(fields(each, where + "[]") for each in document))
    return set()


def test_an_archive_is_uploaded_and_comes_back(terminal: Terminal) -> None:
    """The walk-through of the user guide, from create-vault by way of a multipart upload to delete-vault."""
    made = terminal.answer("aws glacier create-vault --account-id - --vault-name myvault")
    assert made == {"location": f"/{ACCOUNT}/vaults/myvault"}
    terminal("aws glacier wait vault-exists --account-id - --vault-name myvault")
    vault = terminal.answer("aws glacier describe-vault --vault-name myvault --account-id -")
    assert vault["VaultARN"] == f"{ARN}/myvault"

    terminal("head -c 3145728 /dev/urandom > largefile; split -b 1048576 largefile chunk")
    started = terminal.answer(
        'aws glacier initiate-multipart-upload --account-id - --archive-description "multipart upload test" '
        "--part-size 1048576 --vault-name myvault"
    )
    assert set(started) == {"uploadId", "location"}
    upload = f"--upload-id={started['uploadId']} --account-id - --vault-name myvault"
    for chunk, span in (("aa", "0-1048575"), ("ab", "1048576-2097151"), ("ac", "2097152-3145727")):
        sent = terminal.answer(
            f"aws glacier upload-multipart-part {upload} --body chunk{chunk} --range 'bytes {span}/*'"
        )
        assert len(sent["checksum"]) == 64
    # Since the documentation was written the command gathers all pages, and then prints the parts alone.
    parts = terminal.answer(f"aws glacier list-parts {upload} --no-paginate")
    assert fields(parts) == documented("list-parts") | {".ArchiveDescription"}
    listed = terminal.answer("aws glacier list-multipart-uploads --account-id - --vault-name myvault")
    [pending] = listed["UploadsList"]
    assert pending == {name: parts[name] for name in pending}
    terminal(
        "openssl dgst -sha256 -binary chunkaa > hash1; openssl dgst -sha256 -binary chunkab > hash2; "
        "openssl dgst -sha256 -binary chunkac > hash3; cat hash1 hash2 > hash12; "
        "openssl dgst -sha256 -binary hash12 > hash12hash; cat hash12hash hash3 > hash123"
    )
    tree_hash = terminal("openssl dgst -sha256 hash123").split()[-1]
    completed = terminal.answer(
        f"aws glacier complete-multipart-upload --checksum {tree_hash} --archive-size 3145728 {upload}"
    )
    assert completed["checksum"] == tree_hash
    archive = completed["archiveId"]

    terminal("printf 'a short one' > archive.zip")
    single = terminal.answer(
        "aws glacier upload-archive --account-id - --vault-name myvault --body archive.zip"
    )
    assert fields(single) == documented("upload-archive")

    retrieve_inventory(terminal, archive, tree_hash)
    retrieve_archive(terminal, archive)
    delete_everything(terminal, [archive, single["archiveId"]])


def retrieve_inventory(terminal: Terminal, archive: str, tree_hash: str) -> None:
    terminal("gk local advance 1d")
    vaults = terminal.answer("aws glacier list-vaults --account-id -")
    assert fields(vaults) == documented("list-vaults")
    asked = terminal.answer(
        "aws glacier initiate-job --account-id - --vault-name myvault "
        """--job-parameters '{"Type": "inventory-retrieval"}'"""
    )
    assert fields(asked) == documented("initiate-job")
    job = f"--account-id - --vault-name myvault --job-id={asked['jobId']}"
    assert fields(terminal.answer(f"aws glacier describe-job {job}")) == documented("describe-job")
    terminal(f"aws glacier get-job-output {job} output.json", fails="not currently available for download")
    terminal("gk local advance 5h")
    got = terminal.answer(f"aws glacier get-job-output {job} output.json")
    assert got == {"status": 200, "acceptRanges": "bytes", "contentType": "application/json"}
    inventory = terminal.written("output.json")
    assert inventory["VaultARN"] == f"{ARN}/myvault"
    first, second = inventory["ArchiveList"]
    assert (first["ArchiveId"], first["Size"], first["SHA256TreeHash"]) == (archive, 3145728, tree_hash)
    assert (first["ArchiveDescription"], second["ArchiveDescription"]) == ("multipart upload test", "")


def retrieve_archive(terminal: Terminal, archive: str) -> None:
    order = {
        "Type": "archive-retrieval",
        "ArchiveId": archive,
        "Description": "Retrieve archive on 2015-07-17",
        "SNSTopic": "arn:aws:sns:us-west-2:0123456789012:my-topic",
    }
    (terminal.folder / "job-archive-retrieval.json").write_text(json.dumps(order))
    vault = "--account-id - --vault-name myvault"
    asked = terminal.answer(
        f"aws glacier initiate-job {vault} --job-parameters file://job-archive-retrieval.json"
    )
    jobs = terminal.answer(f"aws glacier list-jobs {vault} --completed false")
    wanted = documented("list-jobs") - {
        ".JobList[].InventoryRetrievalParameters",
        ".JobList[].InventoryRetrievalParameters.Format",
    }
    assert fields(jobs) == wanted | {".JobList[].Tier"}  # the documented output is older than tiers
    terminal("gk local advance 5h")
    job = f"{vault} --job-id={asked['jobId']}"
    done = terminal.answer(f"aws glacier describe-job {job}")
    assert (done["Completed"], done["StatusCode"], done["StatusMessage"]) == (True, "Succeeded", "Succeeded")
    got = terminal.answer(f"aws glacier get-job-output {job} back")
    assert got["checksum"] == done["SHA256TreeHash"]
    terminal("cmp largefile back")
    ranged = terminal.answer(f"aws glacier get-job-output {job} --range bytes=0-1048575 first")
    assert (ranged["status"], ranged["contentRange"]) == (206, "bytes 0-1048575/3145728")
    terminal("cmp chunkaa first")


def delete_everything(terminal: Terminal, archives: list[str]) -> None:
    vault = "--account-id - --vault-name myvault"
    terminal(f"aws glacier delete-vault {vault}", fails="Vault not empty or recently written to")
    for archive in archives:
        assert terminal(f"aws glacier delete-archive {vault} --archive-id={archive}") == ""
    terminal(f"aws glacier delete-vault {vault}", fails="Vault not empty or recently written to")
    terminal("gk local advance 1d")
    assert terminal(f"aws glacier delete-vault {vault}") == ""
    terminal(f"aws glacier describe-vault {vault}", fails="Vault not found for ARN")


def test_what_a_vault_is_given(terminal: Terminal) -> None:
    """Tags, notifications, policies, lock, retrieval policy, capacity and an abandoned upload, as documented."""
    vault = "--account-id - --vault-name examplevault"
    terminal(f"aws glacier create-vault {vault}")
    tagged_and_notified(terminal, vault)
    locked(terminal, vault)
    of_the_account(terminal)
    started = terminal.answer(f"aws glacier initiate-multipart-upload {vault} --part-size 1048576")
    assert set(started) == {"location", "uploadId"}
    assert terminal(f"aws glacier abort-multipart-upload {vault} --upload-id={started['uploadId']}") == ""
    left = terminal.answer(f"aws glacier list-multipart-uploads {vault}")
    assert left == {"UploadsList": []}


def tagged_and_notified(terminal: Terminal, vault: str) -> None:
    assert terminal(f"aws glacier add-tags-to-vault {vault} --tags id=1234,date=july2015") == ""
    tags = terminal.answer(f"aws glacier list-tags-for-vault {vault}")
    assert tags == {"Tags": {"date": "july2015", "id": "1234"}}
    assert terminal(f"aws glacier remove-tags-from-vault {vault} --tag-keys date") == ""
    assert terminal.answer(f"aws glacier list-tags-for-vault {vault}") == {"Tags": {"id": "1234"}}

    config = {
        "SNSTopic": "arn:aws:sns:us-west-2:0123456789012:my-vault",
        "Events": ["ArchiveRetrievalCompleted", "InventoryRetrievalCompleted"],
    }
    (terminal.folder / "notificationconfig.json").write_text(json.dumps(config))
    said = f"aws glacier set-vault-notifications {vault} --vault-notification-config file://notificationconfig.json"
    assert terminal(said) == ""
    shown = terminal.answer(f"aws glacier get-vault-notifications {vault}")
    assert fields(shown) == documented("get-vault-notifications")
    assert terminal(f"aws glacier delete-vault-notifications {vault}") == ""
    terminal(f"aws glacier get-vault-notifications {vault}", fails="ResourceNotFoundException")


def locked(terminal: Terminal, vault: str) -> None:
    (terminal.folder / "policy.json").write_text(POLICY)
    assert terminal(f"aws glacier set-vault-access-policy {vault} --policy file://policy.json") == ""
    shown = terminal.answer(f"aws glacier get-vault-access-policy {vault}")
    assert fields(shown) == documented("get-vault-access-policy")
    assert terminal(f"aws glacier delete-vault-access-policy {vault}") == ""

    lock = terminal.answer(f"aws glacier initiate-vault-lock {vault} --policy file://policy.json")
    assert fields(lock) == documented("initiate-vault-lock")
    assert terminal(f"aws glacier abort-vault-lock {vault}") == ""
    lock = terminal.answer(f"aws glacier initiate-vault-lock {vault} --policy file://policy.json")
    assert terminal(f"aws glacier complete-vault-lock {vault} --lock-id={lock['lockId']}") == ""
    shown = terminal.answer(f"aws glacier get-vault-lock {vault}")
    assert fields(shown) == documented("get-vault-lock")
    assert shown["State"] == "Locked"
    terminal(f"aws glacier abort-vault-lock {vault}", fails="AccessDeniedException")
    terminal("printf 'for a year at least' > archive.zip")
    single = terminal.answer(f"aws glacier upload-archive {vault} --body archive.zip")
    delete = f"aws glacier delete-archive {vault} --archive-id={single['archiveId']}"
    terminal(delete, fails="AccessDeniedException")
    terminal("gk local advance 366d")
    assert terminal(delete) == ""


def of_the_account(terminal: Terminal) -> None:
    rules = {"Rules": [{"Strategy": "BytesPerHour", "BytesPerHour": 10737418240}]}
    (terminal.folder / "data-retrieval-policy.json").write_text(json.dumps(rules))
    assert (
        terminal(
            "aws glacier set-data-retrieval-policy --account-id - --policy file://data-retrieval-policy.json"
        )
        == ""
    )
    shown = terminal.answer("aws glacier get-data-retrieval-policy --account-id -")
    assert shown == {"Policy": rules}
    bought = terminal.answer(f"aws glacier purchase-provisioned-capacity --account-id {ACCOUNT}")
    assert fields(bought) == documented("purchase-provisioned-capacity")
    units = terminal.answer(f"aws glacier list-provisioned-capacity --account-id {ACCOUNT}")
    assert fields(units) == documented("list-provisioned-capacity")
