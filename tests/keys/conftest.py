"""Keys that are costly to make, made once."""

from pathlib import Path

import pyrage
import pytest

from support.keys import KINDS, Pair, make_pair


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pair]:
    """A pair of each kind."""
    folder = tmp_path_factory.mktemp("pairs")
    return {kind: make_pair(folder, kind) for kind in KINDS}


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """An age identity in an armored file that the passphrase `open sesame` opens."""
    pair = make_pair(tmp_path_factory.mktemp("guarded"), "age")
    sealed = pyrage.passphrase.encrypt(pair.file.read_bytes(), "open sesame", armored=True)
    file = Path(pair.file.with_name("guarded.txt"))
    file.write_bytes(sealed)
    return Pair(file, pair.public)
