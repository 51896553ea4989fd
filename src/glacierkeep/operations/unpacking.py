"""A bundle that the catalog knows by its id alone: what it says it holds is placed, each member checked."""

import functools
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from glacierkeep.bundle.content import write_pieces
from glacierkeep.bundle.outcome import CannotPlace, Kept, Placed
from glacierkeep.bundle.place import Target
from glacierkeep.bundle.spool import Spool
from glacierkeep.bundle.unpack import Contents
from glacierkeep.bundle.volume import piece_name
from glacierkeep.domain import names
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.hashes import Hashes, hash_content
from glacierkeep.domain.limits import MIB
from glacierkeep.domain.manifest import BadManifest, BadMember, Member
from glacierkeep.errors import BytesMismatch, Exit, NoIdentity, SegmentDamaged
from glacierkeep.events import FileKept, FilePlaced, Listener, Trouble

_EMPTY = hash_content(b"")
_MOST_HELD = 32 * MIB
"""Bytes of hard links whose first names are looked for at once, by reading the list again: memory stays small."""
_DEEPEST = 500
"""Folders of one path. A line of a manifest could name 20,000 of them, which takes minutes and room for each."""
_MEMBER = 700
"""About what one takes in memory beside its names."""


@dataclass(slots=True)
class Unpacked:
    """What became of the members."""

    listed: int = 0
    placed: int = 0
    size: int = 0
    different: int = 0
    failed: int = 0
    damaged: int = 0
    folders: set[bytes] = field(default_factory=set)
    """Those that were made."""

    @property
    def codes(self) -> list[Exit]:
        """7 for damage, 3 for what could not be placed or was left alone."""
        return [Exit.MISMATCH] * bool(self.damaged) + [Exit.PARTLY] * bool(self.failed + self.different)


@dataclass(frozen=True, slots=True)
class Unpacking:
    """Members of the archive called *name* on their way below *target*; *overwrite*: files that are there and differ
    are replaced."""

    name: bytes
    target: Target
    overwrite: bool
    tell: Listener
    stop: Callable[[], bool]

    def unpack(self, open_contents: Callable[[], Contents]) -> Unpacked:
        """Place every member of the contents, opened anew for each pass; what cannot be placed is told of, and the rest
        goes on. Hard links come last. Memory does not grow with the number of members.

        Raises BadManifest or SegmentDamaged if there is no list of members, NoIdentity, DiskTrouble.
        """
        done, spare = Unpacked(), Path(tempfile.gettempdir())
        with Spool[Member](spare) as folders, Spool[Member](spare) as links:
            self._place_all(open_contents(), done, folders, links)
            self.target.place_written()
            for some in _batches(links):
                self._link_all(some, _good(open_contents().members), done)
            self._finish(folders.backwards(), done)
        return done

    def _place_all(
        self, contents: Contents, done: Unpacked, folders: Spool[Member], links: Spool[Member]
    ) -> None:
        try:
            for member in contents.members:
                if self.stop():
                    return
                if isinstance(member, BadMember):
                    self._failed(member.path or self.name, member.code, str(member), done)
                elif member.kind is FileKind.HARDLINK:
                    links.append(member)
                elif self._take(member, functools.partial(self._place, member, contents, done), done):
                    folders.append(member)
                    done.folders.add(member.path)
                done.listed += 1
        except BadManifest as error:
            if not done.listed:
                raise
            self._failed(self.name, BadMember.code, f"its list of members breaks off: {error}", done)

    def _link_all(self, links: list[Member], members: Iterable[Member], done: Unpacked) -> None:
        firsts = {member.target for member in links}
        known = {each.path: _expected(each) for each in members if each.path in firsts}
        for member in links:
            if not self.stop():
                self._take(member, functools.partial(self._link, member, known), done)

    def _take(self, member: Member, place: Callable[[], Placed | Kept | None], done: Unpacked) -> bool:
        """Whether it is a folder that was made."""
        try:
            result = place()
        except (BytesMismatch, SegmentDamaged) as error:
            done.damaged += 1
            self.tell(Trouble(member.path, error.code, str(error), error.hint))
        except (CannotPlace, NoIdentity) as error:
            # The list could be opened: a segment that cannot is sealed for somebody else, and will never open here.
            self._failed(member.path, error.code, str(error), done, error.hint)
        else:
            return result is not None and self._count(member, result, done)
        return False

    def _failed(self, path: bytes, code: str, reason: str, done: Unpacked, hint: str | None = None) -> None:
        done.failed += 1
        self.tell(Trouble(path, code, reason, hint))

    def _count(self, member: Member, result: Placed | Kept, done: Unpacked) -> bool:
        if isinstance(result, Placed):
            done.placed += 1
            done.size += member.size
            self.tell(FilePlaced(member.path, member.size))
            return member.kind is FileKind.FOLDER
        if member.kind is not FileKind.FOLDER or not result.same:
            done.different += not result.same
            self.tell(FileKept(member.path, result.same))
        return False

    def _place(self, member: Member, contents: Contents, done: Unpacked) -> Placed | Kept | None:
        _check_depth(member)
        if member.kind is FileKind.FOLDER:
            return self.target.place_folder(member.path)
        if member.kind is FileKind.SYMLINK:
            return self.target.place_symlink(
                member.path, member.target or b"", mtime_ns=member.mtime_ns, overwrite=self.overwrite
            )
        path = piece_name(member.path, member.portion.index) if member.portion else member.path
        return self.target.place_soon(
            path,
            write_pieces(contents.content(member)),
            expected=_expected(member),
            mtime_ns=member.mtime_ns,
            mode=member.mode,
            overwrite=self.overwrite,
            then=lambda place: self._note(member, place, done),
        )

    def _note(self, member: Member, place: Callable[[], Placed | Kept], done: Unpacked) -> None:
        self._take(member, place, done)

    def _link(self, member: Member, known: dict[bytes, Hashes]) -> Placed | Kept:
        _check_depth(member)
        first = member.target or b""
        expected = known.get(first)
        if expected is None:
            raise CannotPlace(
                member.path, f"it is another name of {names.printable(first)}, which is not here"
            )
        return self.target.place_hardlink(
            member.path,
            first,
            None,
            expected=expected,
            mtime_ns=member.mtime_ns,
            mode=member.mode,
            overwrite=self.overwrite,
        )

    def _finish(self, folders: Iterable[Member], done: Unpacked) -> None:
        """Folders get their times and modes after all that goes into them, the last first."""
        for member in folders:
            try:
                self.target.finish_folder(member.path, mtime_ns=member.mtime_ns, mode=member.mode)
            except CannotPlace as error:
                self._failed(member.path, error.code, str(error), done, error.hint)


def _check_depth(member: Member) -> None:
    if member.path.count(b"/") > _DEEPEST:
        raise CannotPlace(member.path[:100], f"it lies deeper than {_DEEPEST} folders")


def _batches(links: Iterable[Member]) -> Iterator[list[Member]]:
    """All of *links*, as many at once as memory may hold."""
    some, held = list[Member](), 0
    for each in links:
        some.append(each)
        held += _MEMBER + len(each.path) + len(each.target or b"")
        if held >= _MOST_HELD:
            yield some
            some, held = [], 0
    if some:
        yield some


def _good(members: Iterable[Member | BadMember]) -> Iterator[Member]:
    """The members that can be, as far as the list goes."""
    with suppress(BadManifest):
        for each in members:
            if isinstance(each, Member):
                yield each


def _expected(member: Member) -> Hashes:
    if member.size == 0:
        return _EMPTY
    assert member.tree_hash is not None
    return Hashes(member.size, member.md5, member.tree_hash)
