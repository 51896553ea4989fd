"""Opening segments whose records say what cannot be."""

import pytest

from glacierkeep.bundle.opening import Opening, no_identity
from glacierkeep.domain.segments import Segment
from glacierkeep.errors import SegmentDamaged


def test_a_plain_segment_gives_no_more_than_is_stored() -> None:
    """Records that promise more bytes of a plain segment than it has are damage, and not read piece by piece."""
    opening = Opening(lambda at, length: bytes(length), 0, no_identity, "it")
    with pytest.raises(SegmentDamaged, match="shorter"):
        next(opening.part(Segment(0, 10, 1 << 53), 0, 1 << 53))
