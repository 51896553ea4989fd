"""The list of a bundle's members, and the 512 bytes that find it from the archive's end.

The manifest is JSON Lines: `{"gk":1,"type":"manifest","members":N}`, then a line per member. Of a sealed archive the
first line says `"segments":M` as well, and M lines about segments come before the members. The end is
`{"gk":1,"type":"end","offset":…,"length":…,"sha256":…}` padded with blanks to 512 bytes.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from glacierkeep.domain import names
from glacierkeep.domain.files import KIND_WORDS, FileKind
from glacierkeep.domain.hashes import Hashes
from glacierkeep.domain.segments import Codec, SealKind, Segment
from glacierkeep.domain.token import is_token

FOLDER = b".glacierkeep"
MANIFEST_NAME = FOLDER + b"/manifest.jsonl"
END_NAME = FOLDER + b"/end"
END_LENGTH = 512
TAIL = 2048
"""The archive's last bytes: the end member's header, its content and two zero blocks."""
LONGEST_LINE = 64 * 1024
"""A member's two paths at 4,096 bytes, escaped as JSON and once more as base64, stay below this."""
MOST_SEGMENTS = 1_000_000
"""Far beyond what a volume or bundle of ours has: a manifest that claims more is none of ours."""


class BadManifest(ValueError):
    """A manifest or end member is not as we write it."""


class BadMember(BadManifest):
    """One member is not as we write it: *path*, empty if even that is not known. Those after it may be right."""

    code = "bad-member"

    def __init__(self, path: bytes, reason: str) -> None:
        super().__init__(f"the member {names.printable(path)} {reason}" if path else f"a member {reason}")
        self.path = path


@dataclass(frozen=True, slots=True)
class Portion:
    """Which part of a file a volume holds: from byte *offset* on, as number *index* (from 1) of the set *token*.

    *whole* are the hashes of all of the file, which only the last volume knows: it is the last if they are there.
    """

    token: str
    index: int
    offset: int
    whole: Hashes | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """One path in a bundle. *path* begins with the root's label; *offset* is of its content in the tar.

    *size* in bytes; hashes are raw digests, None for what has no content; *target* is the text of a
    symlink, or the path (label included) of a hard link's first name. Of a volume's one member *size* and *tree_hash*
    are the portion's, and *md5* is None.
    """

    path: bytes
    kind: FileKind
    offset: int
    size: int
    mtime_ns: int
    mode: int
    md5: bytes | None = None
    tree_hash: bytes | None = None
    sha256: bytes | None = None
    target: bytes | None = None
    portion: Portion | None = None


@dataclass(frozen=True, slots=True)
class End:
    """Where the manifest lies in the tar: offset and length of its content in bytes, and its SHA-256."""

    offset: int
    length: int
    sha256: bytes

    def check_hash(self, sha256: bytes) -> None:
        """Raises BadManifest if the manifest's SHA-256 is another."""
        if sha256 != self.sha256:
            raise BadManifest("the manifest has not the hash that the end member gives")


def first_line(members: int, segments: int = 0) -> bytes:
    """The manifest's first line."""
    said: dict[str, object] = {"gk": 1, "type": "manifest", "members": members}
    return _line(said | ({"segments": segments} if segments else {}))


def segment_line(segment: Segment) -> bytes:
    """The line of *segment*."""
    said: dict[str, object] = {
        "offset": segment.stored_offset,
        "length": segment.stored_length,
        "plain_length": segment.plain_length,
        "codec": segment.codec.value,
        "seal": segment.seal.value,
    }
    if segment.hash is not None:
        said["sha256"] = segment.hash.hex()
    return _line(said)


def member_line(member: Member) -> bytes:
    """The line of *member*."""
    said: dict[str, object] = _named("path", member.path)
    said |= {"offset": member.offset, "size": member.size}
    for key in ("md5", "tree_hash", "sha256"):
        digest: bytes | None = getattr(member, key)
        if digest is not None:
            said[key] = digest.hex()
    said |= {"mtime_ns": member.mtime_ns, "mode": f"{member.mode:o}", "kind": member.kind.word}
    if member.target is not None:
        said |= _named("target", member.target)
    if member.portion is not None:
        said |= _portion_said(member.portion)
    return _line(said)


def _portion_said(portion: Portion) -> dict[str, object]:
    said: dict[str, object] = {
        "set": portion.token,
        "index": portion.index,
        "last": portion.whole is not None,
        "piece_offset": portion.offset,
    }
    if portion.whole is not None and portion.whole.md5 is not None:
        whole = portion.whole
        said["whole"] = {
            "size": whole.size,
            "md5": portion.whole.md5.hex(),
            "tree_hash": whole.tree_hash.hex(),
        }
    return said


def end_content(end: End) -> bytes:
    """The 512 bytes of the end member."""
    said = {"gk": 1, "type": "end", "offset": end.offset, "length": end.length, "sha256": end.sha256.hex()}
    return _line(said).rstrip(b"\n").ljust(END_LENGTH - 1) + b"\n"


def read_end(content: bytes, archive_size: int) -> End:
    """The end member's facts, checked against the archive's size. Raises BadManifest."""
    said = _object(content)
    if said.get("gk") != 1 or said.get("type") != "end":
        raise BadManifest("the archive does not end as a bundle of ours")
    end = End(_number(said, "offset"), _number(said, "length"), _digest(said, "sha256", 32) or b"")
    if not end.sha256 or end.offset + end.length > archive_size:
        raise BadManifest("the end member points outside the archive")
    return end


def read_members(lines: Iterable[bytes]) -> Iterator[Member]:
    """The members a manifest lists, checked one by one; paths are still to be judged. Raises BadManifest."""
    yield from all_good(read_lines(lines)[1])


def all_good(listed: Iterable[Member | BadMember]) -> Iterator[Member]:
    """The members of *listed*. Raises BadMember at the first that is none."""
    for each in listed:
        if isinstance(each, BadMember):
            raise each
        yield each


def read_lines(
    lines: Iterable[bytes], most_segments: int = MOST_SEGMENTS
) -> tuple[list[Segment], Iterator[Member | BadMember]]:
    """The segments a manifest lists, if it does, and its members; in place of one that cannot be, what is wrong.

    Raises BadManifest; the iterator too, where the list breaks off.
    """
    rest = iter(lines)
    said = _object(next(rest, b""))
    if said.get("gk") != 1 or said.get("type") != "manifest":
        raise BadManifest("the manifest does not begin as one of ours")
    expected = _number(said, "members")
    count = _number(said, "segments") if "segments" in said else 0
    if count > most_segments:
        raise BadManifest(f"the manifest announces {count} segments")
    segments = [_read_segment(_object(line)) for line in islice(rest, count)]
    if len(segments) != count:
        raise BadManifest(f"the manifest announces {count} segments and lists {len(segments)}")
    return segments, _read_members(rest, expected)


def _read_members(lines: Iterator[bytes], expected: int) -> Iterator[Member | BadMember]:
    count = 0
    for line in lines:
        yield _member_or_trouble(line)
        count += 1
    if count != expected:
        raise BadManifest(f"the manifest announces {expected} members and lists {count}")


def _member_or_trouble(line: bytes) -> Member | BadMember:
    path: bytes | None = None
    try:
        said = _object(line)
        path = _name(said, "path")
        return _read_member(said, path)
    except BadMember as error:
        return error
    except BadManifest as error:
        return BadMember(path or b"", f"cannot be read: {error}")


def _read_segment(said: dict[str, object]) -> Segment:
    try:
        codec, seal = Codec(str(said.get("codec"))), SealKind(str(said.get("seal")))
    except ValueError as error:
        raise BadManifest("a segment is stored in no way that is known") from error
    return Segment(
        _number(said, "offset"),
        _number(said, "length"),
        _number(said, "plain_length"),
        codec,
        seal,
        _digest(said, "sha256", 32),
    )


def _read_member(said: dict[str, object], path: bytes | None) -> Member:
    kind = KIND_WORDS.get(str(said.get("kind")))
    if kind is None or path is None:
        raise BadMember(path or b"", "has no path, or no kind that is known")
    mode = said.get("mode")
    if not isinstance(mode, str) or not 1 <= len(mode) <= 5 or set(mode) - set("01234567"):
        raise BadMember(path, "has a mode that is not octal")
    return Member(
        path=path,
        kind=kind,
        offset=_number(said, "offset"),
        size=_number(said, "size"),
        mtime_ns=_number(said, "mtime_ns", least=-(1 << 63)),
        mode=int(mode, 8) & 0o7777,
        md5=_digest(said, "md5", 16),
        tree_hash=_digest(said, "tree_hash", 32),
        sha256=_digest(said, "sha256", 32),
        target=_name(said, "target"),
        portion=_portion(said) if "set" in said else None,
    )


def _portion(said: dict[str, object]) -> Portion:
    token, last, index = said["set"], said.get("last"), _number(said, "index", least=1)
    if not isinstance(token, str) or not is_token(token) or not isinstance(last, bool):
        raise BadManifest("a volume does not say what set it is of")
    return Portion(token, index, _number(said, "piece_offset"), _whole(said.get("whole")) if last else None)


def _whole(said: object) -> Hashes:
    if not isinstance(said, dict):
        raise BadManifest("the last volume does not say what the whole file is")
    md5, tree_hash = _digest(said, "md5", 16), _digest(said, "tree_hash", 32)
    if md5 is None or tree_hash is None:
        raise BadManifest("the last volume lacks the whole file's hashes")
    return Hashes(_number(said, "size"), md5, tree_hash)


def _line(said: dict[str, object]) -> bytes:
    return json.dumps(said, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"


def _named(key: str, path: bytes) -> dict[str, object]:
    return {key: path.decode("utf-8")} if names.is_utf8(path) else {f"{key}_b64": names.to_b64(path)}


def _name(said: dict[str, object], key: str) -> bytes | None:
    text, exact = said.get(key), said.get(f"{key}_b64")
    try:
        if isinstance(exact, str):
            return names.from_b64(exact)
        return text.encode("utf-8") if isinstance(text, str) else None
    except ValueError as error:
        raise BadManifest(f"a member's {key} cannot be read") from error


def _object(line: bytes) -> dict[str, object]:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadManifest("a line is not JSON") from error
    if not isinstance(said, dict):
        raise BadManifest("a line is not a JSON object")
    return said


def _number(said: dict[str, object], key: str, least: int = 0) -> int:
    number = said.get(key)
    if type(number) is not int or not least <= number < 1 << 63:
        raise BadManifest(f"{key} is not a number of bytes or nanoseconds")
    return number


def _digest(said: dict[str, object], key: str, length: int) -> bytes | None:
    text = said.get(key)
    if text is None:
        return None
    try:
        digest = bytes.fromhex(str(text))
    except ValueError:
        digest = b""
    if len(digest) != length:
        raise BadManifest(f"{key} is not a hash")
    return digest
