"""Bytes that changed in the vault: what they touch is told of and not placed; all the rest comes back right."""

import random
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from glacierkeep.bundle.read import find_end, read_manifest
from glacierkeep.bundle.seek_table import table_length
from glacierkeep.bundle.storing import Coding
from glacierkeep.catalog import Catalog
from glacierkeep.domain.forms import Sizes
from glacierkeep.domain.limits import MIB
from glacierkeep.domain.parts import ByteRange
from glacierkeep.domain.records import Archive
from glacierkeep.domain.segments import Codec, SealKind, Segment
from glacierkeep.errors import Exit, GlacierkeepError
from glacierkeep.events import Trouble
from glacierkeep.operations.retrieval_plan import plan_retrieval, stored_range
from glacierkeep.operations.retrieve import RetrievalOutcome
from glacierkeep.operations.selection import select
from support.at_rest import AtRest
from support.sealing import FORMS, unseal
from support.world import HOST, World, a_world

SIZES = Sizes(bundle=MIB, threshold=MIB // 2, part=MIB, volume=MIB)
STREAMED = random.Random(11).randbytes(MIB + 5000)
FEW = ("r/folder/03", "r/folder/08")


@dataclass
class Vault:
    """A vault in one form: two bundles, and volumes of two files and a stream."""

    world: World
    rest: AtRest
    form: str
    wanted: dict[str, bytes]
    backs: Path
    tries: int = 0

    def retrieve(self, *names: str) -> tuple[RetrievalOutcome, dict[str, bytes]]:
        """What comes of a retrieval into a fresh folder."""
        self.tries += 1
        self.world.told.clear()
        back = self.backs / f"{self.tries}"
        outcome = self.world.retrieve(*names, to=back, unseal=unseal, wait=True)
        found = {str(each.relative_to(back)): each for each in back.rglob("*") if each.is_file()}
        contents = {name: each.read_bytes() for name, each in found.items()}
        shutil.rmtree(back)
        return outcome, contents

    def forgotten(self) -> "Vault":
        """The same vault, seen by a catalog that knows only what the inventory tells."""
        catalog = Catalog.open(self.backs.with_name("again.db"), clock=self.world.clock, machine="again")
        with catalog.write() as records:
            vault = records.vaults.remember(self.world.vault.address)
        world = replace(self.world, catalog=catalog, vault=vault)
        world.sync()
        return replace(self, world=world, backs=self.backs.with_name("again"))

    def archives(self) -> list[Archive]:
        with self.world.catalog.read() as records:
            return [records.archives.find_id(each)[0] for each in self.rest.ids()]

    def segments(self, archive: Archive) -> list[Segment]:
        with self.world.catalog.read() as records:
            return records.archives.segments(archive.archive_key)

    def reached(self, names: tuple[str, ...], archive: Archive, at: int) -> tuple[set[str], bool]:
        """Which files need the byte *at*, and whether all of the archive is asked for."""
        found = [version for name in names for version in select(name, catalog=self.world.catalog, host=HOST)]
        hit = set()
        for version in found:
            with self.world.catalog.read() as records:
                extents = records.versions.extents(version.version_id, self.world.vault.vault_id)
            lying = [each for each in extents if each.archive_key == archive.archive_key and each.length]
            if any(each.start <= at < each.stop for each in map(stored_range, lying)):
                hit.add(version.path.decode())
        jobs = plan_retrieval(found, self.world.vault.vault_id, catalog=self.world.catalog).jobs
        return hit, any(job.archive.archive_key == archive.archive_key and job.range is None for job in jobs)


@pytest.fixture(params=FORMS)
def vault(request: pytest.FixtureRequest, quick_disk: Path) -> Iterator[Vault]:
    """A vault in each form."""
    chance = random.Random(5)
    root = quick_disk / "source" / "r"
    (root / "folder").mkdir(parents=True)
    for number in range(12):
        content = chance.randbytes(90_000) if number % 2 else b"the same line again %d\n" % number * 9000
        (root / "folder" / f"{number:02}").write_bytes(content)
    (root / "big.text").write_bytes(b"a line of a big file\n" * 60_000)
    (root / "big.noise").write_bytes(chance.randbytes(2 * MIB))
    (root / "more.noise").write_bytes(chance.randbytes(2 * MIB))
    wanted = {
        str(each.relative_to(root.parent)): each.read_bytes() for each in root.rglob("*") if each.is_file()
    }
    with a_world(quick_disk / "world") as world:
        world.upload(root, sizes=SIZES, coding=FORMS[request.param])
        send_stream(world, FORMS[request.param])
        rest = AtRest(quick_disk / "world" / "local")
        yield Vault(world, rest, request.param, wanted | {"stdin/dump": STREAMED}, quick_disk / "backs")


def send_stream(world: World, coding: Coding, content: bytes = STREAMED, name: bytes = b"dump") -> None:
    world.pipe(content, name, sizes=SIZES, coding=coding, jobs=1)


def regions(stored: bytes, segments: list[Segment]) -> Iterator[tuple[str, ByteRange]]:
    """What an archive consists of, by name."""
    if segments[0].seal is SealKind.AGE:
        yield from sealed_regions(stored, segments)
    elif segments[0].codec is Codec.ZSTD:
        yield from framed_regions(len(stored), segments)
    else:
        yield from plain_regions(stored)


def plain_regions(stored: bytes) -> Iterator[tuple[str, ByteRange]]:
    def read_at(at: int, length: int) -> bytes:
        return stored[at : at + length]

    try:
        members = list(read_manifest(read_at, len(stored)))
    except ValueError:
        yield "file", ByteRange(0, len(stored))
        return
    for member in (members[0], members[len(members) // 2]):
        yield "tar header", ByteRange(member.offset - 512, member.offset)
        yield "member", ByteRange(member.offset, member.offset + max(member.size, 1))
    end = find_end(read_at, len(stored))
    yield "manifest header", ByteRange(end.offset - 512, end.offset)
    yield "manifest", ByteRange(end.offset, end.offset + end.length)
    yield "end header", ByteRange(len(stored) - 2048, len(stored) - 1536)
    yield "end", ByteRange(len(stored) - 1536, len(stored) - 1024)
    yield "end of tar", ByteRange(len(stored) - 1024, len(stored))


def framed_regions(size: int, segments: list[Segment]) -> Iterator[tuple[str, ByteRange]]:
    for each in {segments[0], segments[-1]}:
        stop = each.stored_offset + each.stored_length
        yield "frame header", ByteRange(each.stored_offset, each.stored_offset + 9)
        yield "frame", ByteRange(each.stored_offset + 9, stop - 4)
        yield "frame checksum", ByteRange(stop - 4, stop)
    table = size - table_length(len(segments))
    yield "table header", ByteRange(table, table + 8)
    yield "table", ByteRange(table + 8, size - 9)
    yield "table footer", ByteRange(size - 9, size)


def sealed_regions(stored: bytes, segments: list[Segment]) -> Iterator[tuple[str, ByteRange]]:
    for each in {segments[0], segments[-1]}:
        stop = each.stored_offset + each.stored_length
        body = stored.index(b"\n", stored.index(b"\n---", each.stored_offset) + 1) + 1
        yield "outer header", ByteRange(each.stored_offset - 512, each.stored_offset)
        yield "age header", ByteRange(each.stored_offset, body)
        yield "age nonce", ByteRange(body, body + 16)
        yield "age body", ByteRange(body + 16, stop)
    yield "end of outer tar", ByteRange(len(stored) - 1024, len(stored))


def test_flipped_bytes(vault: Vault) -> None:
    """Whatever byte of an archive flips: no file gets a wrong byte, what the byte is part of is missing with exit 7,
    and everything else is there, retrieved whole or by ranges."""
    chance = random.Random(vault.form)
    seen = set()
    archives = vault.archives()
    chance.shuffle(archives)
    for archive in archives:
        stored = vault.rest.read(archive.archive_id)
        for kind, where in regions(stored, vault.segments(archive)):
            if (big := archive.size > MIB, kind) in seen:
                continue
            seen.add((big, kind))
            at = chance.randrange(where.start, where.stop)
            flipped = bytearray(stored)
            flipped[at] ^= 1 << chance.randrange(8)
            vault.rest.write(archive.archive_id, bytes(flipped))
            for names in (("r", "stdin/dump"), FEW)[: 1 if big else 2]:
                check(vault, names, archive, at, kind)
        vault.rest.write(archive.archive_id, stored)
    outcome, found = vault.retrieve("r", "stdin/dump")
    assert (outcome.exit, found, len(seen) > 3) == (Exit.DONE, vault.wanted, True)


def check(vault: Vault, names: tuple[str, ...], archive: Archive, at: int, kind: str) -> None:
    """The byte *at* of *archive* is wrong: see that a retrieval of *names* says so."""
    hit, whole = vault.reached(names, archive, at)
    outcome, found = vault.retrieve(*names)
    asked = {name for name in vault.wanted if names != FEW or name in FEW}
    assert found == {name: vault.wanted[name] for name in asked - hit}, kind
    assert outcome.exit is (Exit.MISMATCH if hit or whole else Exit.DONE), (kind, hit, whole)
    assert outcome.failed == len(hit), kind
    assert {each.path.decode() for each in vault.world.told if isinstance(each, Trouble)} >= hit, kind


def swapped(vault: Vault, one: Archive, other: Archive) -> None:
    """Let two archives have each other's bytes, as far as they are long."""
    contents = vault.rest.read(one.archive_id), vault.rest.read(other.archive_id)
    vault.rest.write(one.archive_id, contents[1][: one.size].ljust(one.size, b"\0"))
    vault.rest.write(other.archive_id, contents[0][: other.size].ljust(other.size, b"\0"))


def volumes(vault: Vault, name: str) -> list[Archive]:
    """The archives of a file, in its order."""
    [version] = select(name, catalog=vault.world.catalog, host=HOST)
    with vault.world.catalog.read() as records:
        lying = records.versions.extents(version.version_id, vault.world.vault.vault_id)
        keys = dict.fromkeys(each.archive_key for each in lying)
        return [records.archives.get(key) for key in keys]


def test_volumes_in_each_others_place(vault: Vault) -> None:
    """Volumes of one set swapped, or one replaced by that of another file: what they hold is missing with exit 7."""
    noise, more = volumes(vault, "r/big.noise"), volumes(vault, "r/more.noise")
    stream = volumes(vault, "stdin/dump")
    assert len(stream) == 2
    pairs = [(noise[0], more[0]), *([(noise[0], noise[1]), (noise[1], more[0])] if len(noise) > 1 else [])]
    before = [vault.rest.read(each.archive_id) for each in (*noise, *more)]
    for one, other in pairs:
        swapped(vault, one, other)
        lost = {"r/big.noise"} if one in noise and other in noise else {"r/big.noise", "r/more.noise"}
        outcome, found = vault.retrieve("r")
        wanted = {name for name in vault.wanted if name.startswith("r/")} - lost
        assert (outcome.exit, found) == (Exit.MISMATCH, {name: vault.wanted[name] for name in wanted})
        for each, content in zip((*noise, *more), before, strict=True):
            vault.rest.write(each.archive_id, content)


def test_a_volume_of_another_stream(vault: Vault) -> None:
    """The last volume of another stream of the same length does not complete this one."""
    once = volumes(vault, "stdin/dump")
    send_stream(vault.world, FORMS[vault.form], bytes(reversed(STREAMED)), b"other")
    other = volumes(vault, "stdin/other")
    swapped(vault, once[1], other[1])
    outcome, found = vault.retrieve("stdin")
    assert (outcome.exit, found, outcome.failed) == (Exit.MISMATCH, {}, 2)


def test_volumes_that_end_early(vault: Vault) -> None:
    """A volume of which the service has lost the end brings nothing of its file, nor a wrong byte of another."""
    archive = volumes(vault, "stdin/dump")[0]
    whole = vault.rest.read(archive.archive_id)
    vault.rest.write(archive.archive_id, whole[: len(whole) // 2] + bytes(len(whole) - len(whole) // 2))
    outcome, found = vault.retrieve("r", "stdin/dump")
    rest = {name: content for name, content in vault.wanted.items() if name != "stdin/dump"}
    assert (outcome.exit, found) == (Exit.MISMATCH, rest)


def test_segments_in_each_others_place(vault: Vault) -> None:
    """Segments of one archive swapped: their members are missing with exit 7, the others come."""
    for archive in vault.archives():
        segments, stored = vault.segments(archive), bytearray(vault.rest.read(archive.archive_id))
        if len(segments) < 2:
            continue
        one, other = segments[:2]
        first = stored[one.stored_offset :][: one.stored_length]
        second = stored[other.stored_offset :][: other.stored_length]
        between = stored[one.stored_offset + one.stored_length : other.stored_offset]
        stored[one.stored_offset : other.stored_offset + other.stored_length] = second + between + first
        vault.rest.write(archive.archive_id, bytes(stored))
        hit = vault.reached(("r", "stdin/dump"), archive, one.stored_offset)[0]
        hit |= vault.reached(("r", "stdin/dump"), archive, other.stored_offset)[0]
        outcome, found = vault.retrieve("r", "stdin/dump")
        rest = {name: content for name, content in vault.wanted.items() if name not in hit}
        assert (outcome.exit, found) == (Exit.MISMATCH, rest)
        return
    assert vault.form in ("plain", "auto")


def test_flips_of_what_only_the_vault_knows(vault: Vault) -> None:
    """After the catalog is lost, an adopted bundle that was damaged ends with 7 too: members that are right come."""
    chance = random.Random(vault.form)
    bundle = volumes(vault, "r/folder/03")[0]
    stored = bytearray(vault.rest.read(bundle.archive_id))
    again = vault.forgotten()
    for _, where in regions(bytes(stored), vault.segments(bundle)):
        at = chance.randrange(where.start, where.stop)
        stored[at] ^= 128
        vault.rest.write(bundle.archive_id, bytes(stored))
        outcome, found = again.retrieve(f"archive:{bundle.archive_id}")
        assert outcome.exit is Exit.MISMATCH
        assert found.items() <= vault.wanted.items()
        stored[at] ^= 128
    vault.rest.write(bundle.archive_id, bytes(stored))
    outcome, found = again.retrieve(f"archive:{bundle.archive_id}")
    assert (outcome.exit, bool(found), found.items() <= vault.wanted.items()) == (Exit.DONE, True, True)
    again.world.catalog.close()


def test_a_catalog_that_points_elsewhere(vault: Vault) -> None:
    """Where the catalog's extents do not point at a file's bytes, what lies there is not taken for the file."""
    with sqlite3.connect(vault.world.folder / "catalog.db") as db:
        shift = "UPDATE extents SET offset = offset - 512 WHERE offset >= 512 AND length > 0"
        assert db.execute(shift).rowcount
    outcome, found = vault.retrieve("r", "stdin/dump")
    assert outcome.exit is Exit.MISMATCH
    assert found.items() <= vault.wanted.items()


def test_an_end_that_cannot_be_read(vault: Vault) -> None:
    """While the service cannot bring an archive's last bytes nothing wrong is placed; once it can, all comes."""
    archive = volumes(vault, "stdin/dump")[0]
    whole = vault.rest.read(archive.archive_id)
    vault.rest.truncate(archive.archive_id, len(whole) // 2)
    with pytest.raises(GlacierkeepError):
        vault.retrieve("stdin/dump")
    back = vault.backs / "1"
    assert not (back / "stdin").exists()
    vault.rest.write(archive.archive_id, whole)
    outcome = vault.world.retrieve("stdin/dump", to=back, unseal=unseal, wait=True)
    assert (outcome.exit, (back / "stdin/dump").read_bytes()) == (Exit.DONE, STREAMED)


@pytest.mark.parametrize("part", [2, 10])
def test_archives_that_became_shorter(vault: Vault, part: int) -> None:
    """An archive that is shorter in the vault than it was is damaged, exit 7; what lies in others still comes."""
    archive = volumes(vault, "stdin/dump")[0]
    vault.rest.shorten(archive.archive_id, archive.size // part)
    outcome, _ = vault.retrieve("stdin/dump")
    assert outcome.exit == Exit.MISMATCH
    assert not (vault.backs / "1/stdin").exists()
    outcome, found = vault.retrieve("r")
    wanted = {name: content for name, content in vault.wanted.items() if name.startswith("r/")}
    assert (outcome.exit, found) == (Exit.DONE, wanted)
