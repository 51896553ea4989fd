"""The manifest and the end member: read back as written, and refused when they are not."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glacierkeep.domain.files import FileKind
from glacierkeep.domain.manifest import (
    END_LENGTH,
    LONGEST_LINE,
    BadManifest,
    End,
    Member,
    end_content,
    first_line,
    member_line,
    read_end,
    read_members,
)

LARGEST = (1 << 63) - 1

paths = st.one_of(
    st.binary(max_size=60),
    st.text(max_size=30).map(lambda text: text.encode("utf-8", "replace")),
)
numbers = st.integers(0, LARGEST)
members = st.builds(
    Member,
    path=paths,
    kind=st.sampled_from(FileKind),
    offset=numbers,
    size=numbers,
    mtime_ns=st.integers(-(1 << 63), LARGEST),
    mode=st.integers(0, 0o7777),
    md5=st.none() | st.binary(min_size=16, max_size=16),
    tree_hash=st.none() | st.binary(min_size=32, max_size=32),
    sha256=st.none() | st.binary(min_size=32, max_size=32),
    target=st.none() | paths,
)
ends = st.builds(End, numbers, numbers, st.binary(min_size=32, max_size=32))
MEMBER = Member(b"photos/a.jpg", FileKind.FILE, 512, 3, 1562235072123456789, 0o644, bytes(16), bytes(32))


def listing(*lines: bytes) -> list[bytes]:
    """A manifest that announces as many members as it has lines."""
    return [first_line(len(lines)), *lines]


def changed(**fields: object) -> bytes:
    """The line of an ordinary member with some of its fields replaced; None removes one."""
    said = json.loads(member_line(MEMBER)) | fields
    return json.dumps({key: value for key, value in said.items() if value is not None}).encode()


@given(st.lists(members, max_size=5))
def test_members_come_back(written: list[Member]) -> None:
    """Every member is read as it was written, whatever the bytes of its names."""
    assert list(read_members(listing(*map(member_line, written)))) == written


@given(members)
def test_a_member_is_a_line(member: Member) -> None:
    """A member takes exactly one line of printable ASCII."""
    line = member_line(member)

    assert line.endswith(b"\n")
    assert all(0x20 <= byte <= 0x7F for byte in line[:-1])


def test_the_documented_line() -> None:
    """The manifest's lines are spelled as documented, to the byte."""
    assert first_line(1) == b'{"gk":1,"type":"manifest","members":1}\n'
    assert member_line(MEMBER) == (
        b'{"path":"photos/a.jpg","offset":512,"size":3,"md5":"' + b"00" * 16 + b'","tree_hash":"' + b"00" * 32
        + b'","mtime_ns":1562235072123456789,"mode":"644","kind":"file"}\n'
    )  # fmt: skip


@pytest.mark.parametrize("name", [b"\x01" * 4096, b"\xff" * 4096])
def test_the_longest_paths_stay_below_the_longest_line(name: bytes) -> None:
    """Two paths of 4,096 bytes in their longest spelling make a line that readers accept."""
    member = Member(name, FileKind.SYMLINK, LARGEST, 0, -LARGEST, 0o7777, target=name)

    assert len(member_line(member)) <= LONGEST_LINE


@given(ends)
@example(End(LARGEST, LARGEST, b"\xff" * 32))
def test_the_end_is_512_bytes(end: End) -> None:
    """The end member is exactly 512 bytes, whatever its numbers."""
    assert len(end_content(end)) == END_LENGTH


@given(ends)
def test_the_end_comes_back(end: End) -> None:
    """The end is read as written if the archive is long enough, and refused if it is one byte too short."""
    size = end.offset + end.length

    assert read_end(end_content(end), size) == end
    if size:
        with pytest.raises(BadManifest, match="outside"):
            read_end(end_content(end), size - 1)


@given(st.binary(max_size=600))
@example(b"[" * 100_000)
@example(b'{"gk":1}')
@example(b"null")
@example(b"\xff\xfe{\x00}\x00")
@example(b'{"gk":1,"type":"end","offset":-1,"length":0,"sha256":"' + b"00" * 32 + b'"}')
@example(b'{"gk":1,"type":"end","offset":0,"length":0,"sha256":""}')
@example(b'{"gk":1,"type":"end","offset":0,"length":0}')
@example(b'{"gk":1,"type":"end","offset":0,"length":1e400,"sha256":"' + b"00" * 32 + b'"}')
def test_hostile_ends_are_refused(content: bytes) -> None:
    """Whatever is no end of ours is refused as a bad manifest and in no other way."""
    with pytest.raises(BadManifest):
        read_end(content, LARGEST)


@given(st.binary(max_size=200))
@example(b"{" * 100_000)
@example(b"[]")
@example(b"{}")
@example(b'"' + b"\\ud800" * 10 + b'"')
@example(changed(path="\ud800"))
@example(changed(path=None))
@example(changed(path=None, path_b64="!"))
@example(changed(path=7))
@example(changed(kind="socket"))
@example(changed(kind=None))
@example(changed(size=-1))
@example(changed(size=1 << 63))
@example(changed(size=1.0))
@example(changed(size=True))
@example(changed(offset="0"))
@example(changed(mtime_ns=-(1 << 63) - 1))
@example(changed(mode="999"))
@example(changed(mode=420))
@example(changed(mode=""))
@example(changed(mode="777777"))
@example(changed(md5="00"))
@example(changed(tree_hash="zz" * 32))
@example(changed(sha256=[0] * 32))
@example(changed(target="\udfff"))
def test_hostile_lines_are_refused(line: bytes) -> None:
    """Whatever is no member line of ours is refused as a bad manifest and in no other way."""
    with pytest.raises(BadManifest):
        list(read_members(listing(line)))


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"\n",
        b"[]",
        b"{}",
        b'{"gk":2,"type":"manifest","members":0}',
        b'{"gk":1,"type":"end","members":0}',
    ],
)
def test_a_strange_first_line_is_refused(first: bytes) -> None:
    """A manifest that does not begin as one of ours is refused before a member is read."""
    with pytest.raises(BadManifest):
        list(read_members([first, member_line(MEMBER)]))


def test_an_empty_manifest_is_refused() -> None:
    """A manifest without any line is no manifest."""
    with pytest.raises(BadManifest):
        list(read_members([]))


@pytest.mark.parametrize("announced", [0, 1, 3])
def test_the_count_must_agree(announced: int) -> None:
    """A manifest with more or fewer members than announced is refused at its end."""
    with pytest.raises(BadManifest, match=f"announces {announced} members and lists 2"):
        list(read_members([first_line(announced), member_line(MEMBER), member_line(MEMBER)]))


def test_permissions_are_cut_to_permissions() -> None:
    """Bits above set-uid, set-gid and sticky are dropped when a mode is read."""
    (member,) = read_members(listing(changed(mode="77644")))

    assert member.mode == 0o7644
