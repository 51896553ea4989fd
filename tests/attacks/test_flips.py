"""Bytes that changed in the vault: what they touch is told of and not placed; all the rest comes back right."""

import io
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from glacierkeep.bundle.read import find_end, read_manifest
from glacierkeep.bundle.rules import Rules
from glacierkeep.bundle.seek_table import table_length
from glacierkeep.bundle.storing import Coding
from glacierkeep.domain.limits import MIB
from glacierkeep.domain.parts import ByteRange
from glacierkeep.domain.records import Archive
from glacierkeep.domain.segments import Codec, SealKind, Segment
from glacierkeep.errors import Exit
from glacierkeep.events import Trouble
from glacierkeep.operations.retrieval_plan import plan_retrieval, stored_range
from glacierkeep.operations.retrieve import RetrievalOutcome
from glacierkeep.operations.scan import Looking
from glacierkeep.operations.selection import select
from glacierkeep.operations.standard_input import upload_standard_input
from support.at_rest import AtRest
from support.sealing import FORMS, SMALL_VOLUMES, unseal
from support.world import HOST, World, a_world

STREAMED = random.Random(11).randbytes(3 * MIB + 5)
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
        return outcome, {name: each.read_bytes() for name, each in found.items()}

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
            ranges = [stored_range(each) for each in extents if each.archive_key == archive.archive_key]
            if any(each.start <= at < each.stop for each in ranges):
                hit.add(version.path.decode())
        jobs = plan_retrieval(found, self.world.vault.vault_id, catalog=self.world.catalog).jobs
        return hit, any(job.archive == archive and job.range is None for job in jobs)


@pytest.fixture(params=FORMS)
def vault(request: pytest.FixtureRequest, tmp_path: Path, outside: Path) -> Iterator[Vault]:
    """A vault in each form."""
    chance = random.Random(5)
    root = tmp_path / "back-source" / "r"
    (root / "folder").mkdir(parents=True)
    for number in range(12):
        content = chance.randbytes(300_000) if number % 2 else b"the same line again %d\n" % number * 15_000
        (root / "folder" / f"{number:02}").write_bytes(content)
    (root / "big.text").write_bytes(b"a line of a big file\n" * 150_000)
    (root / "big.noise").write_bytes(chance.randbytes(4 * MIB))
    (root / "more.noise").write_bytes(chance.randbytes(4 * MIB))
    wanted = {
        str(each.relative_to(root.parent)): each.read_bytes() for each in root.rglob("*") if each.is_file()
    }
    with a_world(tmp_path / "world") as world:
        world.upload(root, sizes=SMALL_VOLUMES, coding=FORMS[request.param])
        send_stream(world, FORMS[request.param])
        rest = AtRest(tmp_path / "world" / "local")
        yield Vault(world, rest, request.param, wanted | {"stdin/dump": STREAMED}, tmp_path / "backs")


def send_stream(world: World, coding: Coding) -> None:
    upload_standard_input(
        io.BytesIO(STREAMED), b"dump", world.vault, catalog=world.catalog, store=world.store,
        staging=world.staging, clock=world.clock, host=HOST, looking=Looking(Rules()), sizes=SMALL_VOLUMES,
        coding=coding, jobs=1,
    )  # fmt: skip


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
    kinds = set()
    for archive in vault.archives():
        stored = vault.rest.read(archive.archive_id)
        for kind, where in regions(stored, vault.segments(archive)):
            kinds.add(kind)
            at = chance.randrange(where.start, where.stop)
            flipped = bytearray(stored)
            flipped[at] ^= 1 << chance.randrange(8)
            vault.rest.write(archive.archive_id, bytes(flipped))
            for names in (("r", "stdin/dump"), FEW):
                check(vault, names, archive, at, kind)
        vault.rest.write(archive.archive_id, stored)
    outcome, found = vault.retrieve("r", "stdin/dump")
    assert (outcome.exit, found, len(kinds) > 3) == (Exit.DONE, vault.wanted, True)


def check(vault: Vault, names: tuple[str, ...], archive: Archive, at: int, kind: str) -> None:
    """The byte *at* of *archive* is wrong: see that a retrieval of *names* says so."""
    hit, whole = vault.reached(names, archive, at)
    outcome, found = vault.retrieve(*names)
    asked = {name for name in vault.wanted if names != FEW or name in FEW}
    assert found == {name: vault.wanted[name] for name in asked - hit}, kind
    assert outcome.exit is (Exit.MISMATCH if hit or whole else Exit.DONE), (kind, hit, whole)
    assert outcome.failed == len(hit), kind
    assert {each.path.decode() for each in vault.world.told if isinstance(each, Trouble)} >= hit, kind
