"""Descriptions: what we write others can read, what we read is ours or nothing."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glacierkeep.domain import names, token
from glacierkeep.domain.description import ArchiveKind, Description, fits, read, write
from glacierkeep.domain.limits import MAX_DESCRIPTION

TOKEN = "0123456789abcdefghjkmnpqrs"
CATALOG = "zyxwvtsr"
FOREIGN = json.loads((Path(__file__).parent / "foreign_descriptions.json").read_text("utf-8"))

tokens = st.binary(min_size=16, max_size=16).map(token.crockford)
catalogs = st.binary(min_size=5, max_size=5).map(token.crockford)
paths = st.one_of(
    st.binary(min_size=1, max_size=80),
    st.text(min_size=1, max_size=40).map(lambda t: t.encode("utf-8", "replace")),
)
stamps = st.integers(-(1 << 63), (1 << 63) - 1)
modes = st.integers(0, 0o7777)
descriptions = st.one_of(
    st.builds(Description, st.just(ArchiveKind.FILE), tokens, catalogs, paths, stamps, modes),
    st.builds(Description, st.sampled_from(ArchiveKind), tokens, catalogs),
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)
ours = st.fixed_dictionaries(
    {"gk": st.sampled_from([1, 1.0, True, 2, "1"]), "t": tokens | values, "c": catalogs | values},
    optional={
        "k": st.sampled_from(ArchiveKind) | values,
        "Path": st.text(max_size=20) | values,
        "b": st.text("ABCabc-_=+/ ", max_size=9) | values,
        "n": stamps.map(str) | st.text(max_size=25) | values,
        "o": st.text("0123456789", max_size=6) | values,
    },
)


@given(descriptions)
def test_what_is_written_is_read(description: Description) -> None:
    """Every description comes back exactly, whatever the bytes of its path."""
    assert read(write(description)) == description


@given(descriptions)
@example(Description(ArchiveKind.FILE, TOKEN, CATALOG, b"tab\t del\x7f nul\0 end\n", 0, 0))
def test_the_service_takes_what_is_written(description: Description) -> None:
    """A description is one line of the bytes 0x20 to 0x7E and has no blank at either end."""
    line = write(description)

    assert all(0x20 <= ord(character) <= 0x7E for character in line)
    assert line == line.strip()


@given(descriptions)
def test_others_read_the_name(description: Description) -> None:
    """To any JSON reader `Path` is the path as plain text, and is there exactly if there is a path."""
    said = json.loads(write(description))

    assert said.get("Path") == (None if description.path is None else names.readable(description.path))


def test_the_documented_line() -> None:
    """A file archive's line is spelled as documented, to the byte."""
    description = Description(ArchiveKind.FILE, TOKEN, CATALOG, b"photos/a.jpg", 1562235072123456789, 0o644)

    assert write(description) == (
        '{"gk":1,"Path":"photos/a.jpg","UTCDateModified":"20190704T101112Z",'
        f'"t":"{TOKEN}","c":"{CATALOG}","k":"file","n":"1562235072123456789","o":"644"}}'
    )


@pytest.mark.parametrize("kind", [ArchiveKind.BUNDLE, ArchiveKind.SEALED, ArchiveKind.CATALOG])
def test_what_holds_many_names_tells_none(kind: ArchiveKind) -> None:
    """A bundle, a sealed archive and a catalog archive say what they are and whose, and nothing else."""
    said = json.loads(write(Description(kind, TOKEN, CATALOG)))

    assert said == {"gk": 1, "t": TOKEN, "c": CATALOG, "k": kind.value}


def test_length_is_judged_to_the_byte() -> None:
    """A line of 1,024 bytes fits, one more does not."""
    spare = MAX_DESCRIPTION - len(write(Description(ArchiveKind.FILE, TOKEN, CATALOG, b"", 0, 0o644)))

    assert fits(write(Description(ArchiveKind.FILE, TOKEN, CATALOG, b"a" * spare, 0, 0o644)))
    assert not fits(write(Description(ArchiveKind.FILE, TOKEN, CATALOG, b"a" * (spare + 1), 0, 0o644)))


@pytest.mark.parametrize("line", [case["description"] for case in FOREIGN])
def test_other_tools_descriptions_are_not_ours(line: str) -> None:
    """Whatever another tool wrote is not taken for one of our descriptions."""
    assert read(line) is None


@given(st.one_of(st.text(), values.map(json.dumps)))
@example("[" * 100_000)
@example("1" * 100_000)
@example('{"gk":' * 50_000)
@example("\ufeff{}")
def test_reading_is_total(line: str) -> None:
    """Any text at all, JSON or not, is read without failing and is nobody's."""
    assert read(line) is None


@given(ours.map(json.dumps))
def test_a_forged_description_is_judged_field_by_field(line: str) -> None:
    """What nearly looks like ours is refused whole, or read with only such fields as have their form."""
    description = read(line)

    if description is not None:
        assert token.is_token(description.token)
        assert token.is_catalog_id(description.catalog)
        assert description.path != b""
        assert description.mode is None or 0 <= description.mode <= 0o7777
        assert description.mtime_ns is None or -(1 << 63) <= description.mtime_ns < 1 << 63
        assert read(write(description)) == description


@pytest.mark.parametrize(
    "change",
    [
        {"gk": 2},
        {"gk": True},
        {"gk": "1"},
        {"t": TOKEN.upper()},
        {"t": TOKEN + "0"},
        {"t": TOKEN + "\n"},
        {"c": CATALOG[1:]},
        {"k": "folder"},
        {"k": None},
    ],
)
def test_one_wrong_field_makes_it_foreign(change: dict[str, object]) -> None:
    """A description of another version, or without its token, catalog or kind, is not ours."""
    said = json.loads(write(Description(ArchiveKind.BUNDLE, TOKEN, CATALOG)))

    assert read(json.dumps(said | change)) is None


def test_unknown_fields_are_left_to_later_versions() -> None:
    """A field that is not known yet does not make a description foreign."""
    description = Description(ArchiveKind.SEALED, TOKEN, CATALOG)
    said = json.loads(write(description))

    assert read(json.dumps(said | {"z": TOKEN, "y": 3})) == description
