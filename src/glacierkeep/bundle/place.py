"""Putting things below one folder, and nowhere else, whatever their paths say."""

import errno
import functools
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, TypeAlias

from glacierkeep.bundle.content import Write, compare, copy_file, hash_file, holds, write_copy_of
from glacierkeep.bundle.descent import Descent
from glacierkeep.bundle.folder import make_folder, open_root, sync_all, sync_folder
from glacierkeep.bundle.outcome import WORK_FOLDER, CannotPlace, Kept, Placed
from glacierkeep.bundle.partials import Partials, Scratch
from glacierkeep.bundle.spool import Spool
from glacierkeep.bundle.spots import NO_LINKS, Spot, judged, make_symlink, settle, translated
from glacierkeep.bundle.written import Then, Written, drop, is_full, write_apart
from glacierkeep.domain import names
from glacierkeep.domain.hashes import Hashes
from glacierkeep.errors import DiskTrouble

_Make: TypeAlias = Callable[[Scratch], bool]
"""Makes the thing under a scratch name: whether it has its time and mode."""

_Same: TypeAlias = Callable[[], bool]
"""Whether what is there is what shall be there."""


class Target:
    """A folder, created if it is missing, below which things are placed. For one thread.

    Paths are relative to it. No symlink below it is followed, nothing is overwritten unasked, and a file gets
    its name only with the expected content, private until then. Set-uid, set-gid and sticky bits are not given.
    Each call may raise CannotPlace, which is about one thing alone, or DiskTrouble, which is about all.
    """

    def __init__(self, folder: bytes) -> None:
        self._top = _open_target(folder)
        self._partials = Partials(self._top)
        self._created: Spool[bytes] = Spool(Path(tempfile.gettempdir()))
        self._places = Descent(self._top, self._created.append)
        self._looks = Descent(self._top)
        self._written: list[Written] = []

    def look(self, path: bytes, expected: Hashes) -> Kept | None:
        """What is at *path* before anything is placed: None for nothing, else whether it has this content."""
        with judged(path):
            try:
                spot = Spot(path, self._looks.folder(names.parent_of(path)), names.name_of(path))
            except FileNotFoundError:
                return None
            return _kept(self._looks, spot, lambda: holds(spot.folder, spot.name, expected))

    def place_file(
        self,
        path: bytes,
        write: Write,
        *,
        expected: Hashes,
        mtime_ns: int,
        mode: int,
        overwrite: bool = False,
    ) -> Placed | Kept:
        """Place a file with the content that *write* writes; it is not called if what is there is kept.

        Raises BytesMismatch if that is not *expected*; nothing is placed then.
        """

        def make(scratch: Scratch) -> bool:
            with scratch.create() as file:
                compare(path, expected, write(file))
                return settle(file, mtime_ns, mode)

        with self._spot(path) as spot:
            return self._place(spot, make, lambda: holds(spot.folder, spot.name, expected), overwrite)

    def place_soon(
        self,
        path: bytes,
        write: Write,
        *,
        expected: Hashes,
        mtime_ns: int,
        mode: int,
        overwrite: bool,
        then: Then,
    ) -> Placed | Kept | None:
        """As place_file, but the file may get its name later, with others, so that they are made durable together.

        Then None comes back, and *then* is called once with what places it, at the latest by place_written().
        """
        with self._spot(path) as spot:
            kept = _kept(self._places, spot, lambda: holds(spot.folder, spot.name, expected))
            if kept is not None and (kept.same or not overwrite):
                return kept
            near = self._partials.is_near(spot.folder)
            if near:
                scratch = self._partials.fresh()
                self._written.append(
                    write_apart(scratch, path, write, expected, mtime_ns, mode, overwrite, then)
                )
        if not near:
            return self.place_file(
                path, write, expected=expected, mtime_ns=mtime_ns, mode=mode, overwrite=overwrite
            )
        if is_full(self._written):
            self.place_written()
        return None

    def place_written(self) -> None:
        """What was to be placed soon is placed now."""
        written, self._written = self._written, []
        try:
            with translated(WORK_FOLDER):
                sync_all(each.file.fileno() for each in written)
            for each in written:
                each.then(functools.partial(self._place_one_written, each))
        finally:
            drop(written)

    def open_partial(self, name: str) -> BinaryIO:
        """The partial file *name*, kept from run to run, for reading and writing; close it before it is placed.

        Raises ValueError for a name of other than ASCII letters, digits and hyphens.
        """
        with translated(WORK_FOLDER):
            return self._partials.open_kept(self._partials.named(name))

    def open_journal(self, name: str) -> BinaryIO:
        """A file beside the partial *name*, for what is known of it; it goes with the partial."""
        with translated(WORK_FOLDER):
            return self._partials.open_kept(self._partials.journal_of(name))

    def place_partial(
        self,
        name: str,
        path: bytes,
        *,
        expected: Hashes,
        mtime_ns: int,
        mode: int,
        overwrite: bool = False,
        found: Hashes | None = None,
    ) -> Placed | Kept:
        """Place the partial *name* as the file *path*. It is gone then, unless Kept(same=False).

        *found* are its hashes, if it was written or read in this run; else it is read once more.
        Raises BytesMismatch, and leaves the partial, if its content is not *expected*.
        """
        with self.open_partial(name) as partial, self._spot(path) as spot:
            near = self._near(name, spot)

            def make(scratch: Scratch) -> bool:
                compare(path, expected, found or hash_file(partial))
                if near is not None:
                    return settle(partial, mtime_ns, mode)
                with scratch.create() as file:
                    compare(path, expected, copy_file(partial, file))
                    return settle(file, mtime_ns, mode)

            outcome = self._place(
                spot, make, lambda: holds(spot.folder, spot.name, expected), overwrite, near
            )
        if outcome != Kept(same=False):
            self.drop_partial(name)
        return outcome

    def drop_partial(self, name: str) -> None:
        """Remove the partial *name* and its journal, if there are such."""
        for place in (self._partials.named(name), self._partials.journal_of(name)):
            with translated(WORK_FOLDER), suppress(FileNotFoundError):
                os.unlink(place.name, dir_fd=place.folder)

    def place_symlink(
        self, path: bytes, target: bytes, *, mtime_ns: int, overwrite: bool = False
    ) -> Placed | Kept:
        """Place a symlink with the text *target*, wherever that leads: it is never followed here."""

        def make(scratch: Scratch) -> bool:
            return make_symlink(scratch, target, mtime_ns)

        with self._spot(path) as spot:
            return self._place(spot, make, lambda: spot.is_symlink_to(target), overwrite)

    def place_hardlink(
        self,
        path: bytes,
        first: bytes,
        write: Write | None,
        *,
        expected: Hashes,
        mtime_ns: int,
        mode: int,
        overwrite: bool = False,
    ) -> Placed | Kept:
        """Place another name of the file *first*, relative to the target too, if that has the content *expected*.

        Where it cannot be linked, a copy is placed: of *first* if that has the content, else what *write* writes.
        """
        self.place_written()
        folder = self._folder_of_first(path, first, expected)
        if folder is not None:
            linked = self._link(path, Scratch(folder, names.name_of(first)), expected, overwrite)
            if linked is not None:
                return linked
            write = write_copy_of(folder, names.name_of(first))
        if write is None:
            raise CannotPlace(path, f"it is another name of {names.printable(first)}, which is not here")
        return self.place_file(
            path, write, expected=expected, mtime_ns=mtime_ns, mode=mode, overwrite=overwrite
        )

    def place_folder(self, path: bytes) -> Placed | Kept:
        """Create a folder, private until it is finished; kept as the same if a folder is there already."""
        with self._spot(path) as spot:
            status = spot.status()
            if status is not None:
                return Kept(stat.S_ISDIR(status.st_mode))
            self._places.folder(path)
            return Placed()

    def created_folders(self) -> Iterator[bytes]:
        """The folders created for or around what was placed, deepest first; mode 0700 until finished."""
        return self._created.backwards()

    def finish_folder(self, path: bytes, *, mtime_ns: int | None, mode: int) -> None:
        """Give a folder its mode, and its time if that is known: after all that goes into it; that is on the disk."""
        with judged(path):
            folder = self._looks.folder(path)
            os.fchmod(folder, mode & 0o777)
            if mtime_ns is not None:
                with suppress(OSError, OverflowError):
                    os.utime(folder, ns=(mtime_ns, mtime_ns))
            sync_folder(folder)

    def flush(self) -> None:
        """All that was placed, or was to be placed soon, is on the disk under its name."""
        self.place_written()
        with translated(b"."):
            self._places.flush()

    def close(self) -> None:
        """Make durable what was placed, drop what was only to be placed soon, and remove the work folder if empty."""
        try:
            drop(self._written)
            with translated(b"."):
                self._looks.close()
                self._places.close()
        finally:
            self._partials.close()
            self._created.close()
            os.close(self._top)

    def __enter__(self) -> "Target":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.flush()
        finally:
            self.close()

    def _place_one_written(self, written: Written) -> Placed | Kept:
        with self._spot(written.path) as spot:
            return self._place(
                spot,
                lambda scratch: written.times_kept,
                lambda: holds(spot.folder, spot.name, written.expected),
                written.overwrite,
                written.scratch,
            )

    @contextmanager
    def _spot(self, path: bytes) -> Iterator[Spot]:
        """Where *path* is to be, its folders created."""
        with judged(path):
            self._place_what_meets(path)
            yield Spot(path, self._places.folder(names.parent_of(path)), names.name_of(path))

    def _place_what_meets(self, path: bytes) -> None:
        """A file that waits for the name *path*, or for that of one of its folders, was first and gets it."""
        waiting = {each.path for each in self._written}
        while waiting and path:
            if path in waiting:
                return self.place_written()
            path = names.parent_of(path)

    def _place(
        self, spot: Spot, make: _Make, same: _Same, overwrite: bool, near: Scratch | None = None
    ) -> Placed | Kept:
        """Make the thing, and give it its name; *near* is where it is already, if so."""
        kept = _kept(self._places, spot, same)
        if kept is not None and (kept.same or not overwrite):
            return kept
        with nullcontext(near) if near is not None else self._partials.scratch(spot.folder) as scratch:
            times_kept = make(scratch)
            if overwrite:
                spot.replace(scratch)
            elif not spot.take(scratch):
                return Kept(same())
        self._places.touched(spot.name)
        return Placed(times_kept)

    def _near(self, name: str, spot: Spot) -> Scratch | None:
        """The partial *name*, if it can be renamed to *spot*."""
        return self._partials.named(name) if self._partials.is_near(spot.folder) else None

    def _folder_of_first(self, path: bytes, first: bytes, expected: Hashes) -> int | None:
        """The folder of *first*, if that is there with the content *expected*."""
        if names.trouble_with(first):
            raise CannotPlace(path, f"it is another name of {names.printable(first)}, which leads out")
        try:
            folder = self._looks.folder(names.parent_of(first))
        except OSError:
            return None
        return folder if holds(folder, names.name_of(first), expected) else None

    def _link(self, path: bytes, first: Scratch, expected: Hashes, overwrite: bool) -> Placed | Kept | None:
        """As place_hardlink; None if *first* cannot be linked to."""

        def make(scratch: Scratch) -> bool:
            os.link(
                first.name,
                scratch.name,
                src_dir_fd=first.folder,
                dst_dir_fd=scratch.folder,
                follow_symlinks=False,
            )
            return True

        with self._spot(path) as spot:
            try:
                return self._place(spot, make, lambda: holds(spot.folder, spot.name, expected), overwrite)
            except OSError as error:
                if error.errno not in (*NO_LINKS, errno.EXDEV):
                    raise
        return None


def _kept(descent: Descent, spot: Spot, same: _Same) -> Kept | None:
    if spot.status() is None:
        return None
    if not descent.lists(spot.name):
        raise CannotPlace(spot.path, "its name differs only in case or accents from one that is there")
    return Kept(same())


def _open_target(folder: bytes) -> int:
    try:
        with suppress(FileExistsError):
            make_folder(folder)
        return open_root(folder)
    except OSError as error:
        sentence = f"the folder {names.printable(folder)} cannot be used: {error.strerror}"
        raise DiskTrouble(sentence, hint="name a folder that can be written to") from error
