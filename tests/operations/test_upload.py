"""gk upload, as an operation."""

from pathlib import Path

from support.world import World


def test_what_was_sent_is_not_sent_again(world: World, tmp_path: Path) -> None:
    """A second upload of an unchanged folder sends nothing."""
    root = tmp_path / "photos"
    root.mkdir()
    (root / "a.jpg").write_bytes(b"a" * 100)
    (root / "big.raw").write_bytes(b"b" * (3 << 20))

    first, second = world.upload(root), world.upload(root)

    assert (first.archives, first.files) == (2, 2)
    assert (second.archives, second.files, second.unchanged) == (0, 0, 2)
