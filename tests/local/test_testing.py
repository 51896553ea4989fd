"""What others get for their own tests: the context manager, the fixture and the clock."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError

from glacierkeep.local.testing import Key, Keys, TurnedClock, local_glacier

NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)


def test_a_block_has_a_glacier(tmp_path: Path) -> None:
    """boto3 clients of it do what they do; afterwards nobody listens, and what was kept is in the folder."""
    with local_glacier(tmp_path / "kept") as glacier:
        client = glacier.client()
        client.create_vault(vaultName="photos")
        assert glacier.client().describe_vault(vaultName="photos")["NumberOfArchives"] == 0
    with local_glacier(tmp_path / "kept") as again:
        assert [vault["VaultName"] for vault in again.client().list_vaults()["VaultList"]] == ["photos"]
    with pytest.raises(EndpointConnectionError):
        client.list_vaults()


def test_without_a_folder_nothing_stays() -> None:
    """A Glacier without a folder has a temporary one, which goes with it."""
    with local_glacier() as glacier:
        folder = glacier.service.folder
        glacier.client().create_vault(vaultName="photos")
        assert folder.exists()
    assert not folder.exists()


def test_time_is_turned() -> None:
    """Realistic jobs finish when the test says that their hours have passed."""
    with local_glacier(realistic=True) as glacier:
        client = glacier.client()
        client.create_vault(vaultName="photos")
        archive = client.upload_archive(vaultName="photos", body=b"picture")["archiveId"]
        wanted = {"Type": "archive-retrieval", "ArchiveId": archive}
        job = client.initiate_job(vaultName="photos", jobParameters=wanted)["jobId"]
        assert not client.describe_job(vaultName="photos", jobId=job)["Completed"]
        glacier.advance(timedelta(hours=5))
        assert client.get_job_output(vaultName="photos", jobId=job)["body"].read() == b"picture"


def test_a_clock_of_the_tests_own() -> None:
    """With a clock that stands still, times are known to the millisecond."""
    clock = TurnedClock(NEW_YEAR)
    with local_glacier(clock=clock) as glacier:
        client = glacier.client()
        client.create_vault(vaultName="first")
        clock.turn(timedelta(hours=1))
        clock.sleep(60)
        client.create_vault(vaultName="second")
        made = [vault["CreationDate"] for vault in client.list_vaults()["VaultList"]]
    assert made == ["2027-01-01T00:00:00.000Z", "2027-01-01T01:01:00.000Z"]


def test_faults_are_ordered() -> None:
    """Faults go wrong from the beginning or from when they were ordered, and clients retry as they are told to."""
    once = Config(retries={"total_max_attempts": 1})
    with local_glacier(faults=["error-500 ListVaults count=1"]) as glacier:
        client = glacier.client(config=once)
        for code in ("ServiceUnavailableException", "ThrottlingException"):
            with pytest.raises(ClientError, match=code):
                client.list_vaults()
            glacier.order_fault("throttle ListVaults count=1")
        with pytest.raises(ValueError, match="explode"):
            glacier.order_fault("explode")
        assert glacier.client().list_vaults()["VaultList"] == []


def test_signatures_are_checked_if_there_are_keys() -> None:
    """The client and the environment have the first of the keys; who has another is refused."""
    keys = Keys([Key("AKIDONE", "one", "111122223333"), Key("AKIDTWO", "two", "111122223333")])
    with local_glacier(keys=keys, account="111122223333") as glacier:
        assert glacier.environment["AWS_ACCESS_KEY_ID"] == "AKIDONE"
        assert glacier.client().create_vault(vaultName="v")["location"] == "/111122223333/vaults/v"
        session = boto3.Session("AKIDONE", "guess", region_name="us-east-1")
        stranger = session.client("glacier", endpoint_url=glacier.url)
        with pytest.raises(ClientError, match="InvalidSignatureException"):
            stranger.list_vaults()
        stranger.close()


def test_other_programs_find_it_by_their_environment() -> None:
    """A program of another process that uses an SDK needs nothing but the variables."""
    ask = "import boto3, json; print(json.dumps(boto3.client('glacier').create_vault(vaultName='v')['location']))"
    with local_glacier(region="eu-west-1", account="111122223333") as glacier:
        ran = subprocess.run(
            [sys.executable, "-c", ask],
            env={**os.environ, **glacier.environment},
            capture_output=True,
            text=True,
            check=True,
        )
        [vault] = glacier.client().list_vaults()["VaultList"]
    assert json.loads(ran.stdout) == "/111122223333/vaults/v"
    assert vault["VaultARN"] == "arn:aws:glacier:eu-west-1:111122223333:vaults/v"


def test_two_at_once_are_apart() -> None:
    """Two Glaciers in one process know nothing of each other."""
    with local_glacier() as one, local_glacier() as other:
        one.client().create_vault(vaultName="v")
        assert other.client().list_vaults()["VaultList"] == []


TESTS = """
import pytest

pytest_plugins = ["glacierkeep.local.pytest_plugin"]
REALISTIC = {"realistic": True}


def test_a_vault(glacier):
    glacier.client().create_vault(vaultName="photos")


def test_another_is_empty(glacier):
    assert glacier.client().list_vaults()["VaultList"] == []
    assert not glacier.service.realistic


@pytest.mark.parametrize("glacier_options", [REALISTIC])
def test_options(glacier):
    assert glacier.service.realistic


@pytest.mark.parametrize("glacier_options", [{"region": "eu-west-1"}])
def test_hours(realistic_glacier):
    assert (realistic_glacier.service.realistic, realistic_glacier.service.region) == (True, "eu-west-1")
"""


def test_the_fixture(tmp_path: Path) -> None:
    """Each test that asks for it has a Glacier of its own, as it wants it; the plugin is loaded only where named."""
    (tmp_path / "test_mine.py").write_text(TESTS)
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "4 passed" in ran.stdout, ran.stdout
    loaded = "import importlib.metadata as m; print([e.value for e in m.entry_points(group='pytest11')])"
    ran = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert "glacierkeep" not in ran.stdout


def test_boto3_finds_it_by_its_settings() -> None:
    """A client that somebody makes for themselves needs nothing but the settings."""
    with local_glacier(region="eu-west-1") as glacier:
        client = boto3.client("glacier", **glacier.client_settings)
        client.create_vault(vaultName="v")
        [vault] = client.list_vaults()["VaultList"]
        client.close()
    assert vault["VaultARN"] == "arn:aws:glacier:eu-west-1:000000000000:vaults/v"
