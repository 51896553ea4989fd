import os
from pathlib import Path

from glacierkeep.transfer.caching import done_with, will_read_on


def test_advice_changes_no_byte(tmp_path: Path) -> None:
    """A file that is done with is read again as it was, bytes that are not on the disk yet included."""
    content = os.urandom(3 * 1024 * 1024)
    with (tmp_path / "file").open("w+b") as file:
        file.write(content)
        file.flush()
        will_read_on(file.fileno())
        done_with(file.fileno(), 4096, 1024 * 1024)
        done_with(file.fileno(), 0, 0)
        assert os.pread(file.fileno(), len(content), 0) == content


def test_advice_never_fails() -> None:
    """What cannot be advised, a pipe or a descriptor that is closed, is left as it is."""
    reading, writing = os.pipe()
    for fd in (reading, writing, -1):
        will_read_on(fd)
        done_with(fd, 0, 1)
    os.close(reading)
    os.close(writing)
