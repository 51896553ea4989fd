"""gk upload: one root, one pass. Settle what was left, scan, send, record what is gone."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from glacierkeep.bundle.folder import open_root
from glacierkeep.bundle.storing import Coding
from glacierkeep.catalog import Catalog
from glacierkeep.clock import Clock
from glacierkeep.domain import names
from glacierkeep.domain.forms import Sizes
from glacierkeep.domain.records import Root, Vault
from glacierkeep.errors import (
    ChangedThenFailed,
    Exit,
    GlacierkeepError,
    SourceChanged,
    Stopped,
    most_serious,
)
from glacierkeep.events import Listener, UploadPlanned, nobody
from glacierkeep.operations.activity import lease
from glacierkeep.operations.incoming import FOLDER, clear_incoming
from glacierkeep.operations.preconditions import require_no_rebuild
from glacierkeep.operations.roots import Scope, choose_scope, settle_root
from glacierkeep.operations.scan import Looking, Plan, scan
from glacierkeep.operations.sending import Sending, explain
from glacierkeep.operations.shipping import Shipped, Shipping
from glacierkeep.operations.unfinished import Unfinished, clear_staging
from glacierkeep.operations.volumes import end_stale_sets, end_streams
from glacierkeep.stores.store import Store


@dataclass(frozen=True, slots=True)
class UploadOutcome:
    """What a pass over one root did, or (*dry_run*) would do. Sizes in bytes.

    *archives* of *sent* bytes were stored, *finished* of them begun by an earlier run.
    """

    root: str
    path: bytes
    vault: str
    dry_run: bool
    new: int
    changed: int
    unchanged: int
    same_content: int
    gone: int
    files: int
    size: int
    archives: int
    finished: int
    sent: int
    requests: int
    skipped: int
    problems: int
    looks_empty: bool
    exit: Exit


def upload(
    path: bytes,
    vault: Vault,
    *,
    catalog: Catalog,
    store: Store,
    staging: Path,
    clock: Clock,
    host: str,
    looking: Looking,
    sizes: Sizes,
    coding: Coding,
    label: str | None = None,
    jobs: int = 4,
    accept_losses: bool = False,
    lock_wait: float = 0,
    tell: Listener = nobody,
    stop: Callable[[], bool] = lambda: False,
) -> UploadOutcome:
    """Send what is new or changed at *path* since the catalog last knew it in the vault, and record it.

    Raises Locked, UsageError, RebuildUnderWay, SourceChanged (nothing is there), DiskTrouble, Stopped, and what the
    store raises; ChangedThenFailed instead, once something was sent.
    """
    scope = choose_scope(path, label=label, host=host, catalog=catalog)
    root = settle_root(scope, host=host, catalog=catalog)
    return upload_scope(
        replace(scope, root=root, label=root.label),
        root,
        vault,
        catalog=catalog,
        store=store,
        staging=staging,
        clock=clock,
        host=host,
        looking=looking,
        sizes=sizes,
        coding=coding,
        jobs=jobs,
        accept_losses=accept_losses,
        lock_wait=lock_wait,
        tell=tell,
        stop=stop,
    )


def upload_scope(
    scope: Scope,
    root: Root,
    vault: Vault,
    *,
    catalog: Catalog,
    store: Store,
    staging: Path,
    clock: Clock,
    host: str,
    looking: Looking,
    sizes: Sizes,
    coding: Coding,
    jobs: int = 4,
    accept_losses: bool = False,
    lock_wait: float = 0,
    tell: Listener = nobody,
    stop: Callable[[], bool] = lambda: False,
    within: Callable[[], AbstractContextManager[None]] = nullcontext,
    instead: "Callable[[Run], UploadOutcome] | None" = None,
) -> UploadOutcome:
    """One pass over *scope*. Scan and sending, or what is done *instead*, are done *within* a context, once nothing
    unfinished is left. Raises RebuildUnderWay."""
    require_no_rebuild(vault, catalog=catalog)
    shipped = Shipped()
    shipping = Shipping(catalog, store, tell, stop, jobs, shipped)
    with lease(f"root {root.label}", catalog=catalog, clock=clock, host=host, wait_seconds=lock_wait):
        with catalog.write() as records:
            run_id = records.runs.start(root.root_id, vault.vault_id)
        run = Run(scope, root, run_id, vault, looking, sizes, coding, catalog, staging, tell, stop, shipping)
        try:
            return run.all(accept_losses, within, instead)
        except (GlacierkeepError, OSError) as error:
            raise _after_changes(error, shipped) from error


@dataclass(frozen=True, slots=True)
class Run:
    """One pass under way, the lease on its root held."""

    scope: Scope
    root: Root
    run_id: int
    vault: Vault
    looking: Looking
    sizes: Sizes
    coding: Coding
    catalog: Catalog
    staging: Path
    tell: Listener
    stop: Callable[[], bool]
    shipping: Shipping

    def all(
        self,
        accept_losses: bool,
        within: Callable[[], AbstractContextManager[None]],
        instead: "Callable[[Run], UploadOutcome] | None",
    ) -> UploadOutcome:
        """See upload_scope."""
        root_fd = self._open_root()
        try:
            self._settle_unfinished(root_fd)
            with within():
                return instead(self) if instead else self._scan_and_send(root_fd, accept_losses)
        finally:
            os.close(root_fd)

    def _scan_and_send(self, root_fd: int, accept_losses: bool) -> UploadOutcome:
        plan = scan(
            self.scope,
            self.vault.vault_id,
            self.looking,
            catalog=self.catalog,
            staging=self.staging,
            tell=self.tell,
            stop=self.stop,
        )
        try:
            return self._send(plan, root_fd, accept_losses)
        finally:
            plan.close()

    def _open_root(self) -> int:
        try:
            return open_root(self.scope.path)
        except OSError as error:
            raise SourceChanged(
                f"{names.printable(self.scope.path)}: {explain(error)[1]}", hint="is its disk mounted?"
            ) from error

    def _settle_unfinished(self, root_fd: int) -> None:
        with self.catalog.read() as records:
            left = records.uploads.outstanding(vault_id=self.vault.vault_id, root_id=self.root.root_id)
        settling = Unfinished(
            self.root,
            self.run_id,
            shipping=self.shipping,
            catalog=self.catalog,
            staging=self.staging,
            root_fd=root_fd,
            tell=self.tell,
        )
        settling.settle(left, self.stop)
        end_streams(self.root, self.vault, catalog=self.catalog, shipping=self.shipping, tell=self.tell)
        self.shipping.shipped.finished = self.shipping.shipped.archives
        clear_staging(self.staging, catalog=self.catalog)
        clear_incoming(self.staging / FOLDER)

    def _send(self, plan: Plan, root_fd: int, accept_losses: bool) -> UploadOutcome:
        self.tell(UploadPlanned(plan.new + plan.changed, plan.size))
        sending = Sending(
            self.root,
            self.run_id,
            self.vault,
            self.sizes,
            self.coding,
            xattrs=self.looking.xattrs,
            shipping=self.shipping,
            catalog=self.catalog,
            staging=self.staging,
            root_fd=root_fd,
            tell=self.tell,
            stop=self.stop,
        )
        sending.send(plan.changes)
        if self.stop() or plan.stopped:
            raise Stopped
        end_stale_sets(
            self.root,
            self.vault,
            self.scope.start,
            sending.failed,
            catalog=self.catalog,
            shipping=self.shipping,
            tell=self.tell,
        )
        refused = plan.looks_empty(sending.sent.same) and not accept_losses
        if not refused:
            with self.catalog.write() as records:
                records.tree.mark_gone(self.run_id, self.root.root_id, plan.gone)
        with self.catalog.write() as records:
            records.runs.finish(self.run_id, complete=not refused)
        return self._outcome(plan, sending, refused)

    def _outcome(self, plan: Plan, sending: Sending, refused: bool) -> UploadOutcome:
        sent, shipped = sending.sent, self.shipping.shipped
        problems = plan.troubles + sent.troubles
        codes = ([Exit.FINDINGS] if refused else []) + ([Exit.PARTLY] if problems else [])
        return UploadOutcome(
            root=self.root.label,
            path=self.root.path,
            vault=self.vault.address,
            dry_run=False,
            new=plan.new,
            changed=plan.changed,
            unchanged=plan.unchanged,
            same_content=sent.same,
            gone=0 if refused else plan.missing,
            files=sent.files,
            size=sent.size,
            archives=shipped.archives,
            finished=shipped.finished,
            sent=shipped.sent,
            requests=shipped.requests,
            skipped=plan.skipped,
            problems=problems,
            looks_empty=refused,
            exit=most_serious(codes),
        )


def _after_changes(error: Exception, shipped: Shipped) -> Exception:
    """*error*, or, once something was sent, one that says so."""
    if not shipped.touched or isinstance(error, Stopped):
        return error
    if isinstance(error, GlacierkeepError) and error.exit in (Exit.MISMATCH, Exit.LOCKED):
        return error
    return ChangedThenFailed(
        f"stopped after {shipped.archives} archives were stored: {error}",
        hint="run the same command again: it goes on where it stopped",
    )
