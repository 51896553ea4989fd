"""Copies made, brought and compared as a rebuild does it, without a vault between."""

import itertools
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from glacierkeep.catalog import Catalog
from glacierkeep.cli.render.machine import line_of
from glacierkeep.clock import Clock
from glacierkeep.domain.copies import Copy, Expected, next_after
from glacierkeep.domain.records import NewArchive, Vault

SET = "0123456789abcdefghjkmnpqrs"
_numbers = itertools.count(1)


def take(
    catalog: Catalog, vault: Vault, after: Copy | None = None, set_token: str = SET
) -> tuple[Copy, list[bytes]]:
    """A copy of the vault's records and its lines, acknowledged by the vault."""
    with catalog.write() as records:
        copy = records.copies.begin(vault.vault_id, after.set_token if after else set_token, after)
    lines = list(catalog.copy_lines(copy, after))
    return acknowledge(catalog, copy, lines), lines


def acknowledge(catalog: Catalog, copy: Copy, lines: list[bytes]) -> Copy:
    """The vault holds *copy* now, in an archive of its own."""
    size = sum(map(len, lines))
    number = next(_numbers)
    with catalog.write() as records:
        key = records.archives.acknowledge(
            NewArchive(
                vault_id=copy.vault_id,
                archive_id=f"copy-{number}",
                kind="catalog",
                size=size,
                md5=None,
                tree_hash=number.to_bytes(32),
                description="{}",
                token=f"{number:026d}",
                part_size=None,
                created_at=copy.made_at,
            )
        )
        records.copies.acknowledge(copy.copy_id, key, size)
        return records.copies.get(copy.copy_id)


def bring(catalog: Catalog, streams: Iterable[Iterable[bytes]], *, id: str, address: str) -> None:
    """Read a full copy and its increments back into *catalog*."""
    expect = Expected(id, address)
    for lines in streams:
        expect = next_after(catalog.receive_copy(lines, expect=expect))


def rebuilt(
    folder: Path, streams: Iterable[Iterable[bytes]], *, id: str, vault: Vault, clock: Clock
) -> Catalog:
    """A new catalog in *folder*, with what *streams* tell."""
    catalog = Catalog.open(folder / "rebuilt.db", clock=clock, machine="another")
    bring(catalog, streams, id=id, address=vault.address)
    return catalog


def picture(catalog: Catalog, address: str) -> dict[str, Any]:
    """All that is said of the vault's content, keys of archives and runs aside."""
    with catalog.read() as records:
        vault = records.vaults.get(address)
        roots = records.roots.all()
    assert vault is not None
    archives = {
        archive.archive_key: archive
        for archive in catalog.archive_rows(vault.vault_id)
        if archive.kind != "catalog"
    }
    versions = [
        version for root in roots for version in catalog.versions_below(root, b"", history=True, deleted=True)
    ]
    return {
        "roots": roots,
        "date": vault.inventory_date,
        "versions": [line_of(version) for version in versions],
        "now": [line_of(one) for root in roots for one in catalog.versions_below(root, b"")],
        "last": [line_of(one) for root in roots for one in catalog.versions_below(root, b"", deleted=True)],
        "archives": [_archive(archive) for archive in archives.values()],
        "segments": _segments(catalog, archives),
        "extents": _extents(catalog, vault, [version.version_id for version in versions], archives),
        "runs": _runs(catalog, vault),
    }  # fmt: skip


def _archive(archive: Any) -> dict[str, Any]:
    names = (name for name in archive.__slots__ if name not in ("archive_key", "vault_id"))
    return {name: getattr(archive, name) for name in names}


def _segments(catalog: Catalog, archives: dict[int, Any]) -> dict[str, Any]:
    with catalog.read() as records:
        return {one.archive_id: records.archives.segments(key) for key, one in archives.items()}


def _extents(catalog: Catalog, vault: Vault, keys: list[int], archives: dict[int, Any]) -> list[Any]:
    with catalog.read() as records:
        lying = records.versions.extents_of(keys, vault.vault_id)
    return [
        (archives[one.archive_key].archive_id, replace(one, archive_key=0))
        for key in keys
        for one in lying.get(key, ())
    ]


def _runs(catalog: Catalog, vault: Vault) -> list[Any]:
    with catalog.read() as records:
        return [records.runs.last_complete(root.root_id, vault.vault_id) for root in records.roots.all()]
