"""A terminal for what draws on it."""

from collections.abc import Callable

import pytest

from support.runner import at_terminal


@pytest.fixture
def gk_terminal() -> Callable[[Callable[[], None]], str]:
    """Calls a function at a pseudo terminal; what was shown there."""

    def call(body: Callable[[], None]) -> str:
        return at_terminal(lambda: body() or 0, b"").stdout

    return call
