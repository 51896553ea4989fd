"""gk upload --dry-run: what a pass would send, in how many archives and requests."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from glacierkeep.bundle.folder import open_root
from glacierkeep.bundle.storing import Coding
from glacierkeep.catalog import Catalog
from glacierkeep.domain import names
from glacierkeep.domain.cutting import pieces
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.filling import Filling
from glacierkeep.domain.forms import Sizes
from glacierkeep.domain.parts import ByteRange, choose_part_size, request_count
from glacierkeep.domain.records import Vault
from glacierkeep.errors import Exit, SourceChanged, most_serious
from glacierkeep.events import Listener, nobody
from glacierkeep.operations.choosing_form import is_to_be_compressed
from glacierkeep.operations.content import judge, source_of
from glacierkeep.operations.roots import Scope, choose_scope
from glacierkeep.operations.scan import Change, Looking, Plan, scan
from glacierkeep.operations.upload import UploadOutcome


def preview(
    path: bytes,
    vault: Vault,
    *,
    catalog: Catalog,
    staging: Path,
    host: str,
    looking: Looking,
    sizes: Sizes,
    coding: Coding,
    label: str | None = None,
    tell: Listener = nobody,
    stop: Callable[[], bool] = lambda: False,
) -> UploadOutcome:
    """What `upload` would do; nothing is sent and nothing written down."""
    scope = choose_scope(path, label=label, host=host, catalog=catalog)
    plan = scan(scope, vault.vault_id, looking, catalog=catalog, staging=staging, tell=tell, stop=stop)
    try:
        root_fd = open_root(scope.path)
        try:
            return _foresee(scope, plan, vault, sizes, coding, root_fd, catalog=catalog, stop=stop)
        finally:
            os.close(root_fd)
    finally:
        plan.close()


def _foresee(
    scope: Scope,
    plan: Plan,
    vault: Vault,
    sizes: Sizes,
    coding: Coding,
    root_fd: int,
    *,
    catalog: Catalog,
    stop: Callable[[], bool],
) -> UploadOutcome:
    """Fill bundles in thought as `Sending` does in deed."""
    count = _Foreseen(sizes, coding, scope.label.encode(), root_fd)
    problems: list[bytes] = []
    judged = judge(
        plan.changes, vault.vault_id, root_fd, catalog=catalog, trouble=lambda path, _: problems.append(path)
    )
    for each in judged:
        if stop():
            break
        if each.same_as is not None:
            count.same += not each.change.doubtful
        elif each.change.doubtful and each.change.entry.kind is FileKind.HARDLINK:
            continue
        elif not each.change.rider:
            count.take(each.change)
    count.close()
    troubles = plan.troubles + len(problems)
    empty = plan.looks_empty(count.same)
    return UploadOutcome(
        root=scope.label,
        path=scope.path,
        vault=vault.address,
        dry_run=True,
        new=plan.new,
        changed=plan.changed,
        unchanged=plan.unchanged,
        same_content=count.same,
        gone=plan.missing,
        files=count.files,
        size=count.size,
        archives=count.archives,
        finished=0,
        sent=count.bytes,
        requests=count.requests,
        skipped=plan.skipped,
        problems=troubles,
        looks_empty=empty,
        exit=most_serious(([Exit.FINDINGS] if empty else []) + ([Exit.PARTLY] if troubles else [])),
    )


class _Foreseen:
    """Bundles and volumes filled in thought. Bytes are those before compression: at most so many are sent."""

    def __init__(self, sizes: Sizes, coding: Coding, label: bytes, root_fd: int) -> None:
        self.sizes, self.coding, self.label, self.root_fd = sizes, coding, label, root_fd
        self.filling = Filling(sizes.bundle, sizes.members)
        self.files = self.size = self.same = self.archives = self.bytes = self.requests = 0

    def take(self, change: Change) -> None:
        """One path that would be sent."""
        entry = change.entry
        content = entry.size if entry.kind is FileKind.FILE else 0
        self.files += entry.kind is not FileKind.FOLDER
        self.size += content
        if entry.kind is FileKind.FILE and entry.size >= self.sizes.threshold:
            return self._take_big(change)
        name = names.join(self.label, entry.path)
        if not self.filling.has_room_for(name, entry):
            self.close()
        self.filling.add(name, entry)

    def close(self) -> None:
        """The bundle under way would be sent."""
        if self.filling.members:
            self._archive(self.filling.size)
        self.filling.empty()

    def _take_big(self, change: Change) -> None:
        for part in pieces(ByteRange(0, change.entry.size), self._portion(change)):
            self._archive(part.length)

    def _portion(self, change: Change) -> int:
        """How much of the file goes into one archive."""
        if self.coding.seal is not None:
            return self.sizes.volume
        with suppress(SourceChanged), source_of(change, self.root_fd) as source:
            if is_to_be_compressed(change.entry, source, self.coding):
                return self.sizes.volume
        return change.entry.size

    def _archive(self, size: int) -> None:
        self.archives += 1
        self.bytes += size
        self.requests += request_count(size, choose_part_size(size, self.sizes.part))
