"""A job's output over a real connection, whole and broken."""

from contextlib import suppress
from io import BytesIO

import pytest

from glacierkeep.domain.parts import ByteRange
from glacierkeep.errors import ServiceError, ServiceUnreachable
from glacierkeep.stores.glacier.output import opened_output

HASH = "9bc1b2a288b26af7257a36277ae3816a7d4f16e89c1e7e77d0a5c48bad62b360"


def read_all(output):
    return b"".join(iter(lambda: output.read(3), b""))


def test_a_whole_output(script):
    """An answer of 200 begins at byte 0, and its tree hash is told."""
    script.say(200, b"0123456789", headers={"x-amz-sha256-tree-hash": HASH})
    with script.open_store().open_output("J") as output:
        assert (output.start, output.stop, output.tree_hash) == (0, 10, bytes.fromhex(HASH))
        assert read_all(output) == b"0123456789"
    assert "Range" not in script.asked[0][2]


def test_a_range(script):
    """A range is asked for in the service's spelling, and its place is told."""
    script.say(206, b"3456", headers={"Content-Range": "bytes 3-6/10"})
    with script.open_store().open_output("J", ByteRange(3, 7)) as output:
        assert (output.start, output.stop, output.tree_hash) == (3, 7, None)
        assert read_all(output) == b"3456"
    assert script.asked[0][2]["Range"] == "bytes=3-6"


def test_a_range_that_is_ignored(script):
    """A service that sends everything is seen to."""
    script.say(200, b"0123456789")
    with script.open_store().open_output("J", ByteRange(3, 7)) as output:
        assert (output.start, output.stop) == (0, 10)


def test_a_range_without_its_place(script):
    """A 206 that does not say what it is, is what was asked for; its length is still checked."""
    script.say(206, b"345", headers={})
    with script.open_store().open_output("J", ByteRange(3, 7)) as output:
        assert (output.start, output.stop) == (3, 7)
        with pytest.raises(ServiceUnreachable):
            read_all(output)


def test_an_answer_that_breaks_off(script):
    """Bytes that were announced and did not come are never taken for the end."""
    script.say(200, b"01234", announced=10)
    with script.open_store().open_output("J") as output, pytest.raises(ServiceUnreachable):
        read_all(output)


def test_an_answer_longer_than_its_range(script):
    """More bytes than announced are not believed."""
    script.say(206, b"0123456789", headers={"Content-Range": "bytes 3-6/10"})
    with script.open_store().open_output("J", ByteRange(3, 7)) as output, pytest.raises(ServiceError):
        read_all(output)


@pytest.mark.parametrize("place", ["bytes 6-3/10", "3-6", "bytes */10"])
def test_a_place_that_makes_no_sense(script, place):
    """A Content-Range that cannot be read is refused, and the connection closed."""
    script.say(206, b"0123", headers={"Content-Range": place})
    with pytest.raises(ServiceError), script.open_store().open_output("J", ByteRange(3, 7)):
        raise AssertionError("nothing can be read")


@pytest.mark.parametrize("told", [{"status": 200}, {"status": 206, "contentRange": "nonsense"}])
def test_the_connection_is_let_go(told):
    """Whatever happens to the reader or the answer, the stream is closed."""
    stream = BytesIO(b"0123456789")
    with suppress(ServiceError), opened_output({"body": stream, **told}, None) as output:
        assert output.read(1) == b"0"
    assert stream.closed


def test_an_output_left_early(script):
    """Leaving before the end closes the connection, and an error inside comes out as it is."""
    script.say(200, b"0123456789")
    with pytest.raises(KeyError), script.open_store().open_output("J") as output:
        raise KeyError(output.read(1))
