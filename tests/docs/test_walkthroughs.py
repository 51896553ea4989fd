"""Pages that promise what happens are followed word by word."""

from collections.abc import Callable

import pytest

FAULTS_PAGE = "docs/how-to/order-faults.md"
UNFINISHED_PAGE = "docs/how-to/an-upload-was-broken-off.md"


@pytest.mark.parametrize(
    "page", ["README.md", "docs/tutorial/first-archive.md", FAULTS_PAGE, UNFINISHED_PAGE]
)
def test_what_is_shown_is_what_happens(play: Callable[[str], None], page: str) -> None:
    """Every command on the page can be typed in an empty folder, and answers as the page shows."""
    play(page)
