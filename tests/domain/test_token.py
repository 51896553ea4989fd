"""Tokens and catalog ids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacierkeep.domain.token import ALPHABET, CATALOG_BYTES, TOKEN_BYTES, crockford, is_catalog_id, is_token


def test_the_alphabet_cannot_be_misread() -> None:
    """The 32 characters hold neither i, l, o nor u, and sort as their values do."""
    assert len(set(ALPHABET)) == 32
    assert not set(ALPHABET) & set("ilou")
    assert list(ALPHABET) == sorted(ALPHABET)


@given(st.binary(max_size=40))
def test_every_bit_is_kept(random: bytes) -> None:
    """Reading the characters as digits of base 32 gives the bytes back."""
    text = crockford(random)

    number = 0
    for character in text:
        number = number * 32 + ALPHABET.index(character)
    assert number.to_bytes(len(random)) == random
    assert len(text) == -(-len(random) * 8 // 5)


@pytest.mark.parametrize(
    ("random", "text"),
    [
        (b"\0" * TOKEN_BYTES, "0" * 26),
        (b"\xff" * TOKEN_BYTES, "7" + "z" * 25),
        (b"\0" * CATALOG_BYTES, "0" * 8),
        (b"\xff" * CATALOG_BYTES, "z" * 8),
    ],
)
def test_known_texts(random: bytes, text: str) -> None:
    """The lowest and the highest values are written in full length."""
    assert crockford(random) == text


@given(
    st.binary(min_size=TOKEN_BYTES, max_size=TOKEN_BYTES),
    st.binary(min_size=CATALOG_BYTES, max_size=CATALOG_BYTES),
)
def test_own_forms_are_known(token: bytes, catalog: bytes) -> None:
    """What is made of 16 bytes is a token, what is made of 5 a catalog id, and not the other way round."""
    assert is_token(crockford(token))
    assert is_catalog_id(crockford(catalog))
    assert not is_token(crockford(catalog))
    assert not is_catalog_id(crockford(token))


@pytest.mark.parametrize(
    "other", [None, 7, b"0" * 26, "", "0" * 25, "0" * 27, "0" * 25 + "u", "0" * 25 + "A", "0" * 26 + "\n"]
)
def test_other_things_are_no_tokens(other: object) -> None:
    """Only 26 characters of the alphabet are a token."""
    assert not is_token(other)
