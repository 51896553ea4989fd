"""How bundles are filled: what a member takes of a tar, and when a bundle is full. Sizes in bytes."""

from dataclasses import dataclass

from glacierkeep.domain.files import Entry, FileKind
from glacierkeep.domain.limits import MIB

DEFAULT_BUNDLE_SIZE = 256 * MIB
DEFAULT_BUNDLE_THRESHOLD = 16 * MIB
MOST_MEMBERS = 10_000
"""A bundle's members are known in memory while it is made and recorded in one transaction."""

MOST_MEMBERS_EVER = 100_000
"""As many as may be configured: a manifest that lists more is none of ours."""

_BLOCK = 512
_MANIFEST_LINE = 320


def member_size(name: bytes, entry: Entry) -> int:
    """About what *entry* takes in a bundle under *name*: headers, content, padding and its line in the manifest."""
    content = entry.size if entry.kind is FileKind.FILE else 0
    text = len(name) + len(entry.target or b"")
    extended = _BLOCK + _blocks(text + 64)
    return _BLOCK + extended + _blocks(content) + _MANIFEST_LINE + 2 * text


def _blocks(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


@dataclass(slots=True)
class Filling:
    """How full the bundle under way is."""

    target: int = DEFAULT_BUNDLE_SIZE
    most: int = MOST_MEMBERS
    size: int = 0
    members: int = 0

    def has_room_for(self, name: bytes, entry: Entry) -> bool:
        """Whether one more member fits; the first one always does."""
        if not self.members:
            return True
        return self.members < self.most and self.size + member_size(name, entry) <= self.target

    def add(self, name: bytes, entry: Entry) -> None:
        self.size += member_size(name, entry)
        self.members += 1

    def empty(self) -> None:
        self.size = self.members = 0
