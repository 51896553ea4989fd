"""The three facts recorded of every content."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from glacierkeep.domain.hashes import ContentHasher, Hashes, hash_content
from glacierkeep.domain.treehash import tree_hash


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_pieces_and_whole_agree(pieces: list[bytes]) -> None:
    """Content fed in pieces has the size, MD5 and tree hash of the whole."""
    hasher, whole = ContentHasher(), b"".join(pieces)

    for piece in pieces:
        hasher.update(piece)

    expected = Hashes(len(whole), hashlib.md5(whole, usedforsecurity=False).digest(), tree_hash(whole))
    assert hasher.result() == hash_content(whole) == expected


def test_views_count_bytes() -> None:
    """A bytearray and a view of it are hashed like the bytes they hold."""
    data = bytearray(b"glacier" * 1000)

    assert hash_content(bytes(data)) == hash_content(memoryview(data)) == hash_content(data)
