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
from glacierkeep.operations.activity import lease, root_activity
from glacierkeep.operations.failures import Failures
from glacierkeep.operations.incoming import FOLDER, clear_incoming
from glacierkeep.operations.preconditions import require_no_rebuild
from glacierkeep.operations.roots import Scope, choose_scope, settle_root
from glacierkeep.operations.run import Run
from glacierkeep.operations.scan import Looking, Plan, scan
from glacierkeep.operations.sending import Sending, explain
from glacierkeep.operations.shipping import Shipped, Shipping
from glacierkeep.operations.unfinished import Unfinished, clear_staging
from glacierkeep.operations.volumes import end_stale_sets, end_streams
from glacierkeep.stores.store import Store
from glacierkeep.transfer.crew import Crew
from glacierkeep.transfer.pace import Take, freely


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
    take: Take = freely,
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
        take=take,
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
    take: Take = freely,
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
    with (
        lease(root_activity(root), catalog=catalog, clock=clock, host=host, wait_seconds=lock_wait),
        Crew(jobs) as crew,
    ):
        with catalog.write() as records:
            run_id = records.runs.start(root.root_id, vault.vault_id)
        shipping = Shipping(catalog, store, tell, stop, crew, shipped, take)
        run = Run(
            scope,
            root,
            run_id,
            vault,
            looking,
            sizes,
            coding,
            catalog,
            staging,
            tell,
            stop,
            shipping,
            Failures(tell),
        )
        try:
            return _Pass(run).all(accept_losses, within, instead)
        except (GlacierkeepError, OSError) as error:
            raise _after_changes(error, shipped) from error


@dataclass(frozen=True, slots=True)
class _Pass:
    run: Run

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
                return instead(self.run) if instead else self._scan_and_send(root_fd, accept_losses)
        finally:
            os.close(root_fd)

    def _scan_and_send(self, root_fd: int, accept_losses: bool) -> UploadOutcome:
        plan = scan(
            self.run.scope,
            self.run.vault.vault_id,
            self.run.looking,
            catalog=self.run.catalog,
            staging=self.run.staging,
            tell=self.run.tell,
            stop=self.run.stop,
        )
        try:
            return self._send(plan, root_fd, accept_losses)
        finally:
            plan.close()

    def _open_root(self) -> int:
        try:
            return open_root(self.run.scope.path)
        except OSError as error:
            raise SourceChanged(
                f"{names.printable(self.run.scope.path)}: {explain(error)[1]}", hint="is its disk mounted?"
            ) from error

    def _settle_unfinished(self, root_fd: int) -> None:
        with self.run.catalog.read() as records:
            left = records.uploads.outstanding(
                vault_id=self.run.vault.vault_id, root_id=self.run.root.root_id
            )
        settling = Unfinished(
            self.run.root,
            self.run.run_id,
            shipping=self.run.shipping,
            catalog=self.run.catalog,
            staging=self.run.staging,
            root_fd=root_fd,
            failures=self.run.failures,
            tell=self.run.tell,
        )
        settling.settle(left, self.run.stop)
        end_streams(
            self.run.root,
            self.run.vault,
            catalog=self.run.catalog,
            shipping=self.run.shipping,
            tell=self.run.tell,
        )
        self.run.shipping.shipped.finished = self.run.shipping.shipped.archives
        clear_staging(self.run.staging, catalog=self.run.catalog)
        clear_incoming(self.run.staging / FOLDER)

    def _send(self, plan: Plan, root_fd: int, accept_losses: bool) -> UploadOutcome:
        self.run.tell(UploadPlanned(plan.new + plan.changed, plan.size))
        sending = Sending(self.run, root_fd)
        sending.send(plan.changes)
        if self.run.stop() or plan.stopped:
            raise Stopped
        end_stale_sets(
            self.run.root,
            self.run.vault,
            self.run.scope.start,
            sending.failed,
            catalog=self.run.catalog,
            shipping=self.run.shipping,
            tell=self.run.tell,
        )
        refused = plan.looks_empty(sending.sent.same) and not accept_losses
        if not refused:
            with self.run.catalog.write() as records:
                records.tree.mark_gone(self.run.run_id, self.run.root.root_id, plan.gone)
        with self.run.catalog.write() as records:
            records.runs.finish(self.run.run_id, complete=not refused)
        return self._outcome(plan, sending, refused)

    def _outcome(self, plan: Plan, sending: Sending, refused: bool) -> UploadOutcome:
        sent, shipped = sending.sent, self.run.shipping.shipped
        failed = self.run.failures.exits
        problems = plan.troubles + sent.troubles
        codes = ([Exit.FINDINGS] if refused else []) + ([Exit.PARTLY] if problems else []) + failed
        return UploadOutcome(
            root=self.run.root.label,
            path=self.run.root.path,
            vault=self.run.vault.address,
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
            problems=problems + len(failed),
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
