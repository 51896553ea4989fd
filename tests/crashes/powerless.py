"""Disks as a power cut may leave them: what was synced is there, of the rest anything."""

import itertools
import os
import random
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from recording import Before, Deed

SECTOR = 512
MOODS = {"dropped": (0.0, 0.0), "kept": (1.0, 1.0), "reordered": (0.5, 0.5), "torn": (0.5, 0.5)}
MOODS |= {"names lost": (1.0, 0.0), "content lost": (0.0, 1.0)}
"""How likely it is that an unsynced change of a file's content, and one of a name, came to the disk all the same."""

_NAMES = ("make", "remove", "rename")


@dataclass
class Disk:
    """A folder in memory: numbers by path, and what bears them."""

    numbers: dict[str, int]
    contents: dict[int, bytearray]
    targets: dict[int, bytes]
    times: dict[int, int]
    modes: dict[int, int]
    folders: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, before: Before) -> "Disk":
        contents = {number: bytearray(content) for number, content in before.contents.items()}
        disk = cls(
            dict(before.numbers), contents, dict(before.targets), dict(before.times), dict(before.modes)
        )
        disk.folders = set(disk.numbers.values()) - set(contents) - set(disk.targets)
        return disk

    def do(self, deed: Deed) -> None:
        match deed.kind:
            case "write":
                self._write(self.contents.setdefault(deed.node, bytearray()), deed)
            case "truncate":
                content = self.contents.setdefault(deed.node, bytearray())
                del content[deed.at :]
                content.extend(bytes(deed.at - len(content)))
            case "times":
                self.times[deed.node] = deed.at
            case "mode":
                self.modes[deed.node] = deed.at
            case "make":
                self.know(deed)
                self.numbers[deed.path] = deed.node
            case "remove":
                if not any(path.startswith(deed.path + "/") for path in self.numbers):
                    self.numbers.pop(deed.path, None)
            case "rename":
                self.numbers.pop(deed.path, None)
                self.numbers[deed.other] = deed.node

    def know(self, deed: Deed) -> None:
        """What *deed* makes, or a symlink's time, without a name: it may have got another one that is there."""
        if deed.kind == "times":
            self.times[deed.node] = deed.at
        if deed.content == b"folder":
            self.folders.add(deed.node)
        elif deed.content.startswith(b"symlink "):
            self.targets[deed.node] = deed.content[8:]

    @staticmethod
    def _write(content: bytearray, deed: Deed) -> None:
        content.extend(bytes(max(0, deed.at + len(deed.content) - len(content))))
        content[deed.at : deed.at + len(deed.content)] = deed.content

    def lay(self, folder: Path) -> None:
        """Write it all to *folder*, which is emptied first. What lies in a folder that is not there is lost."""
        for path in folder.iterdir():
            _remove(path)
        made = {}
        for name, number in sorted(self.numbers.items()):
            if name == str(folder) or os.path.isdir(os.path.dirname(name)):
                self._lay_one(name, number, made.get(number))
                made.setdefault(number, name)
        for name, number in sorted(self.numbers.items(), reverse=True):
            if os.path.lexists(name) and number not in self.targets:
                os.chmod(name, self.modes.get(number, 0o700 if number in self.folders else 0o600))
                at = self.times.get(number, 0)
                os.utime(name, ns=(at, at))

    def _lay_one(self, name: str, number: int, twin: str | None) -> None:
        if number in self.folders:
            os.makedirs(name, exist_ok=True)
        elif number in self.targets:
            os.symlink(self.targets[number], name)
            at = self.times.get(number, 0)
            os.utime(name, ns=(at, at), follow_symlinks=False)
        elif twin is not None:
            os.link(twin, name)
        else:
            Path(name).write_bytes(self.contents.get(number, b""))


def after_power_loss(before: Before, deeds: Sequence[Deed], far: str, mood: str, dice: random.Random) -> Disk:
    """The disk once the power failed after *deeds*. What lies below *far* is the service's, and is there.

    A symlink, which cannot be synced, has its time wherever it has a name.
    """
    disk, of_content, of_names = Disk.of(before), *MOODS[mood]
    for deed, durable in zip(deeds, _durable(deeds), strict=True):
        if deed.path.startswith(far) or durable:
            disk.do(deed)
        elif deed.kind == "make" or deed.node in disk.targets:
            disk.know(deed)
            if dice.random() < of_names:
                disk.do(deed)
        elif dice.random() < (of_names if deed.kind in _NAMES else of_content):
            for piece in _torn(deed, dice) if mood == "torn" else [deed]:
                disk.do(piece)
    return disk


def at_risk(before: Before, deeds: Sequence[Deed], apart: tuple[str, ...]) -> list[str]:
    """What is there after all *deeds*, names or content, *apart* from some folders, and may be gone with the power."""
    disk = Disk.of(before)
    for deed in deeds:
        disk.do(deed)
    alive = set(disk.numbers.values())
    return [
        f"{deed.kind} {deed.path} {deed.other}".strip()
        for deed, durable in zip(deeds, _durable(deeds), strict=True)
        if not durable
        and not deed.path.startswith(apart)
        and (
            disk.numbers.get(deed.other or deed.path) == deed.node
            if deed.kind in _NAMES
            else deed.node in alive - disk.targets.keys() and deed.kind != "sync"
        )
    ]


def _durable(deeds: Sequence[Deed]) -> list[bool]:
    """Which were followed by a sync: of the file, or, for a name, of the folder that holds it."""
    durable, files, folders = [], set[int](), set[str]()
    for deed in reversed(deeds):
        if deed.kind == "sync":
            files.add(deed.node)
            folders.add(deed.path)
        synced = {os.path.dirname(path) for path in (deed.path, deed.other) if path} <= folders
        durable.append(synced if deed.kind in _NAMES else deed.node in files)
    return durable[::-1]


def _torn(deed: Deed, dice: random.Random) -> list[Deed]:
    """A write of which some sectors did not come to the disk."""
    if deed.kind != "write":
        return [deed]
    start, end = deed.at, deed.at + len(deed.content)
    cuts = [start, *range((start // SECTOR + 1) * SECTOR, end, SECTOR), end]
    return [
        Deed("write", deed.path, deed.node, at, deed.content[at - start : until - start])
        for at, until in itertools.pairwise(cuts)
        if dice.random() < 0.5
    ]


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
