from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacierkeep.config.load import Source, check_text, load, load_text
from glacierkeep.config.settings import BUNDLE_SIZE_S3, Settings, StorageClass
from glacierkeep.domain.service import Tier
from glacierkeep.domain.vault import parse_address
from glacierkeep.errors import ConfigError, Exit

EVERYTHING = """
default_vault = "photos"

[vault.photos]
url = "glacier://eu-west-1/photos"
profile = "personal"
endpoint_url = "http://localhost:5000"
tier = "bulk"
part_size = "8MiB"
bundle_size = 268435456
bundle_threshold = "1MB"
recipients = ["age1xyz"]

[vault."a.b"]
url = "s3://bucket/prefix"
storage_class = "glacier_ir"

[vault.try]
url = "local:try"
realistic = true

[budget]
month = 5.00

[catalog]
url = "sqlite:////x/y.db"
mirror = "/mirror"

[keys]
identity_files = ["/stick/key.txt", "~/id"]
identity_command = "pass show gk"
passphrase_command = "pass show gk-passphrase"
keyring = true

[local]
faults = ["throttle UploadArchive count=3", "expire-jobs"]
sns_endpoint_url = "http://localhost:5000"

[notify]
healthchecks = "https://hc.example/1"
apprise = ["ntfy://x"]
command = "true"

[upload]
exclude = ["*.tmp"]
exclude_caches = true
one_file_system = true
jobs = 8

[transfer]
retry_for = "6h"
"""


def _load(text: str, **environment: str) -> Settings:
    return load_text(text, Path("c.toml"), environment=environment, options={}).settings


def test_every_key() -> None:
    """Each key of the contract is read into its place, with its type."""
    settings = _load(EVERYTHING)
    photos = settings.vaults["photos"]
    assert settings.default_vault == "photos"
    assert photos.url == parse_address("glacier://eu-west-1/photos")
    assert (photos.profile, photos.tier, photos.part_size) == ("personal", Tier.BULK, 8 * 1024**2)
    assert (photos.bundle_size, photos.bundle_threshold) == (256 * 1024**2, 10**6)
    assert photos.recipients == ("age1xyz",)
    assert settings.vaults["a.b"].storage_class is StorageClass.GLACIER_IR
    assert settings.vaults["a.b"].bundle_size == BUNDLE_SIZE_S3
    assert settings.vaults["try"].realistic
    assert settings.budget.month == Decimal("5.00")
    assert settings.catalog.mirror == Path("/mirror")
    assert settings.keys.identity_files == (Path("/stick/key.txt"), Path.home() / "id")
    assert settings.keys.identity_command == "pass show gk"
    assert settings.keys.passphrase_command == "pass show gk-passphrase"
    assert settings.keys.keyring
    assert settings.local.faults == ("throttle UploadArchive count=3", "expire-jobs")
    assert settings.local.sns_endpoint_url == "http://localhost:5000"
    assert settings.notify.apprise == ("ntfy://x",)
    assert settings.transfer.retry_for == 6 * 3600
    assert settings.upload.exclude == ("*.tmp",)
    assert (settings.upload.exclude_caches, settings.upload.one_file_system, settings.upload.jobs) == (
        True,
        True,
        8,
    )


def test_nothing_is_needed(place: Path) -> None:
    """Without a file, everything has its default."""
    loaded = load(place / "config.toml", environment={})
    assert loaded.settings == Settings()
    assert loaded.origins == {}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[vault.a]\nurl = 'local:a'\ntieer = 'Bulk'\n", 3, "unknown key vault.a.tieer"),
        ("\n\nnope = 1\n", 3, "unknown key nope"),
        ("[keys]\nidentity_files = ['key.txt']\n", 2, "keys.identity_files: must be an absolute path"),
        ("[keys]\nidentity_files = '/key.txt'\n", 2, "keys.identity_files: must be a list of paths"),
        ("[upload]\njobs = 0\n", 2, "upload.jobs: must be a whole number from 1 to 64"),
        ("[upload]\njobs = true\n", 2, "whole number"),
        ("[upload]\n# x\nexclude = [\n 'a',\n 7,\n]\n", 3, "upload.exclude: must be a text"),
        ("upload = 3\n", 1, "upload must be a table"),
        ("default_vault = ''\n", 1, "not empty"),
        ("[budget]\nmonth = -1\n", 2, "not negative"),
        ("[budget]\nmonth = nan\n", 2, "not negative"),
        ("[vault.a]\nurl = 'local:'\n", 2, "vault's name"),
        ("[vault.a]\nurl = 'local:a'\npart_size = '3MiB'\n", 3, "power of two"),
        ("[vault.a]\nurl = 'local:a'\npart_size = '8TiB'\n", 3, "between"),
        ("[vault.a]\ntier = 'Bulk'\n", 1, "[vault.a] has no url"),
        ("[vault.a]\nurl = 'local:a'\ntier = 'Slow'\n", 3, "one of Expedited, Standard, Bulk"),
        ("[vault.a]\nurl = 'local:a'\nstorage_class = 'GLACIER'\n", 3, "begins with s3:"),
        ("[vault.a]\nurl = 's3://bucket'\nrealistic = true\n", 3, "begins with local:"),
        ("vault.a = {url = 'local:a', zz = 1}\n", 1, "unknown key vault.a.zz"),
        ("vault.a.url = 'local:a'\nvault.a.zz = 1\n", 2, "unknown key vault.a.zz"),
        ("[vault.'a b']\nurl = 'local:a'\n", 1, "unknown key vault.a b"),
        ("x = '''\n[upload]\n'''\n[upload]\njobs = 'x'\n", 1, "unknown key x"),
        ("[catalog]\nmirror = 'relative'\n", 2, "absolute path"),
        ("[profile.w.profile.x]\n", 1, "unknown key profile.w.profile"),
        ("[upload]\njobs = \n", 2, "Invalid value"),
    ],
)
def test_a_fault_names_its_line(text: str, line: int, words: str) -> None:
    """Whatever is wrong with a file, the error names the file and the line."""
    with pytest.raises(ConfigError) as caught:
        check_text(text, Path("/home/me/config.toml"))
    assert caught.value.line == line
    assert str(caught.value).startswith(f"/home/me/config.toml, line {line}: ")
    assert words in str(caught.value)
    assert caught.value.exit == Exit.NO_VAULT


def test_windows_line_ends_and_strings_do_not_shift_lines() -> None:
    """Line numbers hold with CRLF and behind strings of several lines."""
    text = "[notify]\r\ncommand = '''\r\nurl = 1\r\n'''\r\n[upload]\r\njobs = 'x'\r\n"
    with pytest.raises(ConfigError) as caught:
        _load(text)
    assert caught.value.line == 6


def test_not_even_text(place: Path) -> None:
    """A file that is not UTF-8 is an error that says so; a byte order mark is none."""
    file = place / "config.toml"
    file.write_bytes(b"a = '\xff'")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load(file, environment={})
    file.write_bytes(b"\xef\xbb\xbfdefault_vault = 'local:a'")
    assert load(file, environment={}).settings.default_vault == "local:a"


def test_environment_over_file() -> None:
    """Each plain key has its variable, which beats the file; an empty one says nothing."""
    text = "[upload]\njobs = 2\nexclude_caches = true\n"
    settings = _load(
        text,
        GK_VAULT="local:x",
        GK_UPLOAD_JOBS="3",
        GK_UPLOAD_EXCLUDE="'a b' c",
        GK_BUDGET_MONTH="7.5",
        GK_UPLOAD_EXCLUDE_CACHES="",
        GK_UPLOAD_ONE_FILE_SYSTEM="yes",
    )
    assert settings.default_vault == "local:x"
    assert settings.upload.exclude == ("a b", "c")
    assert (settings.upload.jobs, settings.upload.exclude_caches, settings.upload.one_file_system) == (
        3,
        True,
        True,
    )
    assert settings.budget.month == Decimal("7.5")


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("GK_UPLOAD_JOBS", "many"),
        ("GK_BUDGET_MONTH", "much"),
        ("GK_UPLOAD_EXCLUDE", "'open"),
        ("GK_UPLOAD_EXCLUDE_CACHES", "perhaps"),
    ],
)
def test_a_wrong_variable_is_named(name: str, word: str) -> None:
    """A variable that cannot be used is an error that names it."""
    with pytest.raises(ConfigError, match=f"^{name}: "):
        _load("", **{name: word})


def test_options_over_environment() -> None:
    """An option beats everything, and its origin is kept."""
    key = ("default_vault",)
    loaded = load_text(
        "default_vault = 'local:f'",
        Path("c"),
        environment={"GK_VAULT": "local:e"},
        options={key: ("--vault", "local:o")},
    )
    assert loaded.settings.default_vault == "local:o"
    assert loaded.origins[key].source is Source.OPTION
    assert loaded.file_default == "local:f"


def test_profiles_overlay_single_keys() -> None:
    """A profile replaces the keys it has and leaves the others; its origin is the key in its table."""
    text = EVERYTHING + "[profile.work]\nbudget.month = 9\n[profile.work.vault.photos]\ntier = 'Standard'\n"
    loaded = load_text(text, Path("c"), environment={}, options={}, profile="work")
    assert loaded.settings.budget.month == 9
    assert loaded.settings.vaults["photos"].tier is Tier.STANDARD
    assert loaded.settings.vaults["photos"].part_size == 8 * 1024**2
    assert loaded.origins[("vault", "photos", "tier")].name == "profile.work.vault.photos.tier"
    assert _load(text).vaults["photos"].tier is Tier.BULK


def test_faults_of_profiles_are_found_before_they_are_chosen() -> None:
    """The check of a file covers every profile."""
    with pytest.raises(ConfigError, match="no url"):
        check_text("[profile.work.vault.a]\ntier = 'Bulk'\n", Path("c"))
    with pytest.raises(ConfigError, match="default_vault"):
        check_text("[profile.work]\ndefault_vault = 'gone'\n", Path("c"))


@given(st.text(max_size=60))
def test_any_text_is_settings_or_a_config_error(text: str) -> None:
    """Whatever a file holds, the answer is settings or a ConfigError."""
    try:
        check_text(text, Path("c.toml"))
    except ConfigError:
        return
