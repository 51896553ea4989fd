"""Versions: what a path was, at one time, and where its bytes lie."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, Connection, Select, bindparam, column, exists, select, text

from glacierkeep.catalog.archives import read_archive
from glacierkeep.catalog.asking import CONTENT, rows_at
from glacierkeep.catalog.batches import FEW, batched
from glacierkeep.catalog.columns import Big, signed
from glacierkeep.catalog.places import FolderPaths
from glacierkeep.catalog.reading import read_extent, select_extents, versions_by_key
from glacierkeep.catalog.recording import Recording
from glacierkeep.catalog.schema import archives, extents, files, segments, versions
from glacierkeep.catalog.storing import stored, vouched
from glacierkeep.catalog.vaults import Vaults
from glacierkeep.clock import Clock
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.hashes import Hashes
from glacierkeep.domain.records import Archive, Extent, NewVersion, Vault, Version


def _sizes(names: list[str]) -> Select[int]:
    """Those of the sizes in the parameters *names* that a stored file has; the search for each ends with the first."""
    rows = ", ".join(f"(:{name})" for name in names)
    asked = text(f"VALUES {rows}").columns(column("column1", Big)).cte("asked")
    some = exists().where(
        versions.c.size == asked.c.column1,
        versions.c.kind == int(FileKind.FILE),
        versions.c.retired_at.is_(None),
        stored(bindparam("vault")) == 1,
    )
    return select(asked.c.column1).distinct().where(some.correlate(asked))


_ASKED = [f"size{at}" for at in range(FEW)]
_SIZES = _sizes(_ASKED)


def _same(asked: CTE) -> Select[Any]:
    """Of each content asked for, one version that has it; the search ends with the first."""
    found = (
        select(versions.c.id)
        .where(
            versions.c.size == asked.c.column1,
            versions.c.tree_hash == asked.c.column3,
            versions.c.kind == int(FileKind.FILE),
            versions.c.md5.is_(None) | (versions.c.md5 == asked.c.column2),
            versions.c.retired_at.is_(None),
            stored(bindparam("vault")) == 1,
            vouched(bindparam("vault")),
        )
        .limit(1)
        .correlate(asked)
        .scalar_subquery()
    )
    return select(asked, found.label("version_id"))


class Versions:
    """Versions of all files, current and past."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def sizes_stored(self, vault_id: int, sizes: Iterable[int]) -> set[int]:
        """Which of *sizes* (bytes) some stored, not retired file in that vault has; never 0."""
        found: set[int] = set()
        for few in batched(sorted(set(sizes) - {0}), len(_ASKED)):
            asked = dict(zip(_ASKED, few + few[-1:] * (len(_ASKED) - len(few)), strict=True))
            found |= set(self._connection.execute(_SIZES, asked | {"vault": vault_id}).scalars())
        return found

    def same_content(self, vault_id: int, contents: Iterable[Hashes]) -> dict[Hashes, int]:
        """For those of *contents* that are stored in trusted archives of that vault, a version that has it.

        Size and tree hash agree, and the MD5 if it was recorded. Retired versions do not count, nor adopted
        ones whose hash only a foreign bundle claims.
        """
        rows = rows_at(self._connection, _same, set(contents), types=CONTENT, vault=vault_id)
        return {
            Hashes(row.column1, row.column2, row.column3): row.version_id
            for row in rows
            if row.version_id is not None
        }

    def record(
        self,
        run_id: int | None,
        root_id: int,
        vault_id: int,
        archive_key: int | None,
        new: Iterable[NewVersion],
        *,
        adopted: bool = False,
    ) -> list[int]:
        """Record *new*, in one go; the key of each one's version, in order.

        A file whose current version says the same gets no new version, only the extents it lacks in this vault
        (all anew if any lies in an archive that is not present) and its inode. Otherwise the new version becomes
        current, but an adopted one never takes the place of one that is not, nor of a younger one.
        *archive_key* is the archive that `pieces` lie in. What is named by `same_as` and no longer wholly in present
        archives of the vault, or an archive that is not present, raises ArchiveGone; a `same_as_path` that is not
        stored leaves its version without extents, to be sent again. Either way all or nothing is written.
        Without a run the version counts as first seen when the archive was created. Raises ValueError for a path
        that leads out of the root. mtimes beyond 63 bits of ns are cut there.
        """
        recording = Recording(self._connection, root_id, vault_id, archive_key, adopted=adopted)
        return recording.record(run_id, list(new), self._clock.now())

    def confirm(self, version_ids: Iterable[int]) -> None:
        """Their content was read back and agreed: they are no longer merely adopted."""
        for few in batched(version_ids):
            self._connection.execute(versions.update().where(versions.c.id.in_(few)).values(adopted=0))

    def touch(self, version_id: int, inode: int) -> None:
        """The same file has another inode now."""
        changed = versions.update().where(versions.c.id == version_id).values(inode=signed(inode))
        self._connection.execute(changed)

    def get(self, version_id: int) -> Version:
        """The version with that key. Raises KeyError."""
        return versions_by_key(self._connection, [version_id], FolderPaths())[version_id]

    def many(self, version_ids: Iterable[int]) -> dict[int, Version]:
        """The versions with those keys."""
        return versions_by_key(self._connection, version_ids, FolderPaths())

    def extents(self, version_id: int, vault_id: int) -> list[Extent]:
        """Where the version's bytes lie in that vault, in order."""
        return self.extents_of([version_id], vault_id).get(version_id, [])

    def extents_of(self, version_ids: Iterable[int], vault_id: int) -> dict[int, list[Extent]]:
        """As extents, for many versions; those without any are left out."""
        lying: dict[int, list[Extent]] = {}
        for few in batched(version_ids):
            here = select_extents().where(extents.c.version_id.in_(few), extents.c.vault_id == vault_id)
            for row in self._connection.execute(here.order_by(extents.c.version_id, extents.c.ordinal)):
                lying.setdefault(row.version_id, []).append(read_extent(row))
        return lying

    def holdings(self, version_id: int) -> list[tuple[Vault, list[Archive]]]:
        """In which vaults, and there in which archives, bytes of the version lie, whatever the archives' state."""
        where = (
            select(archives)
            .where(
                archives.c.id.in_(
                    select(segments.c.archive_key)
                    .join(extents, extents.c.segment_id == segments.c.id)
                    .where(extents.c.version_id == version_id)
                )
            )
            .order_by(archives.c.vault_id, archives.c.id)
        )
        found: dict[int, list[Archive]] = {}
        for row in self._connection.execute(where):
            found.setdefault(row.vault_id, []).append(read_archive(row))
        vaults = Vaults(self._connection, self._clock)
        return [(vaults.by_id(vault_id), held) for vault_id, held in found.items()]

    def retire(self, version_ids: Iterable[int], at: datetime) -> None:
        """A person let these versions go, at that time; those already retired keep their time."""
        for few in batched(version_ids):
            let_go = versions.c.id.in_(few) & versions.c.retired_at.is_(None)
            self._connection.execute(versions.update().where(let_go).values(retired_at=at))
            owners = select(versions.c.file_id).where(versions.c.id.in_(few))
            current = files.c.id.in_(owners) & files.c.current_version.in_(few)
            self._connection.execute(files.update().where(current).values(current_version=None))
