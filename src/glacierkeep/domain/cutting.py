"""Where the plain content of an archive is cut into segments."""

from collections.abc import Iterator, Sequence

from glacierkeep.domain.parts import ByteRange


def cut(starts: Sequence[int], end: int, most: int) -> Iterator[ByteRange]:
    """Ranges of at most *most* bytes over members that begin at *starts*, which ascend from 0, and end at *end*.

    A range ends where a member does, so that what is brought for one member holds it alone or whole others; only a
    member longer than *most* has several ranges, which hold nothing else.
    """
    begun = 0
    for at, start in enumerate(starts):
        stop = starts[at + 1] if at + 1 < len(starts) else end
        if stop - begun <= most:
            continue
        if start > begun:
            yield ByteRange(begun, start)
        begun = start
        if stop - start > most:
            yield from pieces(ByteRange(start, stop), most)
            begun = stop
    if begun < end:
        yield ByteRange(begun, end)


def pieces(whole: ByteRange, most: int) -> Iterator[ByteRange]:
    """*whole* in consecutive ranges of *most* bytes, the last one what is left."""
    for at in range(whole.start, whole.stop, most):
        yield ByteRange(at, min(at + most, whole.stop))
