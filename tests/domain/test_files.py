"""Kinds of paths."""

from glacierkeep.domain.files import KIND_WORDS, FileKind


def test_numbers_and_words_are_kept() -> None:
    """The stored numbers and the words in manifests are promises."""
    assert {kind.word: int(kind) for kind in FileKind} == {
        "file": 1,
        "folder": 2,
        "symlink": 3,
        "hardlink": 4,
    }
    assert all(KIND_WORDS[kind.word] is kind for kind in FileKind)
