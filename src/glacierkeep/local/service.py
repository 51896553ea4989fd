"""The local Glacier as one callable: request in, response out, everything kept under one folder."""

import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from glacierkeep.clock import Clock, SystemClock
from glacierkeep.local.answers.calls import Call
from glacierkeep.local.faults.effects import Faults
from glacierkeep.local.faults.orders import Orders, OwnOrders
from glacierkeep.local.outbox import Outbox
from glacierkeep.local.routes import Match, find_route
from glacierkeep.local.store.clearing import sweep
from glacierkeep.local.store.occupancy import Occupied, unoccupied
from glacierkeep.local.store.pieces import Pieces
from glacierkeep.local.store.state import State
from glacierkeep.local.store.whole import Summary, forget_everything, summary
from glacierkeep.local.topics import Topics
from glacierkeep.local.wire import refusals
from glacierkeep.local.wire.identity import ACCOUNT, REGION, Caller, presume
from glacierkeep.local.wire.keys import Keys
from glacierkeep.local.wire.messages import BodyError, Request, Response
from glacierkeep.local.wire.refusals import Refusal
from glacierkeep.local.wire.signatures import authenticate
from glacierkeep.local.wire.spelling import REQUEST_ID_LENGTH, http_date, new_id

API_VERSION = "2012-06-01"


class LocalGlacier:
    """Amazon Glacier's vault API on this disk. Any number of threads and processes may use one *folder*.

    What was answered with success is on the disk; a request that was cut off has left nothing visible.
    Jobs are finished at once and inventories are always up to date, unless *realistic*: then they take
    the hours they take. *clock* is where the time comes from; ``advance`` turns the service's own time
    further, for all who use the folder. With *keys* every request must be signed by one of them, judged by
    *clock* alone; without, whoever sends a request is believed. Messages to topics are published at
    *sns_endpoint_url*; without, they wait for an instance that has one. *faults* are rules such as ``throttle
    UploadArchive count=3`` of what goes wrong by order, with this instance alone and beside those of
    ``faults.add``. Raises OSError when the folder cannot be made or written, and ValueError for an account
    that is not 12 digits, a region that is none, an endpoint that is no http or https URL, or a fault that is
    no rule.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: Clock | None = None,
        realistic: bool = False,
        region: str = "us-east-1",
        account: str = "000000000000",
        keys: Keys | None = None,
        sns_endpoint_url: str | None = None,
        faults: Iterable[str] = (),
    ) -> None:
        if not ACCOUNT.fullmatch(account) or not REGION.fullmatch(region):
            raise ValueError(f"no account or region: {account} {region}")
        own_faults = OwnOrders(faults)
        self.folder = folder
        self.realistic = realistic
        self.region = region
        self.account = account
        self._keys = keys
        self._clock = clock or SystemClock()
        self._state = State(folder, self._clock)
        self._pieces = Pieces(folder)
        self._faults = Faults(self._state, self._clock, own_faults)
        self._topics = Topics(sns_endpoint_url) if sns_endpoint_url else None
        self._outbox = Outbox(self._state, self._pieces, self._topics) if self._topics else None
        sweep(self._state, self._pieces)

    def __call__(self, request: Request) -> Response:
        """Answer one request. Errors of the service are responses; only the sender's own stream raises.

        Raises ConnectionLost where that fault was ordered: the sender is to get no answer.
        """
        try:
            response = self._answer(request)
        except Refusal as refusal:
            response = refusal.response()
        except BodyError as error:
            raise error.__cause__ or error from None
        except (OSError, sqlite3.OperationalError) as error:
            response = refusals.unavailable(error).response()
        response.headers.update(self._headers_of_all(response))
        if self._outbox:
            self._outbox.send_beside_request()
        return response

    def refuse(self, refusal: Refusal) -> Response:
        """The answer to a request that could not be read as one."""
        response = refusal.response()
        response.headers.update(self._headers_of_all(response))
        return response

    @property
    def faults(self) -> Orders:
        """The faults that are ordered for everyone who uses the folder."""
        return self._faults.orders

    def now(self) -> datetime:
        """The service's time: the clock's, and what it was turned by."""
        return self._state.now()

    def advance(self, by: timedelta) -> None:
        """Turn the service's time forward for everyone, then ``tick``. ValueError if negative."""
        self._state.advance(by)
        self.tick()

    def tick(self) -> None:
        """Do what time brings: send the messages that are due, and let go of what has expired.

        Nothing here runs in the background; each request sends messages too. OSError if the folder fails.
        """
        if self._outbox:
            self._outbox.send()
        sweep(self._state, self._pieces)

    def summary(self) -> Summary:
        """What is there, all accounts and regions together."""
        return summary(self._state)

    def served(self) -> bool:
        """Whether a server is at work on the folder, of this process or another."""
        try:
            with unoccupied(self.folder):
                return False
        except Occupied:
            return True

    def reset(self) -> None:
        """Forget everything, for all who use the folder: vaults and what is in them, faults, how far the clock was
        turned. Keys stay. Raises Occupied while a server is at work on the folder."""
        with unoccupied(self.folder):
            forget_everything(self._state, self._pieces)

    def close(self) -> None:
        """Close what is open; the service can be used again afterwards."""
        self._state.close()
        if self._topics:
            self._topics.close()

    def _answer(self, request: Request) -> Response:
        caller, request = self._authenticate(request)
        version = request.headers.get("x-amz-glacier-version", "")
        if not version:
            raise refusals.missing("API version")
        if version != API_VERSION:
            raise refusals.invalid_parameter("x-amz-glacier-version", version)
        match = find_route(request)
        return self._faults.answer(self._call(request, match, caller), match.route.answer)

    def _authenticate(self, request: Request) -> tuple[Caller, Request]:
        if self._keys is None:
            return presume(request, self.account, self.region), request
        return authenticate(request, self._keys, self._clock.now())

    def _call(self, request: Request, match: Match, caller: Caller) -> Call:
        named = match.path["account"]
        account = caller.account if named == "-" else named
        owned = account == caller.account
        if not ACCOUNT.fullmatch(account) or not (owned or "vault" in match.path):
            raise refusals.access_denied(named)
        return Call(
            operation=match.route.name,
            request=request,
            path=match.path,
            query=match.query,
            state=self._state,
            pieces=self._pieces,
            account=account,
            caller=caller,
            realistic=self.realistic,
        )

    def _headers_of_all(self, response: Response) -> dict[str, str]:
        now = self._clock.now()
        # Some SDKs set their clock, and with it their signatures, by the answers' dates.
        if self._keys is None:
            with suppress(OSError, sqlite3.OperationalError):
                now = self._state.now()
        return {
            "Content-Length": str(response.length),
            "Date": http_date(now),
            "x-amzn-RequestId": new_id(REQUEST_ID_LENGTH),
        }
