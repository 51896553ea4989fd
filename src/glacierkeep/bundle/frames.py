"""Zstandard frames, each opened alone. The one place that knows of zstd.

A frame of ours says in its header how many bytes it holds (RFC 8878, Frame_Content_Size) and ends with a checksum
of them. `zstd -d` opens one, or many of them one after the other.
"""

import sys
from io import BytesIO
from types import ModuleType

from glacierkeep.domain.limits import MIB

LEVELS = range(1, 20)
"""Levels of compression; the faintest first."""

WINDOW_LOG = 23
"""A frame has 8 MiB to look back at, at most: RFC 8878 asks no more of who opens it, and ours need no more."""

_MAGIC = b"\x28\xb5\x2f\xfd"
_PIECE = MIB


class BadFrame(ValueError):
    """A frame, or a table of frames, is damaged, incomplete or not what it should be."""


def compress(plain: bytes | memoryview, level: int) -> bytes:
    """*plain* as one frame; *level* is one of LEVELS, others raise ValueError."""
    if level not in LEVELS:
        raise ValueError(f"{level} is no level of compression: {LEVELS[0]} to {LEVELS[-1]}")
    return _frame(plain, level)


def store(plain: bytes | memoryview) -> bytes:
    """*plain* as one frame at the least cost, for what does not compress: at most some bytes in 100,000 longer."""
    return _frame(plain, int(_zstd().CompressionParameter.compression_level.bounds()[0]))


def decompress(frame: bytes, plain_length: int) -> bytes:
    """The *plain_length* bytes that *frame* holds, which is one frame and nothing else.

    Memory: the result, once more its length but at most 8 MiB, and 4 MiB, whatever the frame says of itself. That
    *plain_length* is no more than can be is for the caller to know. Raises BadFrame.
    """
    zstd = _zstd()
    try:
        _check(frame, plain_length)
        return _opened(frame, plain_length)
    except zstd.ZstdError as error:
        raise BadFrame(f"a zstd frame cannot be opened: {error}") from error


def declared_length(frame: bytes, most: int) -> int:
    """How many bytes *frame* says that it holds. Raises BadFrame if it does not say, or says more than *most*."""
    try:
        length = _zstd().get_frame_info(frame).decompressed_size
    except _zstd().ZstdError as error:
        raise BadFrame(f"a zstd frame cannot be opened: {error}") from error
    if length is None or length > most:
        raise BadFrame(f"a zstd frame holds {length} bytes, {most} at most are wanted")
    return int(length)


def _frame(plain: bytes | memoryview, level: int) -> bytes:
    parameter = _zstd().CompressionParameter
    options = {parameter.compression_level: level, parameter.checksum_flag: 1, parameter.content_size_flag: 1}
    compressor = _zstd().ZstdCompressor(options=options)
    frame: bytes = compressor.compress(plain, compressor.FLUSH_FRAME)
    return frame


def _check(frame: bytes, plain_length: int) -> None:
    """All that can be known before anything is opened. Raises BadFrame and ZstdError."""
    if frame[: len(_MAGIC)] != _MAGIC:
        raise BadFrame("this is no zstd frame")
    said = _zstd().get_frame_info(frame)
    if said.dictionary_id:
        raise BadFrame("a zstd frame needs a dictionary")
    if said.decompressed_size != plain_length:
        raise BadFrame(f"a zstd frame holds {said.decompressed_size} bytes instead of {plain_length}")
    if _zstd().get_frame_size(frame) != len(frame):
        raise BadFrame("bytes follow a zstd frame")


def _opened(frame: bytes, plain_length: int) -> bytes:
    zstd, plain = _zstd(), BytesIO()
    opener = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: WINDOW_LOG})
    rest = frame
    while not opener.eof:
        # One byte more than there should be shows that there are more.
        piece = opener.decompress(rest, max_length=min(_PIECE, plain_length - plain.tell() + 1))
        rest = b""
        plain.write(piece)
        if plain.tell() > plain_length or not (piece or opener.eof):
            break
    if not opener.eof or plain.tell() != plain_length:
        raise BadFrame("a zstd frame holds more or less than it should")
    return plain.getvalue()


def _zstd() -> ModuleType:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd
