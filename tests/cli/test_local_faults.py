"""gk local faults, local.faults, and gk when it meets them."""

import json
import os
from pathlib import Path

import jsonschema
import pytest

from glacierkeep.errors import Exit

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "gk-1.schema.json"


def rules(gk) -> list[tuple[int | None, str, int | None, int | None]]:
    objects = gk("local", "faults", "--json").objects
    return [(one["id"], one["rule"], one["met"], one["done"]) for one in objects]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A folder with a file of two parts in it."""
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "big.bin").write_bytes(os.urandom(16 * 1024 * 600))
    return folder


def test_faults_are_ordered_and_taken_out(gk) -> None:
    """Rules are added with or without quotes, listed by number, removed by number, and cleared."""
    added = gk("local", "faults", "add", "throttle", "UploadArchive", "count=3", "expire-jobs", "--json")
    assert [one["id"] for one in added.objects] == [1, 2]
    assert gk("local", "faults", "add", "slow GetJobOutput rate=100k", "error-500").stdout == ""
    assert rules(gk) == [
        (1, "throttle UploadArchive count=3", 0, 0),
        (2, "expire-jobs", 0, 0),
        (3, "slow GetJobOutput rate=100k", 0, 0),
        (4, "error-500", 0, 0),
    ]
    assert gk("local", "faults", "remove", "2", "4", "--json").the("local-faults-removed")["removed"] == 2
    assert [rule[0] for rule in rules(gk)] == [1, 3]
    assert gk("local", "faults", "clear", tty=True).stdout == "removed 2 faults\n"
    assert gk("local", "faults").stdout == "no faults are ordered\n"


def test_a_table_for_people(gk) -> None:
    """Each rule has a line with its number, the requests it has met, and those it was done to."""
    gk("local", "faults", "add", "throttle CreateVault count=1 after=1")
    assert gk("vault", "create", "local:photos").exit_code == 0
    lines = [line.split() for line in gk("local", "faults").stdout.splitlines()]
    assert lines == [
        ["ID", "RULE", "MET", "DONE"],
        ["1", "throttle", "CreateVault", "count=1", "after=1", "1", "0"],
    ]


def test_what_is_no_rule_is_wrong_usage(gk) -> None:
    """A rule that is none is exit 2 with what is wrong; an unknown number is exit 1; neither changes anything."""
    gk("local", "faults", "add", "throttle")
    for words in (["throttle", "burn"], [""], ["UploadArchive"]):
        wrong = gk("local", "faults", "add", *words)
        assert wrong.exit_code == Exit.USAGE
        assert "no fault is named" in wrong.stderr
    unknown = gk("local", "faults", "remove", "1", "7")
    assert (unknown.exit_code, unknown.stderr.splitlines()[0]) == (Exit.FAILED, "gk: no fault has the id 7")
    assert gk("local", "faults", "remove", str(2**63)).exit_code == Exit.USAGE
    assert rules(gk) == [(1, "throttle", 0, 0)]


def test_lines_are_those_of_the_schema(gk) -> None:
    """What is printed with --json are lines of the published schema."""
    schema = json.loads(SCHEMA.read_text())
    env = {"GK_LOCAL_FAULTS": "throttle"}
    for words in (["add", "throttle"], [], ["remove", "1"], ["remove", "1"], ["clear"]):
        for line in gk("local", "faults", *words, "--json", env=env).objects:
            jsonschema.validate(line, schema)


def test_faults_of_the_configuration(gk) -> None:
    """`local.faults` orders faults for every command anew; they are listed first, without a number."""
    gk("local", "faults", "add", "error-500 ListVaults")
    assert gk("config", "set", "local.faults", "'no-longer-supported CreateVault count=1'").exit_code == 0
    assert rules(gk) == [
        (None, "no-longer-supported CreateVault count=1", None, None),
        (1, "error-500 ListVaults", 0, 0),
    ]
    for _ in range(2):
        refused = gk("vault", "create", "local:photos")
        assert refused.exit_code == Exit.REFUSED
    assert gk("vault", "create", "local:photos", env={"GK_LOCAL_FAULTS": "'slow rate=1M'"}).exit_code == 0


def test_a_configuration_with_what_is_no_rule(gk) -> None:
    """What is no rule, or no endpoint, is exit 10 and names the key, or the variable; `gk config validate` finds it."""
    for env, sentence in (
        ({"GK_LOCAL_FAULTS": "'throttle' 'burn'"}, "gk: GK_LOCAL_FAULTS: no fault is named 'burn'"),
        ({"GK_LOCAL_SNS_ENDPOINT_URL": "sns"}, "gk: GK_LOCAL_SNS_ENDPOINT_URL: no URL"),
    ):
        wrong = gk("local", "status", env=env)
        assert wrong.exit_code == Exit.NO_VAULT
        assert wrong.stderr.startswith(sentence)
    gk.home.mkdir(exist_ok=True)
    gk.home.joinpath("config.toml").write_text('[local]\nfaults = ["burn"]\n')
    for words in (("local", "faults"), ("config", "validate")):
        wrong = gk(*words)
        assert wrong.exit_code == Exit.NO_VAULT
        assert wrong.stderr.startswith("gk: local.faults: no fault is named 'burn'; there are throttle, ")


def test_an_upload_survives_a_lost_acknowledgement(gk, photo: Path) -> None:
    """An upload whose completion's answer is lost ends well: one archive, and a copy of the records, in the vault."""
    gk("local", "faults", "add", "reset-after CompleteMultipartUpload count=1")
    stored = gk("upload", "-V", "local:photos", photo, "--json")
    assert (stored.exit_code, stored.the("upload-outcome")["archives"]) == (Exit.DONE, 1)
    assert rules(gk) == [(1, "reset-after CompleteMultipartUpload count=1", 1, 1)]
    assert gk("vault", "show", "--json").objects[0]["service_archives"] == 2
    assert gk("upload", photo, "--json").the("upload-outcome")["sent"] == 0


def test_a_retrieval_survives_bad_bytes(gk, photo: Path, tmp_path: Path) -> None:
    """Bytes that were corrupted once on the way are asked for again; always corrupted, they are exit 7."""
    gk("upload", "-V", "local:photos", photo)
    gk("local", "faults", "add", "corrupt GetJobOutput count=1 offset=5M")
    assert gk("retrieve", "photos", "--to", tmp_path / "back").exit_code == Exit.DONE
    [back] = (tmp_path / "back").rglob("big.bin")
    assert back.read_bytes() == (photo / "big.bin").read_bytes()
    gk("local", "faults", "add", "corrupt GetJobOutput offset=5M")
    assert gk("retrieve", "photos", "--to", tmp_path / "again").exit_code == Exit.MISMATCH
    assert list((tmp_path / "again").rglob("big.bin")) == []
    assert rules(gk)[0] == (1, "corrupt GetJobOutput count=1 offset=5M", 1, 1)
