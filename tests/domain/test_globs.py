"""Patterns for paths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacierkeep.domain.globs import is_glob, literal_folder, matcher


def plainly(pattern: bytes, path: bytes) -> bool:
    """The definition, without any cleverness: stars, question marks and plain bytes."""
    if not pattern:
        return not path
    if pattern.startswith(b"**"):
        rest = pattern.lstrip(b"*")
        return any(plainly(rest, path[at:]) for at in range(len(path) + 1))
    if pattern.startswith(b"*"):
        component = len(path.partition(b"/")[0])
        return any(plainly(pattern[1:], path[at:]) for at in range(component + 1))
    fits = path[:1] == pattern[:1] or (pattern[:1] == b"?" and path[:1] not in (b"", b"/"))
    return fits and plainly(pattern[1:], path[1:])


_PATTERNS = st.lists(st.sampled_from([b"a", b"b", b"/", b"*", b"**", b"?"]), max_size=9).map(b"".join)
_PATHS = st.lists(st.sampled_from([b"a", b"b", b"/", b"\n"]), max_size=10).map(b"".join)


@given(_PATTERNS, _PATHS)
def test_it_matches_what_the_definition_matches(pattern: bytes, path: bytes) -> None:
    """The quick expression and the plain definition agree on every pattern and path."""
    assert bool(matcher(pattern)(path)) == plainly(pattern, path)


@given(_PATTERNS, _PATHS)
def test_below_is_the_path_or_something_inside(pattern: bytes, path: bytes) -> None:
    """With *below*, a path fits if it or a folder above it fits."""
    above = [path[:at] for at in range(len(path)) if path[at : at + 1] == b"/"]
    expected = any(plainly(pattern, each) for each in [path, *above])
    assert bool(matcher(pattern, below=True)(path)) == expected


@pytest.mark.parametrize(
    ("pattern", "fits", "fails"),
    [
        (b"[abc]", b"b", b"d"),
        (b"[!abc]", b"d", b"b"),
        (b"[^abc]", b"d", b"a"),
        (b"a[!b]c", b"axc", b"a/c"),
        (b"[a-c]", b"b", b"-"),
        (b"[]]", b"]", b"["),
        (b"[[]", b"[", b"]"),
        (b"[\\]", b"\\", b"]"),
        (b"[a^]", b"^", b"!"),
        (b"[*]", b"*", b"x"),
        (b"[x", b"[x", b"x"),
        (b"a.b", b"a.b", b"axb"),
        (b"\xff*", b"\xff\xfe", b"\xfe"),
        (b"(a|b)", b"(a|b)", b"a"),
    ],
)
def test_brackets_and_plain_characters(pattern: bytes, fits: bytes, fails: bytes) -> None:
    """Brackets are one character and never a slash; nothing else has a meaning."""
    assert matcher(pattern)(fits)
    assert not matcher(pattern)(fails)


def test_a_bracket_that_makes_no_sense() -> None:
    """A range that runs backwards is refused."""
    with pytest.raises(ValueError, match="bracket"):
        matcher(b"[z-a]")


@pytest.mark.parametrize("unit", [b"*a", b"**a", b"**/", b"*", b"**a*", b"?*", b"[!x]*"])
def test_no_pattern_hangs(unit: bytes) -> None:
    """Many stars and a long path that nearly fits take no time."""
    for path in (b"a" * 250 + b"!", b"a/" * 120 + b"!"):
        matcher(unit * 20 + b"b")(path)
        matcher(unit * 20 + b"b", below=True)(path)


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_any_pattern_is_a_matcher_or_refused(pattern: bytes, path: bytes) -> None:
    """Whatever is typed is understood or refused; nothing else is raised."""
    try:
        matcher(pattern)(path)
    except ValueError:
        return


def test_where_matching_begins() -> None:
    """The folders before the first wildcard need not be searched."""
    assert literal_folder(b"2019/summer/*.jpg") == b"2019/summer"
    assert literal_folder(b"20*/summer/a") == b""
    assert literal_folder(b"a.jpg") == b""
    assert is_glob(b"a[b")
    assert not is_glob(b"a]b")
