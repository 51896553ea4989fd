"""What this release cannot keep, it refuses rather than ignores."""

from pathlib import Path

import pytest

from support.runner import Gk


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with one picture."""
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(b"a picture")
    return folder


def public_key(gk: Gk) -> str:
    """The public key that `gk key create` made."""
    return (gk.home / "keys" / "main.pub").read_text().strip()


def configure_vault(gk: Gk, name: str, *, recipient: str) -> None:
    """Add a local vault that is sealed to *recipient*."""
    with (gk.home / "config.toml").open("a") as config:
        config.write(f'\n[vault.{name}]\nurl = "local:{name}"\nrecipients = ["{recipient}"]\n')


def configure(gk: Gk, text: str) -> None:
    """Write config.toml."""
    gk.home.mkdir(exist_ok=True)
    (gk.home / "config.toml").write_text(text)


def test_nothing_is_sealed_to_a_key_that_nobody_proved_to_have(gk: Gk, photos: Path) -> None:
    """The first upload into an encrypted vault is refused until gk key check has passed: nothing is sent."""
    assert gk("key", "create", "--yes").exit_code == 0
    configure_vault(gk, "v", recipient=public_key(gk))

    refused = gk("upload", "-V", "v", photos)

    assert refused.exit_code == 1
    assert "whoever loses the secret key" in refused.stderr.lower()
    assert "gk key check" in refused.stderr
    assert gk("ls").stdout == "nothing is archived yet\n"
    assert gk("key", "check").exit_code == 0
    assert gk("upload", "-V", "v", photos).exit_code == 0


def test_a_recipient_that_is_none_stops_the_upload(gk: Gk, photos: Path) -> None:
    """A recipient that cannot be sealed to is named with its key in the configuration, and nothing is sent plain."""
    configure(gk, '[vault.v]\nurl = "local:v"\nrecipients = ["age1qyqszqgpqyqszqgpqyqszqgpqyqszqgp"]\n')

    refused = gk("upload", "-V", "v", photos)

    assert refused.exit_code == 10
    assert "vault.v.recipients" in refused.stderr
    assert gk("ls").stdout == "nothing is archived yet\n"


def test_a_budget_that_cannot_be_obeyed_stops_what_costs_money(gk: Gk, photos: Path) -> None:
    """With a monthly budget set and prices unknown, nothing is sent to a vault that costs money: exit 6."""
    configure(gk, "[budget]\nmonth = 5.00\n")

    refused = gk("upload", "-V", "glacier://eu-west-1/photos", "--yes", photos)

    assert refused.exit_code == 6
    assert "budget" in refused.stderr
    assert gk("upload", "-V", "local:v", photos).exit_code == 0


def test_looking_first_chooses_no_default_vault(gk: Gk, photos: Path) -> None:
    """A dry run leaves the configuration as it was."""
    assert gk("upload", "--dry-run", "-V", "local:v", photos).exit_code == 0

    assert not (gk.home / "config.toml").exists()


def test_caches_are_taken_where_the_configuration_says_so(gk: Gk, photos: Path) -> None:
    """What CACHEDIR.TAG marks is left out, unless upload.exclude_caches is false."""
    tag = b"Signature: 8a477f597d28d172789f06886806bc55\n"
    (photos / "CACHEDIR.TAG").write_bytes(tag)
    gk("upload", "-V", "local:v", photos)
    before = {line["path"] for line in gk("ls", "--json", "-r", "photos").objects}
    gk("config", "set", "upload.exclude_caches", "false")

    gk("upload", "-V", "local:v", photos)

    after = {line["path"] for line in gk("ls", "--json", "-r", "photos").objects}
    assert (before, after - before) == ({"photos", "photos/CACHEDIR.TAG"}, {"photos/a.jpg"})


@pytest.mark.parametrize(("words", "gone"), [((), 0), (("--yes",), 2), (("--yes", "--no-accept-gone"), 0)])
def test_consent_to_spend_need_not_be_consent_to_forget(
    gk: Gk, photos: Path, words: tuple[str, ...], gone: int
) -> None:
    """--yes records most of a root as gone, if it is; --no-accept-gone keeps the guard for cron."""
    (photos / "b.jpg").write_bytes(b"another")
    gk("upload", "-V", "local:v", photos)
    for picture in photos.iterdir():
        picture.unlink()

    again = gk("upload", "-v", *words, photos, "--json")

    outcome = next(line for line in again.objects if line["type"] == "upload-outcome")
    assert (outcome["gone"], again.exit_code) == (gone, 0 if gone else 5)


def test_a_catalog_that_is_up_to_date_stays_as_it_is(gk: Gk, photos: Path) -> None:
    """gk catalog upgrade does nothing to a current catalog, and says what to do where there is none."""
    assert gk("catalog", "upgrade").exit_code == 1
    gk("upload", "-V", "local:v", photos)
    before = (gk.home / "catalog.db").read_bytes()

    upgraded = gk("catalog", "upgrade", "--json")

    assert (upgraded.exit_code, upgraded.objects[0]["backup"]) == (0, None)
    assert (gk.home / "catalog.db").read_bytes() == before
