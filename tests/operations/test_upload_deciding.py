"""What gk upload decides to send: what is new, what is the same, what only looks so."""

import os
from pathlib import Path

import pytest

from glacierkeep.bundle.rules import Rules
from glacierkeep.catalog.batches import PAGE
from glacierkeep.domain.limits import MIB
from glacierkeep.errors import Exit
from glacierkeep.operations.preview import preview
from glacierkeep.operations.scan import Looking
from support.compare import differences
from support.world import HOST, PLAIN, SMALL, World


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Small files for several bundles, two big ones, a folder and a link."""
    root = tmp_path / "root"
    (root / "folder" / "empty").mkdir(parents=True)
    for number in range(30):
        (root / f"s{number:02}").write_bytes(b"%06d" % number * 25_000)
    (root / "big").write_bytes(b"b" * (2 * MIB + 1))
    (root / "folder" / "big").write_bytes(b"B" * (5 * MIB))
    (root / "link").symlink_to("big")
    return root


@pytest.mark.parametrize("again", [False, True], ids=["first", "second"])
def test_what_a_dry_run_foretells_is_done(world: World, root: Path, again: bool) -> None:
    """A preview says how many files, archives and requests it will be, and the upload does just that."""
    if again:
        world.upload(root)
        (root / "s01").write_bytes(b"changed")
        (root / "s02").unlink()
        (root / "folder" / "another").write_bytes(b"B" * (5 * MIB))

    foretold = preview(
        bytes(root),
        world.vault,
        catalog=world.catalog,
        staging=world.staging,
        host=HOST,
        looking=Looking(Rules()),
        sizes=SMALL,
        coding=PLAIN,
    )
    done = world.upload(root)

    for fact in (
        "new",
        "changed",
        "unchanged",
        "same_content",
        "gone",
        "files",
        "size",
        "archives",
        "requests",
    ):
        assert getattr(foretold, fact) == getattr(done, fact), fact
    assert abs(foretold.sent - done.sent) < 0.02 * done.sent + 65_536


def test_the_same_content_is_sent_once(world: World, root: Path, tmp_path: Path) -> None:
    """Copied, moved or renamed files are recorded under their new names; not a byte is sent again."""
    world.upload(root)
    (root / "big").rename(root / "moved")
    (root / "s03").rename(root / "folder" / "s03")
    (root / "copy").write_bytes((root / "s04").read_bytes())

    outcome = world.upload(root)

    assert (outcome.same_content, outcome.files, outcome.archives, outcome.gone) == (3, 0, 0, 2)
    assert world.retrieve("root", to=tmp_path / "back").exit is Exit.DONE
    assert differences(root, tmp_path / "back" / "root") == []


def test_only_checksum_sees_a_change_that_left_no_trace(world: World, root: Path, tmp_path: Path) -> None:
    """Content changed under the same size, time and inode is found with checksum, and only then."""
    world.upload(root)
    before = (root / "s05").stat()
    with (root / "s05").open("r+b") as file:
        file.write(b"CHANGED")
    os.utime(root / "s05", ns=(before.st_atime_ns, before.st_mtime_ns))

    trusting = world.upload(root)
    checking = world.upload(root, looking=Looking(Rules(), checksum=True))

    assert (trusting.files, checking.files) == (0, 1)
    assert world.retrieve("root/s05", to=tmp_path / "back").exit is Exit.DONE
    assert (tmp_path / "back/root/s05").read_bytes() == (root / "s05").read_bytes()


def test_what_is_left_out_is_not_gone(world: World, root: Path) -> None:
    """A file archived before it was excluded is not taken for deleted."""
    world.upload(root)

    outcome = world.upload(root, looking=Looking(Rules(["s*"])))

    assert (outcome.gone, outcome.exit) == (0, Exit.DONE)


def test_metadata_alone_sends_no_content(world: World, root: Path, tmp_path: Path) -> None:
    """A new mode or time is recorded with the content that is there already."""
    world.upload(root)
    (root / "big").chmod(0o600)
    os.utime(root / "folder" / "big", ns=(1, 1_111_111_111_111_111_111))

    outcome = world.upload(root)

    assert (outcome.changed, outcome.same_content, outcome.archives) == (2, 2, 0)
    assert world.retrieve("root", to=tmp_path / "back").exit is Exit.DONE
    assert differences(root, tmp_path / "back" / "root") == []


def test_a_file_that_becomes_a_folder_and_back(world: World, root: Path, tmp_path: Path) -> None:
    """When a name changes its kind, the last state is what comes back."""
    world.upload(root)
    (root / "s06").unlink()
    (root / "s06").mkdir()
    (root / "s06" / "inside").write_bytes(b"inside")
    world.upload(root)
    assert world.retrieve("root", to=tmp_path / "folder").exit is Exit.DONE
    assert differences(root, tmp_path / "folder" / "root") == []

    (root / "s06" / "inside").unlink()
    (root / "s06").rmdir()
    (root / "s06").write_bytes(b"a file again")
    world.upload(root)
    assert world.retrieve("root", to=tmp_path / "file").exit is Exit.DONE
    assert differences(root, tmp_path / "file" / "root") == []


def test_a_folder_of_several_pages(world: World, tmp_path: Path) -> None:
    """Of thousands of names in one folder just those that came, went or changed are found, at pages' ends too."""
    root = tmp_path / "many"
    root.mkdir()
    names = [f"{number:05}" for number in range(2 * PAGE + 1)]
    for name in names:
        (root / name).write_text(name)
    world.upload(root)
    for at in (0, PAGE - 1, PAGE, 2 * PAGE - 1, 2 * PAGE):
        (root / names[at]).unlink()
    for at in (1, PAGE - 2, PAGE + 1, 2 * PAGE - 2):
        (root / names[at]).write_text("changed")
    for name in ("!", names[PAGE - 1] + "a", names[PAGE] + "a", "~"):
        (root / name).write_text(name)
    os.rename(root / names[500], root / "spare")
    os.mkdir(root / names[500])
    (root / names[500] / "inside").write_text("inside")

    outcome = world.upload(root)
    assert (outcome.new, outcome.changed, outcome.gone) == (6, 4, 5)
    assert outcome.unchanged == len(names) - 5 - 4 - 1
    world.retrieve("many", to=tmp_path / "back")
    assert differences(root, tmp_path / "back" / "many") == []
