"""One request on its way: what every operation needs, and checks that many share."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from glacierkeep.local.store.pieces import Pieces
from glacierkeep.local.store.state import State
from glacierkeep.local.wire import refusals
from glacierkeep.local.wire.identity import Caller
from glacierkeep.local.wire.messages import Request, Response
from glacierkeep.local.wire.spelling import vault_arn

MAX_DESCRIPTION_BYTES = 1024

_PRINTABLE = re.compile(r"[\x20-\x7e]*")
_HASH = re.compile(r"[0-9a-fA-F]{64}")
_NUMBER = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Call:
    """A request with its path and query taken apart, and the service it was sent to.

    *account* owns what is addressed; *caller* is who sent the request, mostly the same account.
    """

    operation: str
    request: Request
    path: Mapping[str, str]
    query: Mapping[str, str]
    state: State
    pieces: Pieces
    account: str
    caller: Caller
    realistic: bool

    @property
    def region(self) -> str:
        """The region addressed."""
        return self.caller.region

    @property
    def place(self) -> str:
        """The folder of this account and region, below the service's."""
        return f"{self.account}/{self.region}"

    def arn(self, vault_name: str) -> str:
        """The ARN of one of this account's vaults."""
        return vault_arn(self.region, self.account, vault_name)

    def location(self, *parts: str) -> str:
        """A Location header below this account; never with ``-`` for it."""
        return "/".join(("", self.account, "vaults", *parts))

    def header(self, name: str) -> str:
        """A header that must be there and not empty."""
        value = self.request.headers.get(name, "")
        if not value:
            raise refusals.missing(name)
        return value

    def hash_header(self, name: str) -> str:
        """A header that must be there and be a SHA-256 in hex."""
        value = self.header(name)
        if not _HASH.fullmatch(value):
            raise refusals.invalid_parameter(name, value)
        return value

    def number_header(self, name: str) -> int:
        """A header that must be there and be a plain number."""
        value = self.header(name)
        if not _NUMBER.fullmatch(value):
            raise refusals.invalid_parameter(name, value)
        return int(value)

    def archive_description(self) -> str:
        """The description header, blanks at its ends removed; empty when not given."""
        value = self.request.headers.get("x-amz-archive-description", "").strip(" \t")
        check_description("x-amz-archive-description", value)
        return value

    def limit(self, largest: int) -> int:
        """The page size asked for; *largest* is also the default."""
        value = self.query.get("limit", "")
        if not value:
            return largest
        if not _NUMBER.fullmatch(value) or not 1 <= int(value) <= largest:
            raise refusals.invalid_parameter("limit", value)
        return int(value)

    def marker(self) -> int:
        """Where the page begins: the number behind an opaque marker, 0 when there is none."""
        value = self.query.get("marker", "")
        return read_marker(value) if value else 0


Operation = Callable[[Call], Response]


def check_description(name: str, value: str) -> None:
    """Refuse a description of more than 1,024 bytes or with anything outside 0x20-0x7E."""
    if not _PRINTABLE.fullmatch(value):
        raise refusals.invalid(f"Invalid {name}: only the characters 0x20 to 0x7E are allowed")
    if len(value) > MAX_DESCRIPTION_BYTES:
        raise refusals.invalid(f"Invalid {name}: {len(value)} characters, at most 1024 are allowed")


def write_marker(position: int) -> str:
    """An opaque marker for *position*."""
    return base64.urlsafe_b64encode(f"from:{position}".encode("ascii")).decode("ascii").rstrip("=")


def read_marker(marker: str, name: str = "marker") -> int:
    """The position in a marker made here; refused when it was not."""
    try:
        padded = marker + "=" * (-len(marker) % 4)
        text = base64.urlsafe_b64decode(padded.encode("ascii")).decode("ascii")
    except (binascii.Error, UnicodeError):
        text = ""
    word, _, number = text.partition(":")
    if word != "from" or not _NUMBER.fullmatch(number):
        raise refusals.invalid_parameter(name, marker)
    return int(number)
