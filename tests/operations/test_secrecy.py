"""Promise 9: of what goes into an encrypted vault nothing derived from the plaintext can be read outside."""

import base64
import hashlib
import io
import json
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from glacierkeep.domain.limits import MIB
from glacierkeep.domain.treehash import tree_hash
from glacierkeep.local import LocalGlacier
from glacierkeep.local.wire.messages import Request, Response
from glacierkeep.operations.delete import delete
from support.sealing import FORMS, SMALL_VOLUMES, unseal
from support.world import HOST, World

LABEL = "secretlabel"
FILES = {
    "wedding in rome.txt": b"a line that nobody else may read\n" * 3000,
    "Müller.text": b"umlaut",
    "deep folder/film.noise": random.Random(3).randbytes(5 * MIB + 3),
}
PIPED = ("pipe-of-secrets.sql", random.Random(8).randbytes(3 * MIB))
MTIME = 1_562_235_072_123_456_789


@dataclass
class Tap:
    """Stands between gk and the service and keeps all that was sent, as the other side sees it."""

    service: LocalGlacier
    sent: bytearray = field(default_factory=bytearray)

    def __call__(self, request: Request) -> Response:
        body = b"".join(iter(lambda: request.body.read(1 << 20), b""))
        self.sent += repr(
            (request.method, request.path, request.query, sorted(request.headers.items()))
        ).encode()
        self.sent += body
        return self.service(
            Request(request.method, request.path, request.query, request.headers, io.BytesIO(body))
        )

    def now(self) -> datetime:
        return self.service.now()

    def advance(self, by: timedelta) -> None:
        self.service.advance(by)

    def close(self) -> None:
        self.service.close()


@contextmanager
def tapped(world: World) -> Iterator[bytearray]:
    """What is sent while this lasts."""
    tap = Tap(world.service.service)
    world.service.service = tap  # type: ignore[assignment]
    yield tap.sent
    world.service.service = tap.service


def spellings(text: str) -> Iterator[bytes]:
    """*text* as it may stand in a header, a JSON text or a tar."""
    raw = text.encode()
    yield raw
    yield quote(text).encode()
    yield json.dumps(text)[1:-1].encode()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(raw).rstrip(b"=")


def digests(content: bytes) -> Iterator[bytes]:
    """The hashes of *content*, raw and in hexadecimal."""
    found = (hashlib.md5(content).digest(), hashlib.sha256(content).digest(), tree_hash(content))
    for digest in found:
        yield digest
        yield digest.hex().encode()
        yield base64.b64encode(digest).rstrip(b"=")


def secrets() -> dict[str, list[bytes]]:
    """What must not be found, by what it is of."""
    found = {
        f"the name {name}": list(spellings(name.rpartition("/")[2])) for name in (LABEL, *FILES, PIPED[0])
    }
    found["the folder"] = list(spellings("deep folder"))
    found["the time"] = [str(MTIME).encode(), b"20190704T101112Z"]
    for name, content in (*FILES.items(), PIPED):
        found[f"the content of {name}"] = [content[:64]]
        found[f"a hash of {name}"] = [*digests(content), *digests(content[: 2 * MIB])]
    return found


def live(world: World, root: Path, form: str) -> None:
    """Upload, pipe, upload again, each with a copy of the records; retrieve, reconcile and delete."""
    said = {"sizes": SMALL_VOLUMES, "coding": FORMS[form]}
    world.upload(root, **said)
    assert world.copy_catalog(FORMS[form])
    world.pipe(PIPED[1], PIPED[0].encode(), label="stdin", **said)
    (root / "wedding in rome.txt").write_bytes(FILES["wedding in rome.txt"] + b"another line\n")
    world.upload(root, **said)
    assert world.copy_catalog(FORMS[form])
    world.retrieve(LABEL, to=root.parent / "back", unseal=unseal, wait=True)
    world.sync()
    delete(
        [f"{LABEL}/deep folder"], catalog=world.catalog, store_of=world.store_of, clock=world.clock, host=HOST
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with secrets in names, times and contents."""
    root = tmp_path / LABEL
    for name, content in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, ns=(MTIME, MTIME))
    return root


@pytest.mark.parametrize("form", ["sealed", "sealed-and-compressed"])
def test_nothing_of_a_secret_leaves(world: World, root: Path, form: str) -> None:
    """No request bears a name, a label, a time, a hash or content of what is sealed: not in any spelling."""
    with tapped(world) as sent:
        live(world, root, form)
    told = {what for what, spelt in secrets().items() if any(each in sent for each in spelt)}
    assert told == set()
    assert len(sent) > 8 * MIB


def test_the_search_finds_what_is_not_sealed(world: World, root: Path) -> None:
    """The same search finds each of these things when the vault is not encrypted: so it can find them."""
    with tapped(world) as sent:
        live(world, root, "plain")
    hidden = {what for what, spelt in secrets().items() if not any(each in sent for each in spelt)}
    assert hidden == set()
