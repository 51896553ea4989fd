"""Which root a path belongs to, and under what label a new one goes."""

import os
import stat
from collections.abc import Set
from dataclasses import dataclass

from glacierkeep.catalog import Catalog
from glacierkeep.domain import names
from glacierkeep.domain.labels import NO_HOST, is_claimable, trouble_with_label
from glacierkeep.domain.records import Root
from glacierkeep.errors import NoSuchFile, NothingToDo, RootLooksEmpty, UsageError

STANDARD_INPUT_LABEL = "stdin"
STANDARD_INPUT_PATH = b"-"
"""What stands for the path of the root that standard input goes to: no folder has it."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What one pass looks at: *start*, a path below the root at *path*; b"" means all of it.

    *root* is None while it is new and nothing was written down, or one that is still to be claimed. *single* says
    that *start* is no folder.
    """

    root: Root | None
    label: str
    path: bytes
    start: bytes
    single: bool


def choose_scope(given: bytes, *, label: str | None, host: str, catalog: Catalog) -> Scope:
    """The scope that the path *given* on the command line means.

    A path inside a known root belongs to it; otherwise a folder is a new root, and a file's parent is.
    Raises NoSuchFile if nothing is there, RootLooksEmpty if a root was there, UsageError if *label* does not fit.
    """
    _check_root_is_there(given, host, catalog)
    path, single = _resolve(given)
    with catalog.read() as records:
        root = records.roots.holding(host, path)
        if root is None and single:
            path, name = os.path.dirname(path), os.path.basename(path)
            root = records.roots.holding(host, path)
        else:
            name = b""
        if root is not None:
            if label not in (None, root.label):
                raise UsageError(f"{names.printable(given)} belongs to the root {root.label}, not {label}")
            start = os.path.relpath(names_joined(path, name), root.path)
            return Scope(root, root.label, root.path, b"" if start == b"." else start, single)
        roots = {each.label: each for each in records.roots.all()}
    free = {each for each, root in roots.items() if is_claimable(root)}
    wanted = _free_label(path, label, host, roots.keys() - free)
    return Scope(roots.get(wanted), wanted, path, name, single)


@dataclass(frozen=True, slots=True)
class Place:
    """What lies below *start* in *root*; b"" means all of it."""

    root: Root
    start: bytes

    def holds(self, path: bytes) -> bool:
        """Whether *path*, below the root, is there."""
        return not self.start or path == self.start or path.startswith(self.start + b"/")


def place_of(given: bytes, *, label: str, host: str, catalog: Catalog) -> Place:
    """Where in a known root the path *given* lies, be it there or not; `-` is standard input under *label*.

    Raises NothingToDo if nothing was ever uploaded from there.
    """
    path = STANDARD_INPUT_PATH + label.encode() if given == b"-" else _absolute(given)
    with catalog.read() as records:
        root = records.roots.at(host, path) if given == b"-" else records.roots.holding(host, path)
    if root is None:
        raise NothingToDo(
            f"nothing was ever uploaded from {names.printable(given)}",
            hint="gk ls lists the roots; gk status tells what is unfinished",
        )
    start = b"" if path == root.path else os.path.relpath(path, root.path)
    return Place(root, start)


def _absolute(given: bytes) -> bytes:
    """The absolute path without symlinks on its way; a symlinked folder is followed."""
    if os.path.isdir(given):
        return os.path.realpath(given)
    path = os.path.abspath(given)
    return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))


def names_joined(path: bytes, name: bytes) -> bytes:
    """*name* inside the absolute *path*; *path* itself for an empty name."""
    return os.path.join(path, name) if name else path


def settle_root(scope: Scope, *, host: str, catalog: Catalog) -> Root:
    """The scope's root, written down if it is new, claimed if adoption made it."""
    if scope.root is not None and scope.root.host != NO_HOST:
        return scope.root
    with catalog.write() as records:
        root = records.roots.at(host, scope.path)
        if root is not None:
            return root
        held = records.roots.by_label(scope.label)
        if held is not None and is_claimable(held):
            return records.roots.claim(held.root_id, host, scope.path)
        try:
            return records.roots.add(scope.label, host, scope.path)
        except ValueError as error:
            raise UsageError(f"the label {scope.label} is taken", hint="choose one with --label") from error


def check_label(label: str) -> None:
    """Raises UsageError for what cannot be a label: the first component of every name as archived."""
    trouble = trouble_with_label(label)
    if trouble:
        raise UsageError(f"{names.printable(os.fsencode(label))!r} is no label: {trouble}")


def _check_root_is_there(given: bytes, host: str, catalog: Catalog) -> None:
    """Raises RootLooksEmpty if *given*, or what a symlink there leads to, lies in a root whose folder is gone."""
    if os.path.exists(given):
        return
    with catalog.read() as records:
        root = records.roots.holding(host, os.path.realpath(given))
    if root is not None and not os.path.isdir(root.path):
        raise RootLooksEmpty(
            f"the folder {names.printable(root.path)} of the root {root.label} is not there;"
            " nothing was recorded as gone",
            hint="is its disk mounted?",
        )


def _resolve(given: bytes) -> tuple[bytes, bool]:
    """The absolute path without symlinks on its way, and whether it is no folder. A symlinked folder is followed."""
    try:
        if os.path.isdir(given):
            return os.path.realpath(given), False
        path = _absolute(given)
        mode = os.lstat(path).st_mode
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise NoSuchFile(f"{names.printable(given)} cannot be read: {reason}") from error
    if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
        raise UsageError(f"{names.printable(given)} is neither a file, a folder nor a symlink")
    return path, True


def _free_label(path: bytes, wanted: str | None, host: str, taken: Set[str]) -> str:
    if wanted is not None:
        check_label(wanted)
        if wanted in taken:
            raise UsageError(
                f"the label {wanted} is taken by another root", hint="choose another with --label"
            )
        return wanted
    name = names.readable(os.path.basename(path)).lstrip(".") or "root"
    name = "".join(character if character.isprintable() else "_" for character in name)
    for label in (name, f"{name}@{host}"):
        if label not in taken | {STANDARD_INPUT_LABEL} and len(label.encode()) <= names.MAX_NAME:
            return label
    raise UsageError(
        f"the labels {name} and {name}@{host} are taken by other roots",
        hint=f"choose one for {names.printable(path)} with --label",
    )
