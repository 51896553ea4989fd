"""What is done, killed, and done again; and what must hold then. Complaints are sentences, so that a run can go on."""

import contextlib
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from glacierkeep.catalog import Catalog
from glacierkeep.domain.hashes import hash_content
from glacierkeep.domain.records import Archive, ArchiveState
from glacierkeep.errors import Exit, NoSuchName
from glacierkeep.operations.delete import delete
from glacierkeep.operations.selection import Moment, select
from glacierkeep.stores.store import Body
from glacierkeep.transfer.parts import part_body
from support.compare import differences
from support.sealing import FORMS, SMALL_VOLUMES, unseal
from support.world import HOST, World

Complaints = Iterator[str]

_KIB = 1024
_GONE = ("photos/big.bin", "photos/c.txt", "photos/link", "photos/nothing", "photos/sub")
_KEPT = ("photos/a.txt", "photos/b.txt")


@dataclass(frozen=True)
class Left:
    """Where a life was ended, and what the service had done in it, by operation; the bytes of archives that were
    *stored* before it, were *sent* in it, and those of *unanswered* parts."""

    boundary: str
    done: Counter[str] = field(default_factory=Counter)
    stored: int = 0
    sent: int = 0
    unanswered: int = 0


@dataclass(frozen=True)
class Life:
    """*prepare* comes before, *act* is killed, *again* is done after it, and yields what is wrong. *amid*: it may be
    killed while other threads wait for the service."""

    prepare: Callable[[World], None]
    act: Callable[[World], None]
    again: Callable[[World, Left], Complaints]
    amid: bool = False


def root_of(world: World) -> Path:
    """What is archived lies beside the world: a world is copied, and a copy of a file is another file."""
    return world.folder.parent / "photos"


def fill(root: Path) -> None:
    """A file of two parts, a bundle of two, a bundle that goes in one request, and what needs no bytes."""
    (root / "sub" / "empty").mkdir(parents=True)
    sizes = {"a.txt": 700, "b.txt": 900, "c.txt": 800, "big.bin": 1500, "sub/tiny": 1}
    for at, (name, size) in enumerate(sizes.items()):
        (root / name).write_bytes(bytes([at]) * size * _KIB)
    (root / "nothing").touch()
    (root / "link").symlink_to("a.txt")
    os.link(root / "sub" / "tiny", root / "sub" / "twin")


def fill_little(root: Path) -> None:
    """A file, a bundle, and what needs no bytes."""
    (root / "sub").mkdir()
    (root / "big.bin").write_bytes(b"big" * 350 * _KIB)
    (root / "sub" / "tiny").write_bytes(b"tiny")
    (root / "nothing").touch()
    (root / "link").symlink_to("sub")
    os.link(root / "sub" / "tiny", root / "sub" / "twin")


# Upload

_HALFWAY = ("after InitiateMultipartUpload", "after CompleteMultipartUpload", "after UploadArchive")
"""Where what goes on is an upload that the catalog knows less of than the service."""


def _begin(world: World) -> None:
    root = root_of(world)
    root.mkdir()
    (root / "old.txt").write_bytes(b"old" * 1000)
    (root / "kept.txt").write_bytes(b"kept" * 1000)
    world.upload(root)
    fill(root)
    (root / "old.txt").unlink()
    (root / "copy.txt").write_bytes(b"kept" * 1000)


def _upload(world: World) -> None:
    world.upload(root_of(world), jobs=1)


def _upload_again(world: World, left: Left) -> Complaints:
    outcome = world.upload(root_of(world), jobs=1)
    if outcome.exit is not Exit.DONE:
        yield f"the next upload ended with {outcome!r}"
    parts = (left.done + world.service.done)["UploadMultipartPart"]
    if parts != 4:
        yield f"{parts} parts were sent in all, not 4"
    yield from sent_again(world, left)
    yield from unsettled(world)
    yield from disagreements(world)
    if left.boundary in _HALFWAY:
        yield from lost(world)


def fill_for_many(root: Path) -> None:
    """Two files of several parts, a bundle of two parts and one of a single request: for several threads at once."""
    root.mkdir()
    dice = random.Random(7)
    for name, size in (("one.bin", 2100), ("two.bin", 1025), ("a", 700), ("b", 800), ("c", 600)):
        (root / name).write_bytes(dice.randbytes(size * _KIB))


def _send_at_once(form: str) -> Life:
    """An upload in several threads. Which of its boundaries is which is another matter at every run."""

    def act(world: World) -> None:
        world.upload(root_of(world), coding=FORMS[form], jobs=4)

    def again(world: World, left: Left) -> Complaints:
        outcome = world.upload(root_of(world), coding=FORMS[form], jobs=4)
        if outcome.exit is not Exit.DONE:
            yield f"the next upload ended with {outcome!r}"
        yield from sent_again(world, left)
        yield from unsettled(world)
        yield from disagreements(world)
        if left.boundary in _HALFWAY or left.unanswered:
            yield from lost(world)

    return Life(lambda world: fill_for_many(root_of(world)), act, again, amid=True)


# Standard input

_PIPED = b"piped" * 300 * _KIB


def _pipe(world: World) -> None:
    world.pipe(_PIPED, b"dump.tar", jobs=1)


def _pipe_again(world: World, left: Left) -> Complaints:
    _pipe(world)
    parts = (left.done + world.service.done)["UploadMultipartPart"]
    if parts != 2:
        yield f"{parts} parts were sent in all, not 2"
    yield from sent_again(world, left)
    if left.boundary.startswith("after"):
        world.retrieve("stdin", to=_back(world))
        if (_back(world) / "stdin" / "dump.tar").read_bytes() != _PIPED:
            yield "what came back differs"
    yield from unsettled(world)
    yield from disagreements(world)


# A stream of several volumes

_STREAM = random.Random(5).randbytes(4500 * _KIB)


def _stream(world: World) -> None:
    world.pipe(_STREAM, b"dump.tar", sizes=SMALL_VOLUMES, coding=FORMS["sealed"], jobs=1)


def _stream_again(world: World, left: Left) -> Complaints:
    _stream(world)
    world.poll()
    if left.boundary.startswith("after"):
        world.retrieve("stdin", to=_back(world), unseal=unseal)
        if (_back(world) / "stdin" / "dump.tar").read_bytes() != _STREAM:
            yield "what came back differs"
    versions = list(select("stdin/dump.tar", catalog=world.catalog, host=HOST, moment=Moment(history=True)))
    if not 1 <= len(versions) <= 2:
        yield f"the stream is recorded {len(versions)} times"
    yield from unsettled(world)
    yield from disagreements(world)


# A file of several volumes


def _begin_volumes(world: World) -> None:
    root = root_of(world)
    root.mkdir()
    (root / "big.bin").write_bytes(random.Random(6).randbytes(4500 * _KIB))
    (root / "small.txt").write_bytes(b"small")


def _send_volumes(world: World) -> None:
    world.upload(root_of(world), sizes=SMALL_VOLUMES, coding=FORMS["sealed"], jobs=1)


def _send_volumes_again(world: World, left: Left) -> Complaints:
    outcome = world.upload(root_of(world), sizes=SMALL_VOLUMES, coding=FORMS["sealed"], jobs=1)
    if outcome.exit is not Exit.DONE:
        yield f"the next upload ended with {outcome!r}"
    parts = (left.done + world.service.done)["UploadMultipartPart"]
    if parts != 6:  # three for each of two volumes; the last goes in one request
        yield f"{parts} parts were sent in all, not 6"
    yield from sent_again(world, left)
    yield from unsettled(world)
    yield from disagreements(world)
    if left.boundary in _HALFWAY:
        yield from lost(world)


def _store_volumes(world: World) -> None:
    _begin_volumes(world)
    _send_volumes(world)


def _retrieve_volumes(world: World) -> None:
    world.retrieve("photos", to=_back(world), unseal=unseal)


def _retrieve_volumes_again(world: World, left: Left) -> Complaints:
    with world.catalog.read() as records:
        wishes = records.retrievals.open()
    if wishes:
        world.poll(unseal=unseal)
    else:
        _retrieve_volumes(world)
    jobs = (left.done + world.service.done)["InitiateJob"]
    if jobs != 4:
        yield f"{jobs} jobs were asked for, not 4"
    yield from differences(root_of(world), _back(world) / "photos")
    if {path.name for path in _back(world).iterdir()} != {"photos"}:
        yield f"in the target lies {os.listdir(_back(world))}"
    yield from unsettled(world)


# Retrieve


def _store(world: World, fill: Callable[[Path], None] = fill_little) -> None:
    root_of(world).mkdir()
    fill(root_of(world))
    world.upload(root_of(world), jobs=1)


def _back(world: World) -> Path:
    return world.folder / "back"


def _retrieve(world: World) -> None:
    world.retrieve("photos", to=_back(world))


def _retrieve_again(world: World, left: Left) -> Complaints:
    with world.catalog.read() as records:
        wishes = records.retrievals.open()
    if wishes:
        world.poll()
    else:
        _retrieve(world)
    jobs = (left.done + world.service.done)["InitiateJob"]
    if jobs != 2:
        yield f"{jobs} jobs were asked for, not 2"
    yield from differences(root_of(world), _back(world) / "photos")
    if {path.name for path in _back(world).iterdir()} != {"photos"}:
        yield f"in the target lies {os.listdir(_back(world))}"
    with world.catalog.read() as records:
        if records.retrievals.open():
            yield f"still open: {records.retrievals.open()}"
    yield from unsettled(world)


# Delete


def _delete(world: World) -> None:
    delete(_GONE, catalog=world.catalog, store_of=world.store_of, clock=world.clock, host=HOST)


def _delete_again(world: World, left: Left) -> Complaints:
    world.poll()
    with contextlib.suppress(NoSuchName):  # they were let go already
        _delete(world)
    outcome = world.retrieve(*_KEPT, to=_back(world))
    if outcome.exit is not Exit.DONE or outcome.placed != len(_KEPT):
        yield f"what shares an archive with the deleted came back as {outcome!r}"
    yield from unsettled(world)
    yield from disagreements(world)


# Inventory


def _mislay(world: World) -> None:
    """The vault holds what the catalog does not know: another tool's archive, and one of ours, a file."""
    _store(world)
    for description, content in (
        ("holiday", b"theirs"),
        (
            '{"gk":1,"Path":"photos/x.jpg","t":"0123456789abcdefghjkmnpqrs","c":"01234567","k":"file"}',
            b"ours",
        ),
    ):
        body = part_body(content)
        world.store.upload_archive(Body(body.content, body.length, body.sha256, body.tree_hash), description)


def _sync(world: World) -> None:
    world.sync()


def _sync_again(world: World, left: Left) -> Complaints:
    world.poll()
    world.sync()
    with world.catalog.read() as records:
        found = {
            name: records.archives.with_content(
                world.vault.vault_id, len(content), hash_content(content).tree_hash
            )
            for name, content in {"theirs": b"theirs", "ours": b"ours"}.items()
        }
        if {name: len(archives) for name, archives in found.items()} != {"theirs": 1, "ours": 1}:
            yield f"taken in were {found}"
        if records.inventories.open(world.vault.vault_id) is not None:
            yield "an inventory is still open"
        if records.jobs.open():
            yield f"jobs are still open: {records.jobs.open()}"
    yield from unsettled(world)
    yield from disagreements(world)


# A copy of the records


def _begin_copies(world: World) -> None:
    _store(world)
    world.copy_catalog(FORMS["sealed"])
    (root_of(world) / "new.txt").write_bytes(b"new")
    world.upload(root_of(world), jobs=1)


def _copy(world: World) -> None:
    world.copy_catalog(FORMS["sealed"])


def _copy_again(world: World, left: Left) -> Complaints:
    _copy(world)
    with world.catalog.read() as records:
        copies = records.copies.all(world.vault.vault_id)
        if records.copies.has_changed(world.vault.vault_id, copies[-1]):
            yield "the newest copy lacks something"
    if [copy for copy in copies if copy.archive_key is None]:
        yield f"copies are under way: {copies}"
    yield from unsettled(world)
    yield from disagreements(world)


# A rebuild


def _lose(world: World) -> None:
    """The catalog is lost: another one, empty, takes its place in the file of the old."""
    _begin_copies(world)
    _copy(world)
    world.catalog.close()
    world.folder.joinpath("catalog.db").unlink()
    world.catalog = Catalog.open(world.folder / "catalog.db", clock=world.clock, machine="another")
    with world.catalog.write() as records:
        world.vault = records.vaults.remember(world.vault.address)


def _rebuild(world: World) -> None:
    world.rebuild(unseal=unseal)


def _rebuild_again(world: World, left: Left) -> Complaints:
    with world.catalog.read() as records:
        under_way = records.rebuilds.open(world.vault.vault_id)
        known = records.roots.by_label("photos") is not None
    if under_way:
        world.poll(unseal=unseal)
    elif not known:
        _rebuild(world)
    jobs = (left.done + world.service.done)["InitiateJob"]
    if jobs != 3:
        yield f"{jobs} jobs were asked for, not 3"
    yield from lost(world)
    yield from unsettled(world)


# Unfinished uploads are ended


def _leave_unfinished(world: World) -> None:
    """A file with a part, a bundle and standard input whose beginnings got no answer, volumes, and a copy in doubt;
    beside the file and the volume under way the next archive lies in staging."""
    for label, sizes in {"photos": [2500], "music": [700, 900], "film": [4500]}.items():
        (world.folder.parent / label).mkdir()
        for at, size in enumerate(sizes):
            (world.folder.parent / label / f"{at}.bin").write_bytes(random.Random(at).randbytes(size * _KIB))
    world.broken_off(lambda: world.upload(root_of(world), jobs=1), "UploadMultipartPart", nth=2)
    world.broken_off(
        lambda: world.upload(world.folder.parent / "music"), "InitiateMultipartUpload", arrived=True
    )
    world.broken_off(lambda: world.pipe(_PIPED, b"dump.tar"), "InitiateMultipartUpload", arrived=True)
    said = {"sizes": SMALL_VOLUMES, "coding": FORMS["sealed"], "jobs": 1}
    world.broken_off(lambda: world.upload(world.folder.parent / "film", **said), "UploadMultipartPart", nth=5)
    world.broken_off(lambda: world.copy_catalog(FORMS["sealed"]), "UploadArchive")
    with world.catalog.read() as records:
        left = [upload.state for upload in records.uploads.outstanding(uncertain=True)]
    assert len(left) == 7, left


def _abandon(world: World) -> None:
    world.abandon()


def _abandon_again(world: World, left: Left) -> Complaints:
    outcome = world.abandon()
    if outcome.exit is not Exit.DONE:
        yield f"the next call ended with {outcome!r}"
    if (left.done + world.service.done)["DeleteArchive"] not in (1, 2):
        yield "the volume that was stored is not deleted once, or once again after a kill"
    if world.abandon().uploads:
        yield "something was left after the second call"
    world.upload(root_of(world), jobs=1)
    yield from unsettled(world)
    yield from disagreements(world)
    yield from lost(world)


LIVES = {
    "abandon": Life(_leave_unfinished, _abandon, _abandon_again),
    "upload": Life(_begin, _upload, _upload_again),
    "upload-at-once": _send_at_once("plain"),
    "sealed-at-once": _send_at_once("sealed"),
    "standard-input": Life(lambda world: None, _pipe, _pipe_again),
    "stream": Life(lambda world: None, _stream, _stream_again),
    "volumes": Life(_begin_volumes, _send_volumes, _send_volumes_again),
    "retrieve-volumes": Life(_store_volumes, _retrieve_volumes, _retrieve_volumes_again),
    "copy": Life(_begin_copies, _copy, _copy_again),
    "rebuild": Life(_lose, _rebuild, _rebuild_again),
    "retrieve": Life(_store, _retrieve, _retrieve_again),
    "delete": Life(lambda world: _store(world, fill), _delete, _delete_again),
    "sync-inventory": Life(_mislay, _sync, _sync_again),
}


# What must hold


def unsettled(world: World) -> Complaints:
    """What an ended run should not leave: leases, uploads, staged files."""
    with world.catalog.read() as records:
        if records.leases.all():
            yield f"leases are held: {records.leases.all()}"
        if records.uploads.outstanding():
            yield f"uploads are outstanding: {records.uploads.outstanding()}"
        if records.volume_sets.all():
            yield f"volumes are outstanding: {records.volume_sets.all()}"
        if records.archives.deleting():
            yield f"deletions are outstanding: {records.archives.deleting()}"
    left = [path for path in world.staging.rglob("*") if not path.is_dir()]
    if left:
        yield f"in staging lies {left}"
    opened = list(world.store.list_uploads())
    if opened:
        yield f"the service has open uploads: {opened}"


def disagreements(world: World) -> Complaints:
    """Catalog and vault must agree; what an uncertain upload left may lie twice in the vault."""
    with world.catalog.read() as records:
        uncertain = len(records.uploads.outstanding(uncertain=True))
    outcome = world.sync()
    surplus = outcome.findings.get("duplicate", 0) + outcome.adopted
    if surplus > uncertain or set(outcome.findings) - {
        "confirmed",
        "duplicate",
        "adopted",
        "gone",
        "unrecorded",
    }:
        yield f"the inventory says {outcome.findings}, with {uncertain} uploads uncertain"
    present = _present(world)
    if len(present) + outcome.findings.get("duplicate", 0) != outcome.archives:
        yield f"{len(present)} archives are recorded, {outcome.archives} are there: {outcome.findings}"


def stored(world: World) -> int:
    """Bytes of the archives that are recorded as present, each counted once."""
    return sum(archive.size for archive in _present(world))


def sent_again(world: World, left: Left) -> Complaints:
    """Nothing that was acknowledged may be sent a second time, but for a single request of which no record says so."""
    with world.catalog.read() as records:
        suspect = sum(upload.size or 0 for upload in records.uploads.outstanding(uncertain=True))
    surplus = left.sent + world.service.sent - (stored(world) - left.stored) - left.unanswered - suspect
    if surplus > 0:
        yield f"{surplus} bytes were sent again, though they had been acknowledged"


def _present(world: World) -> list[Archive]:
    archives = world.catalog.archive_rows(world.vault.vault_id)
    return [archive for archive in archives if archive.state is ArchiveState.PRESENT]


def lost(world: World) -> Complaints:
    """What is archived must come back as it is."""
    target = world.folder / "restored"
    outcome = world.retrieve("photos", to=target, unseal=unseal)
    if outcome.exit is not Exit.DONE:
        yield f"a retrieval of all ended with {outcome!r}"
    yield from differences(root_of(world), target / "photos")
