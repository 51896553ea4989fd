"""Archives as somebody else might craft them, true or lying, in every form that gk reads."""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from glacierkeep.bundle.frames import compress
from glacierkeep.bundle.headers import FILE, TarMember, header, padding
from glacierkeep.bundle.seek_table import seek_table
from glacierkeep.bundle.storing import sealed_name
from glacierkeep.bundle.tail import manifest_head, tail
from glacierkeep.domain.hashes import hash_content
from glacierkeep.domain.limits import MIB
from glacierkeep.domain.manifest import segment_line
from glacierkeep.domain.segments import Codec, SealKind, Segment
from glacierkeep.stores.store import Body, Store
from glacierkeep.transfer.parts import part_body
from support.sealing import seal
from support.world import World

TOKEN = "0123456789abcdefghjkmnpqrs"
SEGMENT = 2 * MIB
"""Plain bytes of one frame or sealed segment here."""

Segments = list[Segment]


def same(segments: Segments) -> Segments:
    """No lie."""
    return segments


@dataclass
class Crafted:
    """A bundle in the making: *body* is its members' tar, *lines* what its manifest says of them."""

    body: bytearray = field(default_factory=bytearray)
    lines: list[bytes] = field(default_factory=list)
    first: bytes | None = None
    """The manifest's first line, if not the true one."""

    def file(self, name: str, content: bytes, /, **lies: Any) -> "Crafted":
        """A file; what is said of it but is not true comes as *lies*, None for what is not said at all."""
        self.body += header(TarMember(name.encode() or b"x", FILE, len(content)))
        at = len(self.body)
        self.body += content + padding(len(content))
        return self.say(**line_of(name, content, at) | lies)

    def nothing(self, path: str, kind: str, **more: Any) -> "Crafted":
        """What has no content: a folder, a link."""
        self.body += header(TarMember(path.encode() or b"x", FILE, 0))
        plain = {
            "path": path,
            "offset": len(self.body),
            "size": 0,
            "mtime_ns": 0,
            "mode": "755",
            "kind": kind,
        }
        return self.say(**plain | more)

    def say(self, **said: Any) -> "Crafted":
        """A line of the manifest alone."""
        return self.raw(json.dumps({key: value for key, value in said.items() if value is not None}).encode())

    def raw(self, line: bytes) -> "Crafted":
        """A line of any bytes."""
        self.lines.append(line + b"\n")
        return self

    def plain(self) -> bytes:
        """As a plain tar."""
        return bytes(self.body) + self._tail(())

    def framed(self, segment: int = SEGMENT) -> bytes:
        """As a .tar.zst."""
        return framed(cut(self.plain(), segment))

    def sealed(
        self, lie: Callable[[Segments], Segments] = same, seal: Callable[[bytes], bytes] = seal
    ) -> bytes:
        """As sealed segments, with zstd in all but the second; *lie* changes what the manifest says of them."""
        content = cut(bytes(self.body), SEGMENT)
        parts, segments = sealed_parts(content, seal)
        rest = cut(self._tail(lie(segments)), SEGMENT)
        more, _ = sealed_parts(rest, seal, len(parts))
        return outer([*parts, *more])

    def _tail(self, segments: Sequence[Segment]) -> bytes:
        listed = b"".join(self.lines)
        head = manifest_head(len(self.lines), segments)
        if self.first is not None:
            head = self.first + b"\n" + b"".join(map(segment_line, segments))
        return b"".join(tail(head, [listed], len(listed), len(self.body)))


def line_of(path: str, content: bytes, at: int) -> dict[str, Any]:
    """The true line of a file."""
    hashes = hash_content(content)
    assert hashes.md5 is not None
    return {
        "path": path,
        "offset": at,
        "size": len(content),
        "md5": hashes.md5.hex(),
        "tree_hash": hashes.tree_hash.hex(),
        "mtime_ns": 1_500_000_000_123_456_789,
        "mode": "644",
        "kind": "file",
    }


def cut(content: bytes, size: int) -> list[bytes]:
    """*content* in pieces of *size*."""
    return [content[at : at + size] for at in range(0, len(content), size)]


def framed(plains: Iterable[bytes]) -> bytes:
    """A frame of each, and their table."""
    frames = [(compress(plain, 3), len(plain)) for plain in plains]
    table = seek_table([(len(frame), plain) for frame, plain in frames])
    return b"".join(frame for frame, _ in frames) + table


def sealed_parts(
    plains: Iterable[bytes], seal: Callable[[bytes], bytes], before: int = 0
) -> tuple[list[tuple[bytes, bytes]], Segments]:
    """Name and sealed bytes of each part, and where they lie after *before* others, of which there must be none."""
    parts, segments, at = [], [], 0
    for number, plain in enumerate(plains, start=before + 1):
        codec = Codec.PLAIN if number == 2 else Codec.ZSTD
        sealed = seal(compress(plain, 3) if codec is Codec.ZSTD else plain)
        parts.append((sealed_name(number, codec), sealed))
        digest = hashlib.sha256(sealed).digest()
        segments.append(Segment(at + 512, len(sealed), len(plain), codec, SealKind.AGE, digest))
        at += 512 + len(sealed) + len(padding(len(sealed)))
    return parts, segments


def outer(parts: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The outer tar of a sealed archive."""
    blocks = [
        header(TarMember(name, FILE, len(sealed))) + sealed + padding(len(sealed)) for name, sealed in parts
    ]
    return b"".join(blocks) + bytes(1024)


def put(world: World, content: bytes, kind: str) -> str:
    """*content* in the vault under a description that says it is ours; its archive id."""
    return put_into(world.store, content, kind)


def put_into(store: Store, content: bytes, kind: str) -> str:
    """The same, into the vault of any *store*."""
    said = {"gk": 1, "t": TOKEN, "c": TOKEN[:8], "k": kind}
    body = part_body(content)
    return store.upload_archive(
        Body(body.content, body.length, body.sha256, body.tree_hash), json.dumps(said, separators=(",", ":"))
    )


def put_all(world: World, crafted: Crafted) -> dict[str, str]:
    """*crafted* in the vault in every form, and known to the catalog by the ids: form to id."""
    ids = {
        "plain": put(world, crafted.plain(), "bundle"),
        "framed": put(world, crafted.framed(), "bundle"),
        "sealed": put(world, crafted.sealed(), "sealed"),
    }
    world.sync()
    return ids
