import pytest

from glacierkeep.catalog.catalog import Catalog
from glacierkeep.clock import SystemClock
from glacierkeep.domain.records import NewArchive
from glacierkeep.errors import Exit


def _config(gk) -> str:
    return gk.home.joinpath("config.toml").read_text()


def _store_archive(gk, address: str) -> None:
    """Let the catalog know of an archive in the vault at *address*."""
    machine = gk.home.joinpath("machine").read_text().strip()
    clock = SystemClock()
    catalog = Catalog.open(gk.home / "catalog.db", clock=clock, machine=machine)
    with catalog.write() as records:
        vault = records.vaults.remember(address)
        records.archives.acknowledge(
            NewArchive(vault.vault_id, "A1", "file", 5, b"m" * 16, b"t" * 32, "", None, None, clock.now())
        )
    catalog.close()


def test_create_makes_remembers_configures_and_chooses(gk) -> None:
    """The first vault made is there, listed, configured and the default; gk says so once."""
    result = gk("vault", "create", "local:photos")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "gk: local:photos is a folder on this machine: nothing leaves it",
        "gk: photos is the default vault from now on",
    ]
    listed = gk("vault", "list", "--json").objects
    assert [
        (one["nickname"], one["address"], one["kind"], one["default"], one["known"]) for one in listed
    ] == [("photos", "local:photos", "local", True, True)]
    assert gk("vault", "show").exit_code == 0


def test_a_second_vault_does_not_become_the_default(gk) -> None:
    """Only the first vault becomes the default by itself."""
    gk("vault", "create", "local:one")
    result = gk("vault", "create", "local:two")
    assert "default" not in result.stderr
    assert 'default_vault = "one"' in _config(gk)


def test_creating_again_changes_nothing(gk) -> None:
    """Making a vault that is there is no error and adds nothing."""
    gk("vault", "create", "local:one")
    before = _config(gk)
    assert gk("vault", "create", "local:one").exit_code == 0
    assert _config(gk) == before


def test_a_nickname_names_one_vault(gk) -> None:
    """A name in use for another vault is refused before anything is made; --name gives another."""
    gk("vault", "create", "local:photos", "--name", "mine")
    refused = gk("vault", "create", "local:other", "--name", "mine")
    assert refused.exit_code == Exit.USAGE
    assert len(gk("vault", "list", "--json").objects) == 1
    assert gk("vault", "create", "local:other", "--name", "x.y").exit_code == 0
    assert '[vault."x.y"]' in _config(gk)
    assert gk("vault", "show", "x.y", "--json").objects[0]["address"] == "local:other"


def test_an_unconfigured_name_is_no_address(gk) -> None:
    """`gk vault create photos` says what an address looks like."""
    result = gk("vault", "create", "photos")
    assert result.exit_code == Exit.NO_VAULT
    assert "local:photos" in result.stderr


@pytest.mark.parametrize(
    "command", [("create", "s3://bucket"), ("use", "s3://bucket"), ("show", "s3://bucket")]
)
def test_buckets_come_later(gk, command: tuple[str, str]) -> None:
    """An s3:// address is understood, and said to come in a later release."""
    result = gk("vault", *command)
    assert result.exit_code == Exit.FAILED
    assert "later release" in result.stderr


def test_a_wrong_address_is_wrong_usage(gk) -> None:
    """An address that cannot be one is refused as wrong usage."""
    result = gk("vault", "create", "glacier://nowhere")
    assert result.exit_code == Exit.USAGE
    assert "glacier://REGION/NAME" in result.stderr


def test_show_of_a_vault_that_is_not_there_makes_none(gk) -> None:
    """Looking at a local: vault does not make it, and does not make it the default."""
    assert gk("vault", "show", "local:none").exit_code == Exit.NO_VAULT
    assert gk("vault", "show", "local:none").exit_code == Exit.NO_VAULT
    assert not gk.home.joinpath("config.toml").exists()


def test_show_tells_service_and_catalog_apart(gk) -> None:
    """The service's own count and what the catalog knows stand side by side."""
    gk("vault", "create", "local:a")
    _store_archive(gk, "local:a")
    shown = gk("vault", "show", "a", "--json").objects[0]
    assert (shown["service_archives"], shown["archives"], shown["size"]) == (0, 1, 5)
    assert "has made no inventory yet" in gk("vault", "show", "a").stdout


def test_use_sets_the_default(gk) -> None:
    """`gk vault use` takes a configured name or an address."""
    gk("vault", "create", "local:one")
    gk("vault", "create", "local:two")
    gk("vault", "use", "local:two")
    assert [one["nickname"] for one in gk("vault", "list", "--json").objects if one["default"]] == ["two"]
    gk("vault", "use", "local:three")
    defaults = [one["address"] for one in gk("vault", "list", "--json").objects if one["default"]]
    assert defaults == ["local:three"]


def test_delete_asks(gk) -> None:
    """Nothing is deleted without --yes or a yes at the terminal."""
    gk("vault", "create", "local:one")
    unasked = gk("vault", "delete", "one")
    assert unasked.exit_code == Exit.FAILED
    assert "--yes" in unasked.stderr
    assert gk("vault", "delete", "one", tty=True, input="n\n").exit_code == Exit.FAILED
    assert gk("vault", "show", "one").exit_code == 0
    assert gk("vault", "delete", "one", tty=True, input="y\n").exit_code == 0
    assert gk("vault", "show", "local:one").exit_code == Exit.NO_VAULT


def test_delete_forgets_and_unconfigures(gk) -> None:
    """A deleted vault is neither listed nor configured nor the default any more."""
    gk("vault", "create", "local:one")
    result = gk("vault", "delete", "one", "--yes", "--json")
    assert result.objects == [{"schema": "gk/1", "type": "vault-deleted", "address": "local:one"}]
    assert gk("vault", "list", "--json").objects == []
    assert "one" not in _config(gk)


def test_delete_is_refused_while_archives_are_known(gk) -> None:
    """A vault the catalog counts on is not deleted, --yes or not; the reason is given."""
    gk("vault", "create", "local:one")
    _store_archive(gk, "local:one")
    result = gk("vault", "delete", "one", "--yes", "--json")
    assert result.exit_code == Exit.FAILED
    assert result.objects[0]["code"] == "vault-in-use"
    assert "A1" in result.objects[0]["message"]
    assert gk("vault", "show", "one").exit_code == 0


def test_list_of_nothing(gk) -> None:
    """Without vaults, the list says how to make one, and as JSON is empty."""
    assert "gk vault create" in gk("vault", "list").stdout
    assert gk("vault", "list", "--json").stdout == ""


def test_list_at_a_terminal_is_a_table(gk) -> None:
    """A person sees a table with the default marked; names are never taken for markup."""
    gk("vault", "create", "local:photos")
    shown = gk("vault", "list", tty=True, env={"NO_COLOR": "1"}).stdout
    assert "ADDRESS" in shown
    assert "*" in shown
    assert "local:photos" in shown
