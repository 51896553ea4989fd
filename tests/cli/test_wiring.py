from pathlib import Path

import click
import pytest

from glacierkeep.cli.said import Said
from glacierkeep.cli.wiring import Wiring
from glacierkeep.errors import ConfigError, Exit, NeedsYes, NotYetSupported, Stopped
from glacierkeep.operations.keys import checked_when
from support.keys import make_pair


def test_what_costs_money_needs_a_yes(guarded_home: Path) -> None:
    """On glacier:// money is spent only with --yes where nobody can be asked; local: costs nothing."""
    with Wiring(Said()) as wiring:
        wiring.consent(wiring.vault("local:a"), "sending an archive")
        with pytest.raises(NeedsYes) as caught:
            wiring.consent(wiring.vault("glacier://eu-west-1/a"), "sending an archive")
    assert "not known" in str(caught.value)
    assert caught.value.exit == Exit.FAILED
    with Wiring(Said(yes=True)) as wiring:
        wiring.consent(wiring.vault("glacier://eu-west-1/a"), "sending an archive")


@pytest.mark.parametrize(
    ("codes", "heeded", "code"),
    [
        ((), False, 0),
        ((Exit.PARTLY, Exit.FINDINGS, Exit.DONE), False, 5),
        ((Exit.DONE,), True, 130),
        ((Exit.PARTLY,), True, 130),
        ((Exit.CHANGED,), True, 8),
        ((Exit.MISMATCH,), True, 7),
    ],
)
def test_leaving(codes: tuple[Exit, ...], heeded: bool, code: int) -> None:
    """The most serious code wins; one that was broken off says so, unless something worse happened."""
    wiring = Wiring(Said())
    if heeded:
        wiring.stop.receive(2)
        assert wiring.stop()
    with pytest.raises(click.exceptions.Exit) as caught:
        wiring.leave(*codes)
    assert caught.value.exit_code == code


def test_a_signal_that_came_too_late_changes_nothing() -> None:
    """If the work was done before anyone asked whether to stop, it is done."""
    wiring = Wiring(Said())
    wiring.stop.receive(2)
    with pytest.raises(click.exceptions.Exit) as caught:
        wiring.leave(Exit.DONE)
    assert caught.value.exit_code == 0


def test_a_terminated_operation_says_so() -> None:
    """An operation that ends as interrupted is 143 when it was SIGTERM that asked."""
    wiring = Wiring(Said())
    wiring.stop.receive(15)
    with pytest.raises(Stopped) as caught, wiring:
        raise Stopped(0)
    assert caught.value.exit == Exit.TERMINATED


def test_where_the_catalog_is(gk) -> None:
    """catalog.url moves the catalog; what is no SQLite file comes later; a relative path is refused."""
    gk.home.mkdir()
    for url, error in (("postgresql+psycopg://x/y", NotYetSupported), ("sqlite:///x.db", ConfigError)):
        gk.home.joinpath("config.toml").write_text(f"[catalog]\nurl = '{url}'\n")
        with Wiring(Said()) as wiring, pytest.raises(error):
            assert wiring.catalog
    gk.home.joinpath("config.toml").write_text(f"[catalog]\nurl = 'sqlite:///{gk.home}/other.db'\n")
    with Wiring(Said()) as wiring:
        assert wiring.catalog.path == gk.home / "other.db"
    assert not gk.home.joinpath("catalog.db").exists()


def test_keys_are_wired(gk, tmp_path: Path) -> None:
    """Recipients of a vault and identities at hand fit each other, and an operation can ask whether that is proved."""
    pair = make_pair(tmp_path, "age")
    gk("config", "set", "keys.identity_files", str(pair.file))
    gk("key", "add", pair.public, "-V", "local:photos")
    for checked in (False, True):
        with Wiring(Said()) as wiring:
            assert wiring.recipients(wiring.vault("local:plain")) is None
            recipients = wiring.recipients(wiring.vault("photos"))
            assert recipients is not None
            assert (checked_when(recipients, catalog=wiring.catalog) is not None) is checked
            assert wiring.identities.open(recipients.seal(b"x")) == b"x"
        assert gk("key", "check").exit_code == 0


def test_a_whole_upload_at_a_terminal(gk, tmp_path: Path) -> None:
    """A person sees what was stored; under cron the same command only says that the vault is local."""
    tmp_path.joinpath("photos").mkdir()
    tmp_path.joinpath("photos", "a.jpg").write_bytes(b"a" * 5000)
    shown = gk("upload", "-V", "local:photos", tmp_path / "photos", tty=True).stdout
    assert "nothing leaves it" in shown
    assert "1 file" in shown
    tmp_path.joinpath("photos", "b.jpg").write_bytes(b"b" * 5000)
    again = gk("upload", tmp_path / "photos")
    assert again.stdout == ""
    assert again.stderr == "gk: local:photos is a folder on this machine: nothing leaves it\n"
    assert gk("upload", "-q", tmp_path / "photos").stderr == ""
