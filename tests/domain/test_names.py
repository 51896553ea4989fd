"""Names are bytes: shown safely, encoded exactly, followed only where they stay inside."""

import posixpath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glacierkeep.domain import names

paths = st.one_of(
    st.binary(max_size=60),
    st.text(max_size=30).map(lambda text: text.encode("utf-8", "replace")),
    st.lists(st.sampled_from([b"", b".", b"..", b"...", b"a", b"\0", b"-"]), max_size=5).map(b"/".join),
)


@given(paths)
@example(b"\x1b[2J\x9b")
@example("a\u202etxt.exe\u2028\u00ad".encode())
@example(b"line\nbreak\ttab\\n")
def test_a_printed_name_is_one_harmless_line(path: bytes) -> None:
    """A name on a terminal is one line without control, format or stray characters."""
    shown = names.printable(path)

    assert shown.isprintable()
    assert len(shown.splitlines()) <= 1


@given(st.text("abcÅß漢😀 -_.[]/", max_size=30))
def test_ordinary_names_are_printed_as_they_are(text: str) -> None:
    """A name of printable characters without backslashes is shown unchanged."""
    assert names.printable(text.encode()) == text


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (b"a\nb", "a\\nb"),
        (b"a\\nb", "a\\\\nb"),
        (b"\xff", "\\xff"),
        (b"\x1b", "\\x1b"),
        ("\u202e".encode(), "\\u{202e}"),
        ("\U000e0001".encode(), "\\u{e0001}"),
    ],
)
def test_how_strange_characters_are_shown(path: bytes, shown: str) -> None:
    """Line breaks, backslashes, stray bytes, controls and formats each have their escape."""
    assert names.printable(path) == shown


@given(paths)
def test_readable_text_is_exact_for_utf8(path: bytes) -> None:
    """The readable text is the name itself exactly when the name is UTF-8, and always valid text."""
    text = names.readable(path)

    assert names.is_utf8(path) == (text.encode("utf-8") == path)


@given(paths)
def test_base64_comes_back(path: bytes) -> None:
    """Base64url without padding gives the same bytes back, and so does padded base64url."""
    text = names.to_b64(path)

    assert "=" not in text
    assert names.from_b64(text) == path
    assert names.from_b64(text + "=" * (-len(text) % 4)) == path


@pytest.mark.parametrize("text", ["A", "A===", "AA\n", "A A=", "ÄÄ", "=", "====", "A=A="])
def test_what_is_not_base64_is_refused(text: str) -> None:
    """Anything but base64url is a ValueError."""
    with pytest.raises(ValueError, match=r"base64|ASCII"):
        names.from_b64(text)


@given(paths)
def test_a_path_without_trouble_stays_inside(path: bytes) -> None:
    """A path is free of trouble exactly if it is normal, relative, below the folder and free of NUL."""
    normal = bool(path) and posixpath.normpath(path) == path and not path.startswith(b"/")
    inside = path != b"." and path.split(b"/")[0] != b".."

    assert (names.trouble_with(path) is None) == (normal and inside and b"\0" not in path)


@pytest.mark.parametrize(
    "path",
    [
        b"",
        b"/",
        b"/etc",
        b"a/",
        b"a//b",
        b"..",
        b"a/..",
        b"../a",
        b"a/../../b",
        b".",
        b"./a",
        b"a/.",
        b"a\0b",
    ],
)
def test_trouble_is_named(path: bytes) -> None:
    """Each way to leave the folder, or to write one path in two ways, is told in words."""
    assert names.trouble_with(path)


@pytest.mark.parametrize("path", [b"a", b"...", b"-rf", b"a b/c\nd", b"\xff/\xfe", b".hidden/..."])
def test_strange_but_honest_paths_pass(path: bytes) -> None:
    """Dots, dashes, blanks, line breaks and stray bytes in names are no trouble."""
    assert names.trouble_with(path) is None


@given(
    st.lists(st.binary(min_size=1, max_size=8).filter(lambda name: b"/" not in name), min_size=1, max_size=5)
)
def test_paths_are_taken_apart_as_joined(components: list[bytes]) -> None:
    """Joining a path's parent and name gives the path, and joining skips what is empty."""
    path = names.join(*components)

    assert names.join(names.parent_of(path), names.name_of(path)) == path
    assert names.name_of(path) == components[-1]
    assert names.join(b"", path, b"") == path
