"""Archives that a vault holds and the catalog does not know."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from glacierkeep.catalog import Catalog
from glacierkeep.domain import description as descriptions
from glacierkeep.domain.description import ArchiveKind, Description
from glacierkeep.domain.limits import MIB
from glacierkeep.domain.records import UploadState, Version
from glacierkeep.errors import Exit
from glacierkeep.operations.selection import select
from glacierkeep.stores.store import Body
from glacierkeep.transfer.parts import part_body
from support.world import HOST, World, a_world

TOKEN = "0123456789abcdefghjkmnpqrs"
CATALOG = "01234567"


def put(world: World, content: bytes, description: str) -> str:
    """Somebody else's upload; its archive id."""
    body = part_body(content)
    return world.store.upload_archive(
        Body(body.content, body.length, body.sha256, body.tree_hash), description
    )


def ours(path: str, **more: Any) -> str:
    """A description of a file archive of ours that says its path is *path*."""
    said = {
        "gk": 1,
        "Path": path,
        "t": TOKEN,
        "c": CATALOG,
        "k": "file",
        "n": "1562235072123456789",
        "o": "640",
    }
    return json.dumps(said | more, separators=(",", ":"))


def forget(world: World) -> World:
    """The same machine and vault after its catalog was deleted."""
    world.catalog.close()
    world.folder.joinpath("catalog.db").unlink()
    catalog = Catalog.open(world.folder / "catalog.db", clock=world.clock, machine="machine")
    with catalog.write() as records:
        vault = records.vaults.remember("local:photos")
    return World(world.folder, catalog, world.service, world.clock, vault, world.store)


def found(world: World, name: str) -> list[Version]:
    return list(select(name, catalog=world.catalog, host=HOST))


def test_a_lost_catalog_is_made_anew_from_the_descriptions(
    world: World, folder: Path, tmp_path: Path
) -> None:
    """Every archive is adopted: files come back under their names, times and modes; a bundle as found/ID.tar."""
    world.upload(folder)
    again = forget(world)

    outcome = again.sync()

    assert (outcome.adopted, outcome.findings, outcome.exit) == (3, {"adopted": 3}, Exit.DONE)
    again.retrieve("photos", to=tmp_path / "back")
    for name in ("2019/big.raw", "bigger.raw"):
        back, was = tmp_path / "back/photos" / name, folder / name
        assert back.read_bytes() == was.read_bytes()
        assert back.stat().st_mtime_ns == was.stat().st_mtime_ns
        assert back.stat().st_mode == was.stat().st_mode
    bundle = found(again, "found")[0]
    assert bundle.path.startswith(b"found/")
    assert bundle.path.endswith(b".tar")
    again.catalog.close()


def test_the_folder_that_comes_back_claims_its_root(world: World, folder: Path) -> None:
    """`gk upload` of the original folder takes over the adopted root and sends no file archive again."""
    world.upload(folder)
    again = forget(world)
    again.sync()

    outcome = again.upload(folder)

    assert (outcome.root, outcome.unchanged, outcome.looks_empty) == ("photos", 2, False)
    assert (outcome.archives, outcome.files) == (1, 4)
    with again.catalog.read() as records:
        roots = {root.label: root for root in records.roots.all()}
    assert (roots["photos"].host, roots["photos"].path) == (HOST, bytes(folder))
    assert roots["found"].host == ""
    assert [each.adopted for each in found(again, "photos/bigger.raw")] == [False]
    third = again.upload(folder)
    assert (third.archives, third.unchanged) == (0, 6)
    again.catalog.close()


def test_a_changed_file_supersedes_the_adopted_one(world: World, folder: Path) -> None:
    """What lies on disk now is sent, and becomes the newest version; the adopted one stays as the older."""
    world.upload(folder)
    again = forget(world)
    again.sync()
    folder.joinpath("bigger.raw").write_bytes(b"d" * (2 * MIB))

    outcome = again.upload(folder)

    assert outcome.changed == 1
    assert found(again, "photos/bigger.raw")[0].size == 2 * MIB
    again.catalog.close()


def test_the_found_label_is_never_claimed(world: World, tmp_path: Path) -> None:
    """A folder called found gets a label of its own, so that its upload finds none of the strangers gone."""
    archive_id = put(world, b"stranger", "holiday 2013")
    world.sync()
    folder = tmp_path / "found"
    folder.mkdir()
    folder.joinpath("a").write_bytes(b"a")

    outcome = world.upload(folder)

    assert (outcome.root, outcome.gone, outcome.exit) == (f"found@{HOST}", 0, Exit.DONE)
    assert found(world, f"found/{archive_id}")[0].gone_at is None


def test_strangers_do_not_move_into_somebodys_folder(world: World, tmp_path: Path) -> None:
    """Where a root of a person is called found, what has no name goes elsewhere."""
    folder = tmp_path / "found"
    folder.mkdir()
    folder.joinpath("a").write_bytes(b"a")
    world.upload(folder)
    archive_id = put(world, b"stranger", "holiday 2013")

    world.sync()

    assert found(world, f"found-2/{archive_id}")[0].size == 8
    assert world.upload(folder).gone == 0


def test_a_foreign_archive_can_be_had_by_its_id(world: World, tmp_path: Path) -> None:
    """What is not one of ours is a finding for a person, and comes back byte for byte below found."""
    archive_id = put(world, b"holiday pictures", "some words of another tool")

    outcome = world.sync()
    world.retrieve(f"archive:{archive_id}", to=tmp_path / "back")

    assert (outcome.findings, outcome.exit) == ({"unrecorded": 1}, Exit.FINDINGS)
    assert tmp_path.joinpath("back/found", archive_id).read_bytes() == b"holiday pictures"
    with world.catalog.read() as records:
        archive = records.archives.find_id(archive_id)[0]
    assert (archive.kind, archive.description) == ("foreign", "some words of another tool")


def test_a_second_inventory_adopts_nothing_again(world: World) -> None:
    """Adopted archives are known ones: they are confirmed next time."""
    put(world, b"one", ours("photos/a.jpg"))
    put(world, b"two", "foreign")
    world.sync()
    world.clock.turn(days=1)

    outcome = world.sync()

    assert (outcome.findings, outcome.exit) == ({"confirmed": 2}, Exit.DONE)


HOSTILE_PATHS = (
    "../../etc/passwd",
    "/etc/passwd",
    "photos/../../x",
    "photos//x",
    "photos/./x",
    "photos/",
    ".hidden/x",
    "photos/a\0b",
    "\x1b[31m/x",
    "..",
    "",
    "no-label",
    "a" * 300 + "/x",
    "photos/" + "x" * 300,
)


def test_hostile_paths_lead_nowhere(world: World, tmp_path: Path) -> None:
    """Whatever a description claims, the file comes back inside the target folder and nowhere else."""
    contents = {put(world, b"payload %d" % at, ours(path)): at for at, path in enumerate(HOSTILE_PATHS)}
    world.sync()
    before = outside_of(world, tmp_path)

    for archive_id, at in contents.items():
        world.retrieve(f"archive:{archive_id}", to=tmp_path / f"back{at}")

    new = outside_of(world, tmp_path) - before
    for at in contents.values():
        inside = [each for each in new if tmp_path / f"back{at}" in each.parents and each.is_file()]
        assert [each.read_bytes() for each in inside] in ([b"payload %d" % at], []), HOSTILE_PATHS[at]
        if len(HOSTILE_PATHS[at]) < 256:
            assert inside, HOSTILE_PATHS[at]
    assert all(each.relative_to(tmp_path).parts[0].startswith("back") for each in new)


def outside_of(world: World, folder: Path) -> set[Path]:
    """Everything below *folder* that is not the world's own."""
    return {each for each in folder.rglob("*") if world.folder not in (each, *each.parents)}


HOSTILE_DESCRIPTIONS = (
    "",
    "{}",
    "[" * 500,
    '{"gk":1}',
    '{"gk":true,"t":1}',
    ours("photos/x", t="short"),
    ours("photos/x", k="nonsense"),
    ours("photos/x", n="9" * 30, o="99999"),
    ours("photos/x", b="!!!"),
    ours("photos/x", b="Li4vLi4veA"),
    "\\x1b[2J\\u0000",
    "x" * 1024,
)


def test_any_description_can_be_reconciled(world: World, tmp_path: Path) -> None:
    """No text that a service takes stops a reconciliation, and every archive can be had by its id."""
    ids = [put(world, b"payload %d" % at, text) for at, text in enumerate(HOSTILE_DESCRIPTIONS)]

    outcome = world.sync()

    assert sum(outcome.findings.values()) == len(ids)
    for at, archive_id in enumerate(ids):
        back = tmp_path / f"back{at}"
        world.retrieve(f"archive:{archive_id}", to=back)
        assert [each.read_bytes() for each in back.rglob("*") if each.is_file()] == [b"payload %d" % at]


def test_an_adopted_archive_never_supersedes_what_was_recorded(world: World, folder: Path) -> None:
    """An archive that claims the name of a recorded file is kept beside it; the recorded one stays the newest."""
    world.upload(folder)
    put(world, b"impostor", ours("photos/small.txt"))

    world.sync()

    assert found(world, "photos/small.txt")[0].size == 5
    history = [each.size for each in world.catalog.versions_below(*_place(world), history=True)]
    assert sorted(history) == [5, 8]


def _place(world: World) -> tuple[Any, bytes]:
    with world.catalog.read() as records:
        root = records.roots.by_label("photos")
    assert root is not None
    return root, b"small.txt"


def test_the_younger_of_two_adopted_archives_is_the_newest(slow_world: World) -> None:
    """Of two archives of one name the later one is what the file is now; --at gives the earlier one."""
    world = slow_world
    put(world, b"older", ours("photos/a.txt", n="1000000000"))
    day = world.clock.now()
    world.clock.turn(days=2)
    put(world, b"younger", ours("photos/a.txt", n="2000000000", t=TOKEN[::-1]))
    world.clock.turn(days=2)
    world.sync()
    world.clock.turn(hours=5)

    world.poll()

    assert [each.size for each in found(world, "photos/a.txt")] == [7]
    with world.catalog.read() as records:
        root = records.roots.by_label("photos")
    assert root is not None
    earlier = world.catalog.versions_below(root, b"a.txt", at=day.replace(hour=23))
    assert [each.size for each in earlier] == [5]


def test_a_duplicate_is_told_and_left_alone(world: World, folder: Path) -> None:
    """A second archive of the same content and name is a finding; neither is deleted by itself."""
    world.upload(folder)
    recorded = next(each for each in _archives(world) if each.kind == "file")
    said = descriptions.read(recorded.description)
    assert said is not None
    twin = Description(ArchiveKind.FILE, TOKEN, CATALOG, said.path, said.mtime_ns, said.mode)
    content = folder.joinpath(*(said.path or b"").decode().split("/")[1:]).read_bytes()
    upload_id = world.store.initiate_upload(4 * MIB, descriptions.write(twin))
    body = part_body(content)
    world.store.upload_part(upload_id, 0, Body(body.content, body.length, body.sha256, body.tree_hash))
    world.store.complete_upload(upload_id, body.length, body.tree_hash)

    outcome = world.sync()

    assert outcome.findings == {"confirmed": 3, "duplicate": 1}
    assert outcome.exit is Exit.FINDINGS
    assert len(_archives(world)) == 3


def _archives(world: World) -> list[Any]:
    return list(world.catalog.archive_rows(world.vault.vault_id))


def test_an_inventory_settles_an_uncertain_upload(world: World, folder: Path) -> None:
    """An upload whose answer was lost is found by its token, adopted, and no longer in doubt."""
    said = Description(ArchiveKind.FILE, TOKEN, world.catalog.id, b"photos/a.txt", 10**18, 0o644)
    with world.catalog.write() as records:
        records.uploads.intend(
            vault_id=world.vault.vault_id,
            run_id=None,
            root_id=None,
            token=TOKEN,
            kind="file",
            state=UploadState.UNCERTAIN,
            source=b"a.txt",
            size=4,
            mtime_ns=10**18,
            inode=1,
            mode=0o644,
            part_size=MIB,
            description=descriptions.write(said),
        )
    put(world, b"sent", descriptions.write(said))

    world.sync()

    with world.catalog.read() as records:
        assert records.uploads.outstanding(uncertain=True) == []
    assert found(world, "photos/a.txt")[0].size == 4


def test_adoption_survives_a_restart(tmp_path: Path) -> None:
    """What was adopted is on disk: another process knows it."""
    with a_world(tmp_path / "w") as world:
        put(world, b"one", ours("photos/a.jpg"))
        world.sync()
        clock = world.clock
    with a_world(tmp_path / "w", clock=clock) as world:
        version = found(world, "photos/a.jpg")[0]
    assert version.mtime_ns == 1562235072123456789
    assert version.mode == 0o640
    assert version.adopted
    assert version.first_seen == datetime(2026, 3, 1, 12, tzinfo=UTC)
