"""The catalog: our records, in one SQLite file."""

import os
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from glacierkeep.catalog import pages, walk
from glacierkeep.catalog.batches import batched
from glacierkeep.catalog.connections import for_writing, open_pool
from glacierkeep.catalog.copying import Copying
from glacierkeep.catalog.creation import check_header
from glacierkeep.catalog.creation import create as create_file
from glacierkeep.catalog.identity import Identity
from glacierkeep.catalog.inventories import AT_ONCE, Inventories
from glacierkeep.catalog.known import KnownNames, names_after
from glacierkeep.catalog.rebuilding import Rebuilding
from glacierkeep.catalog.records import Records
from glacierkeep.catalog.schema import HEAD
from glacierkeep.catalog.search import Sought, search
from glacierkeep.catalog.trouble import shown, translated
from glacierkeep.catalog.values import FolderName
from glacierkeep.catalog.view import View
from glacierkeep.clock import Clock
from glacierkeep.domain.copies import Copy, CopyHeader, Expected
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.records import Archive, Extent, Item, ItemState, Root, Version
from glacierkeep.domain.service import ListedArchive
from glacierkeep.errors import CatalogOutdated, CatalogUnusable


class Catalog:
    """Records of what is kept, shared by threads and processes.

    All methods raise Locked (in use for a minute), DiskTrouble or CatalogUnusable. *id* is made at creation;
    *machine* is the one this process runs on, `Records.identity.machine` the one whose copy continues.
    """

    def __init__(
        self, path: Path, engine: Engine, clock: Clock, machine: str, random: Callable[[int], bytes]
    ) -> None:
        self.path = path
        self.machine = machine
        self._engine = engine
        self._writing = for_writing(engine)
        # SQLite lets others wait by sleeping longer and longer; threads of one process wait in line instead.
        self._turn = threading.Lock()
        self._clock = clock
        self._random = random
        with self._connected() as connection:
            self.id = Identity(connection).id

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        clock: Clock,
        machine: str,
        random: Callable[[int], bytes] = os.urandom,
        create: bool = True,
    ) -> "Catalog":
        """The catalog at *path*, made if it is not there and *create* is true.

        Raises CatalogUnusable (not there, not ours, damaged, not to be opened), CatalogOutdated, DiskTrouble.
        """
        if not os.path.lexists(path):
            _make(path, machine, random, create=create)
        check_header(path)
        engine = open_pool(path)
        try:
            _check_revision(engine, path)
            return cls(path, engine, clock, machine, random)
        except BaseException:
            engine.dispose()
            raise

    def close(self) -> None:
        """Let go of the file; the catalog may not be used any more."""
        self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Records]:
        """One consistent, short read. It takes no write lock, but keep it short: a write must wait for its end."""
        with self._connected() as connection:
            yield Records(connection, self._clock, self.machine, self._random)

    @contextmanager
    def write(self) -> Iterator[Records]:
        """All or nothing, alone: committed at the end, rolled back if an exception leaves it. Not to be nested."""
        with translated(self.path), self._turn, self._writing.begin() as connection:
            yield Records(connection, self._clock, self.machine, self._random)

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        with translated(self.path), self._engine.connect() as connection:
            yield connection

    def receive_inventory(
        self, inventory_id: int, date: datetime, rows: Iterable[ListedArchive], full: bool
    ) -> int:
        """An inventory arrived: *rows* as of *date*; how many archives it lists. For a million rows too.

        Short writes; the inventory counts as received only after the last. Begun again, it starts afresh.
        """
        with self._inventories() as inventories:
            inventories.drop_listed(inventory_id)
        for some in batched(rows, AT_ONCE):
            with self._inventories() as inventories:
                inventories.add_listed(inventory_id, some)
        with self._inventories() as inventories:
            return inventories.arrive(inventory_id, date, full)

    @contextmanager
    def _inventories(self) -> Iterator[Inventories]:
        with self.write() as records:
            yield records.inventories

    def copy_lines(self, copy: Copy, since: Copy | None = None) -> Iterator[bytes]:
        """The lines of *copy*, which `copies.begin` began: all of its vault's records, or what *since* lacks.

        Holds no read open in between. What is recorded meanwhile comes with the next copy.
        """
        with self.read() as records:
            vault = records.vaults.by_id(copy.vault_id)
            header = CopyHeader(
                catalog=records.identity.id,
                vault=vault.address,
                generation=copy.generation,
                set_token=copy.set_token,
                index=copy.index,
                after=copy.after,
                schema=HEAD,
                made_at=copy.made_at,
                inventory_date=vault.inventory_date,
            )
        return Copying(self._connected, header, copy, since.marks if since else None).lines()

    def receive_copy(self, lines: Iterable[bytes], *, expect: Expected) -> CopyHeader:
        """Take in a copy of a vault's records, checked line by line; its header. One write, long for a long copy.

        What says the same here already is the same; keys are kept where they are free. An unused catalog becomes the
        one that made the copy. Raises CopyUnreadable if anything is wrong, or what reading *lines* raises: then
        nothing of it was written.
        """
        with translated(self.path), self._writing.begin() as connection:
            header = Rebuilding(connection, self._clock).receive(lines, expect)
        with self._connected() as connection:
            self.id = Identity(connection).id
        return header

    def archive_rows(self, vault_id: int) -> Iterator[Archive]:
        """Every archive of the vault, whatever its state, by archive id (code points)."""
        return pages.archive_rows(self._connected, vault_id)

    def listed_rows(self, inventory_id: int) -> Iterator[ListedArchive]:
        """The lines of an inventory, by archive id (code points)."""
        return pages.listed_rows(self._connected, inventory_id)

    def names_after(self, folder_id: int, vault_id: int, names: KnownNames) -> Iterator[KnownNames]:
        """The live names of the folder that come after *names*, for folders of any size."""
        while names.last is not None:
            with self._connected() as connection:
                names = names_after(connection, folder_id, vault_id, names.last)
            yield names

    def versions_in(self, archive_key: int) -> Iterator[Version]:
        """The versions, retired ones left out, of which bytes lie in the archive."""
        return pages.versions_in_archive(self._connected, archive_key)

    def retrieval_archives(self, retrieval_id: int) -> Iterator[int]:
        """The keys of archives in which bytes of waiting items lie."""
        return pages.retrieval_archives_of(self._connected, retrieval_id)

    def retrieval_pieces(self, retrieval_id: int, archive_key: int) -> Iterator[tuple[Version, list[Extent]]]:
        """The waiting items with bytes in that archive, in the order these lie there.

        With each comes every extent it has in that archive, by ordinal; those elsewhere are not among them.
        """
        return pages.retrieval_pieces(self._connected, retrieval_id, archive_key)

    def retrieval_items(
        self, retrieval_id: int, state: ItemState | None = None
    ) -> Iterator[tuple[Item, Version]]:
        """The items of a retrieval, in that state or in any, by version's key."""
        return pages.retrieval_items_of(self._connected, retrieval_id, state)

    def versions_below(
        self,
        root: Root,
        path: bytes,
        *,
        at: datetime | None = None,
        deleted: bool = False,
        history: bool = False,
    ) -> Iterator[Version]:
        """The versions of *path* (root-relative, b"" the root) and of all below, in the order of path components.

        Now, or as of *at*; *deleted* adds the last version of what is gone; *history* gives all versions,
        retired ones only with *deleted*. Folders' own versions are among them.
        """
        return walk.versions_below(self._connected, root, path, View(at, deleted, history))

    def children(
        self, root: Root, path: bytes, at: datetime | None = None, deleted: bool = False
    ) -> Iterator[Version | FolderName]:
        """What lies directly in the folder *path*, by name, or the file itself if *path* is one.

        A folder is given as its own version, or by its name if it has none and something lies below it.
        """
        return walk.children(self._connected, root, path, View(at, deleted))

    def search(
        self,
        pattern: str | None = None,
        *,
        root_id: int | None = None,
        kinds: Collection[FileKind] | None = None,
        least_size: int | None = None,
        most_size: int | None = None,
        modified_from: int | None = None,
        modified_until: int | None = None,
        tree_hash: bytes | None = None,
        at: datetime | None = None,
        deleted: bool = False,
        history: bool = False,
    ) -> Iterator[Version]:
        """Versions whose name fits *pattern*, without regard to case, in order of first recording.

        A pattern with `*`, `?` or `[…]` is a glob of the whole name, any other a part of it. If it has a slash it
        is about the path: a part of it, or a glob of the whole path (label first) or of what follows a slash.
        Sizes in bytes, both bounds included; *modified_from* up to, not including, *modified_until* in ns.
        """
        view = View(at, deleted, history)
        sought = Sought(
            pattern, root_id, kinds, least_size, most_size, modified_from, modified_until, tree_hash, view
        )
        return search(self._connected, sought)


def _make(path: Path, machine: str, random: Callable[[int], bytes], *, create: bool) -> None:
    if not create:
        raise CatalogUnusable(f"there is no catalog at {shown(path)}", hint="gk upload makes one")
    create_file(path, machine=machine, random=random)


def _check_revision(engine: Engine, path: Path) -> None:
    try:
        with translated(path), engine.connect() as connection:
            found = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    except OperationalError as error:
        raise CatalogUnusable(f"the catalog {shown(path)} has lost its schema") from error
    if found != [HEAD]:
        written = found[0] if found else "none"
        raise CatalogOutdated(
            f"the catalog {shown(path)} has schema {written}, this gk needs {HEAD}",
            hint="gk catalog upgrade brings an older one up to date; a newer one needs a newer gk",
        )
