"""Damage and hostility as a person meets them: what gk says, and the exit code."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from glacierkeep.clock import SystemClock
from glacierkeep.domain.vault import parse_address
from glacierkeep.errors import Exit
from glacierkeep.local import LocalGlacier
from glacierkeep.local.attach import attach
from glacierkeep.stores.glacier.client import connect
from glacierkeep.stores.store import Store
from support.at_rest import AtRest
from support.crafted import Crafted, put_into
from support.runner import Gk

VAULT = "local:photos"
NO_COPY = {"GK_CATALOG_COPY_TO_VAULT": "false"}
"""The vault holds one archive alone."""


@contextmanager
def store_of(gk: Gk) -> Iterator[Store]:
    """The vault, behind gk's back."""
    service = LocalGlacier(gk.home / "local", clock=SystemClock())
    try:
        yield connect(parse_address(VAULT), attach=lambda client: attach(client, service), now=service.now)
    finally:
        service.close()


def make_root(folder: Path) -> Path:
    """Two files that do not compress, and one that does."""
    root = folder / "r"
    root.mkdir()
    for name, content in (
        ("noise", os.urandom(90_000)),
        ("words", b"words\n" * 9000),
        ("more", b"more\n" * 9),
    ):
        (root / name).write_bytes(content)
    return root


def flip(gk: Gk, archive_id: str, at: int) -> None:
    """One bit of an archive at rest."""
    rest = AtRest(gk.home / "local")
    stored = bytearray(rest.read(archive_id))
    stored[at] ^= 1
    rest.write(archive_id, bytes(stored))


def test_a_flipped_byte_is_said(gk: Gk, tmp_path: Path) -> None:
    """Exit 7; the file that is wrong is named, is not there, and the others are."""
    root = make_root(tmp_path)
    assert gk("upload", root, "-V", VAULT, "--compression", "off", env=NO_COPY).exit_code == Exit.DONE
    [archive_id] = AtRest(gk.home / "local").ids()
    flip(gk, archive_id, AtRest(gk.home / "local").read(archive_id).index((root / "noise").read_bytes()) + 7)

    said = gk("retrieve", "r", "--to", tmp_path / "back")

    assert said.exit_code == Exit.MISMATCH
    assert "r/noise" in said.stderr
    assert "Traceback" not in said.stderr
    assert sorted(os.listdir(tmp_path / "back" / "r")) == ["more", "words"]
    assert (tmp_path / "back/r/words").read_bytes() == (root / "words").read_bytes()


def test_a_flipped_frame_is_said(gk: Gk, tmp_path: Path) -> None:
    """The same of an archive in frames, in the words for programs too."""
    root = make_root(tmp_path)
    assert gk("upload", root, "-V", VAULT, "--compression", "always", env=NO_COPY).exit_code == Exit.DONE
    [archive_id] = AtRest(gk.home / "local").ids()
    flip(gk, archive_id, 70_000)

    said = gk("retrieve", "r", "--to", tmp_path / "back", "--json")

    assert said.exit_code == Exit.MISMATCH
    assert {each["code"] for each in said.objects if each["type"] == "trouble"} == {"mismatch"}
    assert said.the("retrieval-outcome")["failed"] == 3
    assert not list((tmp_path / "back").rglob("noise"))


def test_a_hostile_archive_is_said(gk: Gk, tmp_path: Path, outside: Path) -> None:
    """Each member that cannot be is named, on one line whatever its name holds; the rest comes, and exit is 3."""
    crafted = Crafted().file("r/good", b"good").file("../../outside/\x1b[31mevil\n", b"evil")
    crafted.nothing("r/dev", "device").file("r/later", b"later")
    gk("vault", "create", VAULT)
    with store_of(gk) as store:
        archive_id = put_into(store, crafted.framed(), "bundle")
    gk("sync-inventory", "-V", VAULT)

    said = gk("retrieve", f"archive:{archive_id}", "-V", VAULT, "--to", tmp_path / "back")

    assert said.exit_code == Exit.PARTLY, said
    assert "../../outside/\\x1b[31mevil\\n" in said.stderr
    assert "r/dev" in said.stderr
    assert "\x1b[31mevil" not in said.stderr
    assert sorted(os.listdir(tmp_path / "back" / "r")) == ["good", "later"]
