"""What is worth compressing, by name and by numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacierkeep.domain.compressible import LEAST_SAVED, LEAST_SHARE, is_compressed_already, is_worth_it

amounts = st.integers(0, 1 << 50)


@pytest.mark.parametrize(
    "name",
    [
        b"a.jpg", b"A.JPG", b"IMG_0001.HEIC", b"film.Mp4", b"x.mov", b"song.flac", b"b.mp3", b"b.opus", b"t.tar.gz",
        b"t.tgz", b"t.tar.zst", b"t.7z", b"x.zip", b"letter.docx", b"sheet.ods", b"book.epub", b"p.deb", b"p.whl",
        b"lib.jar", b"secret.age", b"m.gpg", b"font.woff2", b"f\xff.webp", b"photos/2019/a.jpeg", b"..zip", b"a b.png",
    ],
)  # fmt: skip
def test_compressed_already(name: bytes) -> None:
    """Media, archives, packages, modern documents and encrypted files are known by their extension, in either case."""
    assert is_compressed_already(name)


@pytest.mark.parametrize(
    "name",
    [
        b"", b"a", b"a.txt", b"jpg", b".jpg", b".zip", b"a.jpg.txt", b"photos.zip/notes", b"photos.zip/.gz", b"a.jpg.",
        b"a.wav", b"a.tif", b"a.bmp", b"a.tar", b"a.sql", b"a.py", b"a.svg", b"server.key", b"index.ts", b"module.mts",
        b"board.dts", b"a.pdf", b"a.dng", b"a.iso", b"go.mod", b"a.jp\xff", b"a.\xc4\xb0so", b"a. jpg",
    ],
)  # fmt: skip
def test_not_known(name: bytes) -> None:
    """What compresses, may compress or has no extension is left to be looked at."""
    assert not is_compressed_already(name)


@given(st.binary(max_size=30))
def test_any_name(name: bytes) -> None:
    """Any bytes are judged, alone as below a folder, in either case."""
    judged = is_compressed_already(name)
    assert judged == is_compressed_already(name.upper()) == is_compressed_already(name.lower())
    assert judged == is_compressed_already(b"folder.zip/" + name)


@pytest.mark.parametrize(
    ("plain", "compressed", "worth"),
    [
        (10 * LEAST_SAVED, 9 * LEAST_SAVED, True),
        (10 * LEAST_SAVED + 10, 9 * LEAST_SAVED + 10, False),
        (LEAST_SAVED, 0, True),
        (LEAST_SAVED - 1, 0, False),
        (2 * LEAST_SAVED, LEAST_SAVED, True),
        (2 * LEAST_SAVED, LEAST_SAVED + 1, False),
        (256 << 20, 230 << 20, True),
        (256 << 20, 231 << 20, False),
        (0, 0, False),
        (0, 13, False),
    ],
)
def test_worth_it(plain: int, compressed: int, worth: bool) -> None:
    """It is worth it from a tenth of the archive and from 64 KiB on, both."""
    assert is_worth_it(plain, compressed) is worth


@given(amounts, amounts)
def test_what_growing_means(plain: int, more: int) -> None:
    """What grows is never worth it; what is worth it still is when it becomes smaller."""
    assert not is_worth_it(plain, plain + more)
    if is_worth_it(plain, more):
        assert is_worth_it(plain, more // 2)
        assert (plain - more) / plain * 100 >= LEAST_SHARE - 1e-9
