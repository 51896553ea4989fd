"""Tar headers: POSIX ustar blocks, and pax records for what does not fit into them. Nothing depends on a clock."""

from dataclasses import dataclass

from glacierkeep.domain import names

BLOCK = 512
FILE, HARDLINK, SYMLINK, FOLDER, PAX = b"0", b"1", b"2", b"5", b"x"
"""Type flags."""

_NAME_LENGTH = 100
_USTAR = b"ustar\x0000"
_MOST_SHORT = 8**7 - 1
_MOST_LONG = 8**11 - 1
_BILLION = 1_000_000_000


@dataclass(frozen=True, slots=True)
class TarMember:
    """What a tar says of one member. *name* of a folder ends with a slash; *size* in bytes; *xattrs* are extended
    attributes, names and values."""

    name: bytes
    flag: bytes
    size: int = 0
    mtime_ns: int = 0
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    link: bytes = b""
    xattrs: tuple[tuple[bytes, bytes], ...] = ()


def header(member: TarMember) -> bytes:
    """The blocks that come before the content of *member*: the same for the same member, anywhere."""
    records = _pax_records(member)
    if not records:
        return _block(member)
    extended = TarMember(b"././@PaxHeader", PAX, size=len(records))
    return _block(extended) + records + padding(len(records)) + _block(member)


def padding(size: int) -> bytes:
    """The zeros that fill the last block of *size* bytes of content."""
    return bytes(-size % BLOCK)


def is_header_of(block: bytes, name: bytes, size: int) -> bool:
    """Whether *block* is the header of a plain file *name* of *size* bytes, as we write it."""
    return block == _block(TarMember(name, FILE, size))


def _block(member: TarMember) -> bytes:
    seconds = member.mtime_ns // _BILLION
    fields = [
        _short(member.name, keep_slash=member.flag == FOLDER).ljust(_NAME_LENGTH, b"\0"),
        _octal(member.mode & 0o7777, 7),
        _octal(member.uid if member.uid <= _MOST_SHORT else 0, 7),
        _octal(member.gid if member.gid <= _MOST_SHORT else 0, 7),
        _octal(member.size if member.size <= _MOST_LONG else 0, 11),
        _octal(seconds if 0 <= seconds <= _MOST_LONG else 0, 11),
        b" " * 8,
        member.flag,
        _short(member.link, keep_slash=True).ljust(_NAME_LENGTH, b"\0"),
        _USTAR,
        bytes(64),
        _octal(0, 7),
        _octal(0, 7),
        bytes(155 + 12),
    ]
    block = b"".join(fields)
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def _octal(number: int, digits: int) -> bytes:
    return b"%0*o\0" % (digits, number)


def _short(name: bytes, *, keep_slash: bool) -> bytes:
    """*name*, or for a pax record to overrule, what is like it and fits."""
    if _fits(name):
        return name
    ascii_only = name.decode("ascii", "replace").replace("\ufffd", "_").encode("ascii")[:_NAME_LENGTH]
    # Old readers take a file whose name ends in a slash for a folder.
    return ascii_only if keep_slash else ascii_only.rstrip(b"/")


def _fits(name: bytes) -> bool:
    return len(name) <= _NAME_LENGTH and name.isascii()


def _pax_records(member: TarMember) -> bytes:
    said: list[tuple[bytes, bytes]] = []
    if not _fits(member.name):
        said.append((b"path", member.name))
    if not _fits(member.link):
        said.append((b"linkpath", member.link))
    if not all(names.is_utf8(value) for _, value in said):
        said.insert(0, (b"hdrcharset", b"BINARY"))
    if member.size > _MOST_LONG:
        said.append((b"size", b"%d" % member.size))
    for key, number in ((b"uid", member.uid), (b"gid", member.gid)):
        if number > _MOST_SHORT:
            said.append((key, b"%d" % number))
    if member.mtime_ns % _BILLION or not 0 <= member.mtime_ns // _BILLION <= _MOST_LONG:
        said.append((b"mtime", _decimal_seconds(member.mtime_ns)))
    said += [(b"SCHILY.xattr." + name, value) for name, value in member.xattrs]
    return b"".join(_record(key, value) for key, value in said)


def _decimal_seconds(nanoseconds: int) -> bytes:
    seconds, rest = divmod(abs(nanoseconds), _BILLION)
    sign = b"-" if nanoseconds < 0 else b""
    return (sign + b"%d.%09d" % (seconds, rest)).rstrip(b"0").rstrip(b".")


def _record(key: bytes, value: bytes) -> bytes:
    """`LENGTH KEY=VALUE` and a newline, LENGTH counting itself."""
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    length = rest + len(str(length))
    return b"%d %s=%s\n" % (length, key, value)
