"""Archives that could not be sent for the service's sake: the others go on, up to a point."""

from dataclasses import dataclass, field

from glacierkeep.errors import (
    BytesMismatch,
    CredentialsTrouble,
    Exit,
    NoNewAccounts,
    ServiceError,
    ServiceUnreachable,
    VaultMissing,
)
from glacierkeep.events import Listener, Trouble

MOST_IN_A_ROW = 3
"""When so many archives fail one after the other, the others would, too."""

_FOR_ALL = (CredentialsTrouble, NoNewAccounts, ServiceUnreachable, VaultMissing)
"""What fails so for one archive fails so for every other."""


@dataclass(slots=True)
class Failures:
    """What failed in a run so far."""

    tell: Listener
    exits: list[Exit] = field(default_factory=list)
    in_a_row: int = 0

    def note(self, name: bytes, error: BaseException) -> None:
        """The archive that is called *name* failed by *error*: told, if the others may go on; else raised."""
        if not isinstance(error, ServiceError | BytesMismatch) or isinstance(error, _FOR_ALL):
            raise error
        if getattr(error, "given_up", False):  # the service was away for as long as there is patience
            raise error
        self.in_a_row += 1
        if self.in_a_row >= MOST_IN_A_ROW:
            raise error
        self.exits.append(Exit.MISMATCH if isinstance(error, BytesMismatch) else Exit.CHANGED)
        self.tell(Trouble(name, error.code, str(error), error.hint))

    def none(self) -> None:
        """An archive arrived."""
        self.in_a_row = 0
