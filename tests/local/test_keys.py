"""Access keys: what a credentials file may hold, what it may not, and how the first one is made."""

import os
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glacierkeep.local.wire.keys import Key, Keys, make_keys_file, read_keys

ACCOUNT = "111122223333"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"  # of the AWS documentation
PAIR = f"aws_access_key_id = AKIA1\naws_secret_access_key = {SECRET}\n"


def test_a_credentials_file_is_read(tmp_path: Path) -> None:
    """Every profile with a key is one; what it leaves out is the default, and others are passed over."""
    path = tmp_path / "credentials"
    path.write_text(
        "# whose they are\n"
        f"[default]\n{PAIR}"
        "[role]\nrole_arn = arn:aws:iam::123456789012:role/x\nsource_profile = default\n"
        "[ada]\nAWS_ACCESS_KEY_ID=ASIA2\naws_secret_access_key=a%b#c;d=e\naws_session_token=to/ken==\n"
        "aws_account_id=444455556666\ngk_user=ada\ngk_expires=2026-03-01T12:00:00Z\nregion=eu-west-1\n"
    )
    keys = read_keys(path, ACCOUNT)
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert dict(keys) == {
        "AKIA1": Key("AKIA1", SECRET, ACCOUNT),
        "ASIA2": Key("ASIA2", "a%b#c;d=e", "444455556666", "ada", "to/ken==", noon),
    }


def test_nothing_secret_is_shown() -> None:
    """Neither secret nor token is in what a key or a set of keys looks like."""
    key = Key("AKIA1", SECRET, ACCOUNT, "ada", "token-of-ada")
    for shown in (repr(key), str(key), repr(Keys([key])), repr([key])):
        assert SECRET not in shown
        assert "token-of-ada" not in shown


def test_two_keys_with_one_id_are_refused() -> None:
    """An id stands for one key."""
    with pytest.raises(ValueError, match="two access keys have the id AKIA1"):
        Keys([Key("AKIA1", "a", ACCOUNT), Key("AKIA1", "b", ACCOUNT)])


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "no profile has an access key"),
        ("[default]\nregion = eu-west-1\n", "no profile has an access key"),
        ("[ada]\naws_access_key_id = AKIA1\n", "profile 'ada': an access key has"),
        ("[ada]\naws_secret_access_key = x\n", "profile 'ada': an access key has"),
        ("[ada]\naws_access_key_id =\naws_secret_access_key = x\n", "profile 'ada': an access key has"),
        ("[ada]\naws_access_key_id = a/b\naws_secret_access_key = x\n", "profile 'ada': no access key id"),
        ("[ada]\naws_access_key_id = AKIA1\naws_secret_access_key = x y\n", "'ada': no secret access key"),
        ("[ada]\naws_access_key_id = AKIA1\naws_secret_access_key = x\n  y\n", "'ada': no secret access key"),
        (f"[ada]\n{PAIR}aws_session_token =\n", "profile 'ada': no session token"),
        (f"[ada]\n{PAIR}aws_account_id = 1234\n", "profile 'ada': no account of 12 digits"),
        (f"[ada]\n{PAIR}gk_user = ../x\n", "profile 'ada': no user name"),
        (f"[ada]\n{PAIR}gk_expires = tomorrow\n", "profile 'ada': gk_expires is no moment"),
        (f"[ada]\n{PAIR}gk_expires = 2026-03-01T12:00:00\n", "profile 'ada': gk_expires is not in UTC"),
        (f"[ada]\n{PAIR}gk_expires = 2026-03-01T12:00:00+01:00\n", "profile 'ada': gk_expires is not in UTC"),
        (f"[ada]\n{PAIR}[bob]\n{PAIR}", "profiles 'ada' and 'bob' have the same"),
        (f"[ada]\n{PAIR}[ada]\n{PAIR}", "profile 'ada' is there twice"),
        (f"[ada]\n{PAIR}{PAIR}", "profile 'ada' has aws_access_key_id twice"),
        (PAIR, "no credentials file"),
        (f"[ada]\n{SECRET}\n", "no credentials file"),
        ("\x00\x01", "no credentials file"),
        ("#" * (1024 * 1024) + "\n", "larger than 1 MiB"),
    ],
)
def test_odd_files_are_refused(tmp_path: Path, content: str, complaint: str) -> None:
    """What is wrong is said with the file and the profile, and never with a secret."""
    path = tmp_path / "credentials"
    path.write_text(content)
    with pytest.raises(ValueError, match=re.escape(str(path))) as caught:
        read_keys(path, ACCOUNT)
    assert complaint in str(caught.value)
    assert SECRET not in str(caught.value)


@given(st.binary(max_size=200) | st.text(st.sampled_from("[]=:\n #;aws_ké\x00")).map(str.encode))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_content_breaks_the_reader(tmp_path: Path, content: bytes) -> None:
    """Whatever a file holds that is no credentials file is a ValueError that names it."""
    path = tmp_path / "credentials"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(str(path))):
        read_keys(path, ACCOUNT)


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    """A file that is not there is told apart from one that is wrong."""
    with pytest.raises(FileNotFoundError):
        read_keys(tmp_path / "credentials", ACCOUNT)


def test_a_new_file_has_one_key_of_its_own(tmp_path: Path) -> None:
    """Random, in the form AWS gives its keys, readable by the owner alone; and never made anew."""
    ids = set()
    for name in ("one", "two"):
        path = tmp_path / name
        make_keys_file(path)
        (key,) = read_keys(path, ACCOUNT).values()
        assert re.fullmatch(r"AKIA[A-Z2-7]{16}", key.id)
        assert re.fullmatch(r"[A-Za-z0-9/+]{40}", key.secret)
        assert path.stat().st_mode & 0o777 == 0o600
        before = path.read_bytes()
        make_keys_file(path)
        assert path.read_bytes() == before
        ids.add(key.id)
    assert len(ids) == 2
    assert sorted(os.listdir(tmp_path)) == ["one", "two"]


def test_the_sdk_finds_the_key_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS_SHARED_CREDENTIALS_FILE is all that the AWS command line and SDKs need."""
    path = tmp_path / "credentials"
    make_keys_file(path)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    found = boto3.Session().get_credentials()
    assert found is not None
    (key,) = read_keys(path, ACCOUNT).values()
    assert (found.access_key, found.secret_key, found.token) == (key.id, key.secret, None)


def test_many_at_once_make_one_file(tmp_path: Path) -> None:
    """Each of several who come at once finds the same whole file, and nothing else is left behind."""
    path = tmp_path / "credentials"
    gate = Barrier(8)

    def come(_: int) -> str:
        gate.wait()
        make_keys_file(path)
        return next(iter(read_keys(path, ACCOUNT)))

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(come, range(8)))) == 1
    assert os.listdir(tmp_path) == ["credentials"]


def test_a_file_that_cannot_be_made_is_an_os_error(tmp_path: Path) -> None:
    """Without the folder nothing is made, and it is said."""
    with pytest.raises(FileNotFoundError):
        make_keys_file(tmp_path / "nowhere" / "credentials")
