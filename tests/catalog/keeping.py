"""A clock that is turned by hand, and short ways to fill a catalog."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import md5, sha256

from glacierkeep.catalog import Catalog
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.hashes import Hashes, hash_content
from glacierkeep.domain.records import NewArchive, NewVersion, Piece, Root, Vault, Version


class HandClock:
    """A clock that stands still until it is turned."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)

    def turn(self, **step: float) -> datetime:
        self.time += timedelta(**step)
        return self.time


@dataclass
class Kept:
    """A catalog with a vault, a root and a run, and what a test says of them."""

    catalog: Catalog
    clock: HandClock
    vault: Vault
    root: Root
    run: int
    archives: int = 0

    def new_archive(self, size: int = 1000, vault: Vault | None = None, kind: str = "bundle") -> NewArchive:
        """An acknowledged archive that nobody has seen before."""
        self.archives += 1
        name = f"archive-{self.archives:06d}"
        tree_hash = sha256(name.encode()).digest()
        return NewArchive(
            vault_id=(vault or self.vault).vault_id,
            archive_id=name,
            kind=kind,
            size=size,
            md5=md5(name.encode(), usedforsecurity=False).digest(),
            tree_hash=tree_hash,
            description="{}",
            token=f"{self.archives:026d}",
            part_size=1 << 20,
            created_at=self.clock.now(),
        )

    def archive(self, size: int = 1000, vault: Vault | None = None, kind: str = "bundle") -> int:
        """Such an archive, recorded; its key."""
        with self.catalog.write() as records:
            return records.archives.acknowledge(self.new_archive(size, vault, kind))

    def record(
        self, *new: NewVersion, archive: int | None = None, vault: Vault | None = None, adopted: bool = False
    ) -> list[int]:
        """Record *new*, in an archive of their own unless one is given; the keys of the versions."""
        key = self.archive(vault=vault) if archive is None else archive
        vault_id = (vault or self.vault).vault_id
        run = None if adopted else self.run
        with self.catalog.write() as records:
            return records.versions.record(run, self.root.root_id, vault_id, key, new, adopted=adopted)

    def next_run(self, **step: float) -> int:
        """A later run."""
        self.clock.turn(**(step or {"days": 1}))
        with self.catalog.write() as records:
            self.run = records.runs.start(self.root.root_id, self.vault.vault_id)
        return self.run

    def gone(self, *paths: bytes) -> int:
        """The present run did not find *paths*."""
        with self.catalog.write() as records:
            return records.tree.mark_gone(self.run, self.root.root_id, paths)

    def known(self, path: bytes, vault: Vault | None = None):
        """What is known of *path*, or None."""
        folder, _, name = path.rpartition(b"/")
        with self.catalog.read() as records:
            key = records.tree.find_folder(self.root.root_id, folder)
            if key is None:
                return None
            return records.tree.known_at(key, (vault or self.vault).vault_id, name)

    def paths(self, path: bytes = b"", **view) -> list[bytes]:
        """The paths below *path*, label cut off, as they are walked."""
        label = self.root.label.encode() + b"/"
        return [version.path.removeprefix(label) for version in self.versions(path, **view)]

    def versions(self, path: bytes = b"", **view) -> list[Version]:
        return list(self.catalog.versions_below(self.root, path, **view))

    def other_vault(self) -> Vault:
        with self.catalog.write() as records:
            return records.vaults.remember("glacier://eu-west-1/other")


def a_file(path: bytes, content: bytes = b"content", **change) -> NewVersion:
    """A small file that lies at the start of its archive."""
    hashes = change.pop("hashes", hash_content(content))
    said = {
        "kind": FileKind.FILE,
        "size": len(content),
        "mtime_ns": 1_500_000_000_123_456_789,
        "mode": 0o644,
        "inode": 7,
        "hashes": hashes,
        "pieces": (Piece(0, len(content)),),
    }
    return NewVersion(path=path, **(said | change))


def a_folder(path: bytes, **change) -> NewVersion:
    """A folder's own metadata, without any bytes."""
    said = {"kind": FileKind.FOLDER, "size": 0, "mtime_ns": 1, "mode": 0o755, "inode": 9, "hashes": None}
    return NewVersion(path=path, **(said | change))


def some_hashes(size: int, seed: int = 0) -> Hashes:
    """Hashes of a content that need not exist."""
    said = f"{size}:{seed}".encode()
    return Hashes(size, md5(said, usedforsecurity=False).digest(), sha256(said).digest())


def keep(catalog: Catalog, clock: HandClock) -> Kept:
    """A first vault, root and run in *catalog*."""
    with catalog.write() as records:
        vault = records.vaults.remember("local:default")
        root = records.roots.add("photos", "host", b"/home/me/photos")
        run = records.runs.start(root.root_id, vault.vault_id)
    return Kept(catalog, clock, vault, root, run)
