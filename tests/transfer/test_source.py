"""Files that are sent: read by place, and caught when they change."""

import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacierkeep.domain.parts import ByteRange
from glacierkeep.errors import Exit, SourceChanged
from glacierkeep.transfer.source import FileSource, SourceUnreadable, StagedSource
from transfer.ordered import MIB, pattern

CONTENT = pattern(3 * MIB + 17)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    return path


def source_of(path, **other):
    seen = path.stat()
    told = {"size": seen.st_size, "mtime_ns": seen.st_mtime_ns, "inode": seen.st_ino, "name": path.name}
    return FileSource(lambda: os.open(path, os.O_RDONLY), **{**told, **other})


def test_ranges_are_read_exactly(path):
    """Any range, in any order, as bytes or as a file of its own."""
    with source_of(path) as source:
        for wanted in (ByteRange(MIB, 2 * MIB), ByteRange(0, 10), ByteRange(3 * MIB, len(CONTENT))):
            assert source.read_part(wanted) == CONTENT[wanted.start : wanted.stop]
            with source.open_part(wanted) as part:
                assert part.read() == CONTENT[wanted.start : wanted.stop]
        source.check()


@given(
    st.integers(0, 3 * MIB),
    st.integers(0, MIB),
    st.lists(st.tuples(st.integers(0, MIB), st.integers(0, 70_000)), max_size=5),
)
def test_a_part_is_a_file_of_its_own(tmp_path_factory, start, length, moves):
    """Seeking and reading in an opened part do what they do in a file with the same bytes."""
    content = CONTENT[start : start + length]
    path = tmp_path_factory.getbasetemp() / "shared"
    if not path.exists():
        path.write_bytes(CONTENT)
    with StagedSource(path) as source, source.open_part(ByteRange(start, start + len(content))) as part:
        assert part.seek(0, os.SEEK_END) == len(content)
        for place, size in moves:
            part.seek(place)
            assert part.read(size) == content[place : place + size]
            assert part.tell() == min(place + size, max(len(content), place))


def test_a_descriptor_is_closed_in_the_end(path):
    """Leaving closes what the opener opened, after an error too."""
    opened = []

    def opener():
        opened.append(os.open(path, os.O_RDONLY))
        return opened[-1]

    seen = path.stat()
    told = {"size": seen.st_size, "mtime_ns": None, "inode": None, "name": "file"}
    with FileSource(opener, **told) as source:
        source.read_part(ByteRange(0, 1))
    with pytest.raises(SourceChanged), FileSource(opener, **{**told, "size": 1}):
        raise AssertionError("it has another size")
    for fd in opened:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(fd)


@pytest.mark.parametrize("other", [{"size": 5}, {"mtime_ns": 5}, {"inode": 5}])
def test_a_file_that_is_not_what_was_seen(path, other):
    """Another size, time or inode than a scan saw is a change, before anything is read."""
    with pytest.raises(SourceChanged) as caught, source_of(path, **other):
        raise AssertionError("it is another file")
    assert caught.value.exit is Exit.PARTLY


def test_what_need_not_agree_is_not_compared(path):
    """A source whose time and inode nobody saw has any."""
    with source_of(path, mtime_ns=None, inode=None) as source:
        source.check()


def test_a_file_that_shrinks(path):
    """A range beyond the new end is a change, never fewer bytes."""
    with source_of(path) as source:
        os.truncate(path, MIB)
        assert len(source.read_part(ByteRange(0, MIB))) == MIB
        with pytest.raises(SourceChanged, match="1048576 of"):
            source.read_part(ByteRange(0, 2 * MIB))
        with pytest.raises(SourceChanged), source.open_part(ByteRange(MIB, 2 * MIB)) as part:
            part.read()


def test_a_file_that_grows(path):
    """More bytes than were seen are a change."""
    with source_of(path) as source:
        with path.open("ab") as file:
            file.write(b"more")
        with pytest.raises(SourceChanged, match="size"):
            source.check()


def test_a_file_that_is_rewritten(path):
    """The same size with another time is a change."""
    with source_of(path) as source:
        os.utime(path, ns=(1, 1))
        with pytest.raises(SourceChanged):
            source.check()


def test_a_file_that_is_gone(tmp_path):
    """A file that vanished between the scan and the sending is told as that."""
    told = {"size": 1, "mtime_ns": None, "inode": None, "name": "gone"}
    with pytest.raises(SourceChanged, match="gone is no longer there"):
        FileSource(lambda: os.open(tmp_path / "gone", os.O_RDONLY), **told).__enter__()
    with pytest.raises(SourceChanged):
        StagedSource(tmp_path / "gone")


def test_a_file_that_cannot_be_read(path):
    """A refusal of the system is not a change: it has its own word."""

    def refuse():
        raise PermissionError(13, "Permission denied")

    told = {"size": 1, "mtime_ns": None, "inode": None, "name": "secret"}
    with pytest.raises(SourceUnreadable, match="secret cannot be read: Permission denied") as caught:
        FileSource(refuse, **told).__enter__()
    assert (caught.value.code, caught.value.exit) == ("unreadable", Exit.PARTLY)


def test_a_path_that_became_something_else(tmp_path):
    """Folders, pipes and symlinks put in a file's place are not read."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    told = {"size": 0, "mtime_ns": None, "inode": None, "name": "pipe"}
    with pytest.raises(SourceChanged, match="regular"):
        FileSource(lambda: os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), **told).__enter__()
    (tmp_path / "link").symlink_to(pipe)
    with pytest.raises(SourceChanged):
        StagedSource(tmp_path / "link").__enter__()
    assert stat.S_ISFIFO(pipe.stat().st_mode)
