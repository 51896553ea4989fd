"""What can be a label."""

import pytest

from glacierkeep.domain.labels import is_claimable, trouble_with_label
from glacierkeep.domain.records import Root


@pytest.mark.parametrize("label", ["photos", "photos@host", "a b", "é", "n" * 255])
def test_labels(label: str) -> None:
    """Ordinary names are labels."""
    assert trouble_with_label(label) is None


@pytest.mark.parametrize(
    "label", ["", ".", "..", ".x", "a/b", "/", "a\0", "\x1b", "a\n", "n" * 256, "\udcff"]
)
def test_what_is_none(label: str) -> None:
    """A label is one printable component of a path that does not begin with a dot."""
    assert trouble_with_label(label)


def test_which_roots_may_be_claimed() -> None:
    """Only what adoption made waits for its folder, and what has no name waits for none."""
    assert is_claimable(Root(1, "photos", "", b"photos"))
    assert not is_claimable(Root(1, "found", "", b"found"))
    assert not is_claimable(Root(1, "photos", "host", b"/photos"))
