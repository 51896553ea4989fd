"""A bundle that the catalog knows by its id alone: what it says it holds is placed, each member checked."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field

from glacierkeep.bundle.content import write_pieces
from glacierkeep.bundle.outcome import CannotPlace, Kept, Placed
from glacierkeep.bundle.place import Target
from glacierkeep.bundle.unpack import Contents
from glacierkeep.bundle.volume import piece_name
from glacierkeep.domain import names
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.hashes import Hashes, hash_content
from glacierkeep.domain.manifest import BadManifest, Member
from glacierkeep.errors import BytesMismatch, Exit, SegmentDamaged
from glacierkeep.events import FileKept, FilePlaced, Listener, Trouble

_EMPTY = hash_content(b"")


@dataclass(slots=True)
class Unpacked:
    """What became of the members."""

    placed: int = 0
    size: int = 0
    different: int = 0
    failed: int = 0
    damaged: int = 0
    folders: list[Member] = field(default_factory=list)
    """Those that were made."""

    @property
    def codes(self) -> list[Exit]:
        """7 for damage, 3 for what could not be placed or was left alone."""
        return [Exit.MISMATCH] * bool(self.damaged) + [Exit.PARTLY] * bool(self.failed + self.different)


@dataclass(frozen=True, slots=True)
class Unpacking:
    """Members on their way below *target*; *overwrite*: files that are there and differ are replaced."""

    target: Target
    overwrite: bool
    tell: Listener
    stop: Callable[[], bool]

    def unpack(self, open_contents: Callable[[], Contents]) -> Unpacked:
        """Place every member of the contents, opened anew for each pass; what cannot be placed is told of, and the rest
        goes on. Hard links come last.

        Raises BadManifest or SegmentDamaged if the list of members itself breaks off, NoIdentity, DiskTrouble.
        """
        done, links = Unpacked(), list[Member]()
        contents = open_contents()
        for member in contents.members:
            if self.stop():
                return done
            if member.kind is FileKind.HARDLINK:
                links.append(member)
            else:
                self._take(member, functools.partial(self._place, member, contents), done)
        if links:
            self._link_all(links, open_contents(), done)
        self._finish(done)
        return done

    def _link_all(self, links: list[Member], contents: Contents, done: Unpacked) -> None:
        firsts = {member.target for member in links}
        known = {each.path: _expected(each) for each in contents.members if each.path in firsts}
        for member in links:
            self._take(member, functools.partial(self._link, member, known), done)

    def _take(self, member: Member, place: Callable[[], Placed | Kept], done: Unpacked) -> None:
        try:
            result = place()
        except (BytesMismatch, SegmentDamaged) as error:
            done.damaged += 1
            self.tell(Trouble(member.path, error.code, str(error), error.hint))
        except BadManifest as error:
            done.damaged += 1
            self.tell(Trouble(member.path, SegmentDamaged.code, str(error)))
        except CannotPlace as error:
            done.failed += 1
            self.tell(Trouble(member.path, error.code, str(error), error.hint))
        else:
            self._count(member, result, done)

    def _count(self, member: Member, result: Placed | Kept, done: Unpacked) -> None:
        if isinstance(result, Placed):
            done.placed += 1
            done.size += member.size
            if member.kind is FileKind.FOLDER:
                done.folders.append(member)
            self.tell(FilePlaced(member.path, member.size))
        elif member.kind is not FileKind.FOLDER or not result.same:
            done.different += not result.same
            self.tell(FileKept(member.path, result.same))

    def _place(self, member: Member, contents: Contents) -> Placed | Kept:
        if member.kind is FileKind.FOLDER:
            return self.target.place_folder(member.path)
        if member.kind is FileKind.SYMLINK:
            return self.target.place_symlink(
                member.path, member.target or b"", mtime_ns=member.mtime_ns, overwrite=self.overwrite
            )
        path = piece_name(member.path, member.portion.index) if member.portion else member.path
        return self.target.place_file(
            path,
            write_pieces(contents.content(member)),
            expected=_expected(member),
            mtime_ns=member.mtime_ns,
            mode=member.mode,
            overwrite=self.overwrite,
        )

    def _link(self, member: Member, known: dict[bytes, Hashes]) -> Placed | Kept:
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

    def _finish(self, done: Unpacked) -> None:
        """Folders get their times and modes after all that goes into them, the deepest first."""
        for member in reversed(done.folders):
            try:
                self.target.finish_folder(member.path, mtime_ns=member.mtime_ns, mode=member.mode)
            except CannotPlace as error:
                done.failed += 1
                self.tell(Trouble(member.path, error.code, str(error), error.hint))


def _expected(member: Member) -> Hashes:
    if member.size == 0:
        return _EMPTY
    assert member.tree_hash is not None
    return Hashes(member.size, member.md5, member.tree_hash)
