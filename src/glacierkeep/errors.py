"""Every error a person can meet: its facts as fields, a hint, an exit code. The edge writes the rest.

The sentence is `str(error)`; names of files inside it are made printable by whoever builds it.
"""

from enum import IntEnum
from typing import Any


class Exit(IntEnum):
    """The exit codes, part of the interface (docs/reference/exit-codes.md)."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    PARTLY = 3
    WAITING = 4
    FINDINGS = 5
    BUDGET = 6
    MISMATCH = 7
    CHANGED = 8
    NO_VAULT = 10
    LOCKED = 11
    OUTDATED = 12
    CREDENTIALS = 13
    REFUSED = 14
    BUG = 70
    INTERRUPTED = 130
    TERMINATED = 143


SERIOUSNESS = (
    Exit.BUG,
    Exit.MISMATCH,
    Exit.CHANGED,
    Exit.CREDENTIALS,
    Exit.BUDGET,
    Exit.FINDINGS,
    Exit.PARTLY,
    Exit.WAITING,
)
"""Where several codes apply, the first of these wins."""


def most_serious(codes: "list[Exit]") -> Exit:
    """The code that stands for all of *codes*; DONE if there are none."""
    wrong = [code for code in codes if code is not Exit.DONE]
    for code in SERIOUSNESS:
        if code in wrong:
            return code
    return wrong[0] if wrong else Exit.DONE


class GlacierkeepError(Exception):
    """Something went wrong that a person can do something about.

    *hint* says what to do next; *code* is the stable word in `--json`; *exit* the exit code.
    """

    exit: Exit = Exit.FAILED
    code: str = "failed"

    def __init__(self, sentence: str, *, hint: str | None = None) -> None:
        super().__init__(sentence)
        self.hint = hint


class UsageError(GlacierkeepError):
    """The words of the command do not make sense together."""

    exit = Exit.USAGE
    code = "usage"


class NoSuchName(GlacierkeepError):
    """A NAME matches nothing in the catalog."""

    code = "no-such-name"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"nothing in the catalog is named {name}", hint="gk ls shows what there is; gk find searches"
        )
        self.name = name


class NoSuchFile(GlacierkeepError):
    """What was to be archived is not on this disk, or cannot be looked at."""

    code = "file"


class NothingToDo(GlacierkeepError):
    """The wish cannot be acted on: what it needs is not there."""

    code = "nothing-to-do"


class ConfigError(GlacierkeepError):
    """The configuration cannot be used; *line* counts from 1, if known."""

    exit = Exit.NO_VAULT
    code = "config"

    def __init__(self, sentence: str, *, line: int | None = None, hint: str | None = None) -> None:
        super().__init__(sentence, hint=hint)
        self.line = line


class NoVault(GlacierkeepError):
    """No vault is named, or the named one is not there."""

    exit = Exit.NO_VAULT
    code = "no-vault"


class NotYetSupported(GlacierkeepError):
    """A part of the contract that is to come."""

    code = "not-yet-supported"


class NeedsYes(GlacierkeepError):
    """Something that costs money or cannot be undone was neither confirmed nor allowed with --yes."""

    code = "needs-yes"


class OverBudget(GlacierkeepError):
    """It would cost more than is allowed, or it cannot be said that it does not; nothing was sent."""

    exit = Exit.BUDGET
    code = "over-budget"


class Locked(GlacierkeepError):
    """Another gk holds the lease on *activity*."""

    exit = Exit.LOCKED
    code = "locked"

    def __init__(self, activity: str, holder: str) -> None:
        super().__init__(
            f"another gk is at work on {activity}: {holder}",
            hint="wait for it, or give --lock-wait to wait here",
        )
        self.activity = activity
        self.holder = holder


class CatalogOutdated(GlacierkeepError):
    """The catalog's schema is older or newer than this gk's."""

    exit = Exit.OUTDATED
    code = "catalog-outdated"


class CatalogUnusable(GlacierkeepError):
    """The catalog's file is damaged, not ours, or cannot be read or written."""

    code = "catalog-unusable"


class DiskTrouble(GlacierkeepError):
    """A disk is full, read-only or failing, where gk has to write."""

    code = "disk"

    def __init__(self, sentence: str, *, hint: str | None = None) -> None:
        super().__init__(
            sentence, hint=hint or "make room, or look after its disk: gk goes on where it stopped"
        )


class LocalUnusable(GlacierkeepError):
    """The local Glacier's folder holds what this gk cannot use."""

    code = "local-unusable"


class CannotListen(GlacierkeepError):
    """The local Glacier cannot be served at the address that was wanted."""

    code = "cannot-listen"


class RootLooksEmpty(GlacierkeepError):
    """The folder of a root is not there: perhaps an unmounted disk."""

    exit = Exit.FINDINGS
    code = "root-looks-empty"


class BytesMismatch(GlacierkeepError):
    """Bytes do not have the hash that was recorded or declared for them."""

    exit = Exit.MISMATCH
    code = "mismatch"

    def __init__(self, what: str, *, expected: bytes, found: bytes, hint: str | None = None) -> None:
        super().__init__(f"{what}: expected tree hash {expected.hex()}, found {found.hex()}", hint=hint)
        self.what = what
        self.expected = expected
        self.found = found


class BytesRefused(BytesMismatch):
    """The service received other bytes than were declared, and did not take them."""


class SegmentDamaged(GlacierkeepError):
    """A segment of an archive is not what was recorded of it, or does not open as it should: *what* says which."""

    exit = Exit.MISMATCH
    code = "mismatch"

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(
            f"{what}: {reason}", hint="retrieve it again; if it is still so, it is damaged in the vault"
        )
        self.what = what
        self.reason = reason


class CopyUnreadable(GlacierkeepError):
    """A copy of a vault's records is not as gk writes them, or not the one that was expected."""

    exit = Exit.MISMATCH
    code = "copy-unreadable"


class NoIdentity(GlacierkeepError):
    """None of the identities at hand opens what is sealed, or there is none at hand."""

    exit = Exit.CREDENTIALS
    code = "no-identity"


class LimitReached(GlacierkeepError):
    """So many bytes were moved, or so much time has passed, as was allowed; the rest is left for the next run."""

    exit = Exit.PARTLY
    code = "limit-reached"

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, hint="the same command goes on where this one stopped")


class Stopped(GlacierkeepError):
    """A person asked to stop; *done* bytes of what was under way are finished and need not be moved again."""

    exit = Exit.INTERRUPTED
    code = "stopped"

    def __init__(self, done: int = 0) -> None:
        super().__init__("stopped as asked", hint="the same command goes on where this one stopped")
        self.done = done


class SourceChanged(GlacierkeepError):
    """A file changed, shrank or vanished while it was read."""

    exit = Exit.PARTLY
    code = "changed-while-read"


class ServiceError(GlacierkeepError):
    """The service refused or failed a request; *status* and *request_id* as it gave them.

    *retry_after*: the seconds it asked to be left alone. Of a request that was repeated, *in_doubt*: an earlier try may
    have been carried out; *given_up*: it was repeated for as long as is wanted.
    """

    code = "service"

    def __init__(
        self,
        sentence: str,
        *,
        service_code: str = "",
        status: int = 0,
        request_id: str = "",
        retry_after: float = 0.0,
        hint: str | None = None,
    ) -> None:
        super().__init__(sentence, hint=hint)
        self.service_code = service_code
        self.status = status
        self.request_id = request_id
        self.retry_after = retry_after
        self.in_doubt = False
        self.given_up = False


class ServiceUnreachable(ServiceError):
    """No answer came, or none that is whole: what was asked may or may not have been done."""

    code = "unreachable"


class NoConnection(ServiceUnreachable):
    """No connection came about: nothing was asked."""


class ServiceBusy(ServiceError):
    """The service fails for the moment."""

    code = "busy"


class UploadUncertain(ServiceError):
    """The answer that tells whether an upload became an archive was lost: the next inventory will tell."""

    code = "upload-uncertain"

    def __init__(self, cause: ServiceError) -> None:
        super().__init__(
            f"whether it became an archive is not known: {cause}",
            service_code=cause.service_code,
            status=cause.status,
            request_id=cause.request_id,
            hint="the same command sends it again; gk sync-inventory finds out what became of it",
        )


class TurnedAway(ServiceBusy):
    """The service did not take the request: there were too many, or its bytes did not all come in time."""


class NoCapacity(ServiceError):
    """There is no Expedited capacity; for hours, perhaps."""

    code = "no-capacity"


class NotFound(ServiceError):
    """The service does not know the vault, archive, upload or job."""

    code = "not-found"


class VaultMissing(NotFound):
    """The service does not know the vault."""

    exit = Exit.NO_VAULT
    code = "no-vault"


class NotReady(ServiceError):
    """The job's output is not there yet."""

    exit = Exit.WAITING
    code = "not-ready"


class CredentialsTrouble(ServiceError):
    """Credentials are missing, expired or refused."""

    exit = Exit.CREDENTIALS
    code = "credentials"


class StaleCredentials(CredentialsTrouble):
    """Credentials were refused or could not be had; read anew from where they come from, they may be good."""


class ExpiredCredentials(StaleCredentials):
    """Credentials have expired; whoever renews them may do so at any time."""


class ClockWrong(CredentialsTrouble):
    """The service refuses what is signed for another time than its own; *ahead* is how many seconds this computer's
    clock is ahead of the service's (negative: behind), None if that is not known."""

    code = "clock"

    def __init__(self, sentence: str, *, ahead: float | None = None, **facts: Any) -> None:
        super().__init__(sentence, **facts)
        self.ahead = ahead


class NoNewAccounts(ServiceError):
    """The vault service does not take this account (NoLongerSupportedException)."""

    exit = Exit.REFUSED
    code = "no-new-accounts"


class ChangedThenFailed(GlacierkeepError):
    """Failed or stopped after something in the vault was changed or money was spent."""

    exit = Exit.CHANGED
    code = "changed-then-failed"
