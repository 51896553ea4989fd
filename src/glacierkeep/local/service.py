"""The local Glacier as one callable: request in, response out, everything kept under one folder."""

import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

from glacierkeep.clock import Clock, SystemClock
from glacierkeep.local.answers.calls import Call
from glacierkeep.local.routes import Match, find_route
from glacierkeep.local.store.clearing import sweep
from glacierkeep.local.store.pieces import Pieces
from glacierkeep.local.store.state import State
from glacierkeep.local.wire import refusals
from glacierkeep.local.wire.identity import ACCOUNT, REGION, presume
from glacierkeep.local.wire.messages import BodyError, Request, Response
from glacierkeep.local.wire.refusals import Refusal
from glacierkeep.local.wire.spelling import REQUEST_ID_LENGTH, http_date, new_id

API_VERSION = "2012-06-01"


class LocalGlacier:
    """Amazon Glacier's vault API on this disk. Any number of threads and processes may use one *folder*.

    What was answered with success is on the disk; a request that was cut off has left nothing visible.
    Jobs are finished at once and inventories are always up to date, unless *realistic*: then they take
    the hours they take. *clock* is where the time comes from; ``advance`` turns the service's own time
    further, for all who use the folder. Raises OSError when the folder cannot be made or written, and
    ValueError for an account that is not 12 digits or a region that is none.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: Clock | None = None,
        realistic: bool = False,
        region: str = "us-east-1",
        account: str = "000000000000",
    ) -> None:
        if not ACCOUNT.fullmatch(account) or not REGION.fullmatch(region):
            raise ValueError(f"no account or region: {account} {region}")
        self.folder = folder
        self.realistic = realistic
        self.region = region
        self.account = account
        self._clock = clock or SystemClock()
        self._state = State(folder, self._clock)
        self._pieces = Pieces(folder)
        sweep(self._state, self._pieces)

    def __call__(self, request: Request) -> Response:
        """Answer one request. Errors of the service are responses; only the sender's own stream raises."""
        try:
            response = self._answer(request)
        except Refusal as refusal:
            response = refusal.response()
        except BodyError as error:
            raise error.__cause__ or error from None
        except (OSError, sqlite3.OperationalError) as error:
            response = refusals.unavailable(error).response()
        response.headers.update(self._headers_of_all(response))
        return response

    def now(self) -> datetime:
        """The service's time: the clock's, and what it was turned by."""
        return self._state.now()

    def advance(self, by: timedelta) -> None:
        """Turn the service's time forward for everyone; what expires by it goes. ValueError if negative."""
        self._state.advance(by)
        sweep(self._state, self._pieces)

    def close(self) -> None:
        """Close what is open; the service can be used again afterwards."""
        self._state.close()

    def _answer(self, request: Request) -> Response:
        version = request.headers.get("x-amz-glacier-version", "")
        if not version:
            raise refusals.missing("API version")
        if version != API_VERSION:
            raise refusals.invalid_parameter("x-amz-glacier-version", version)
        match = find_route(request)
        if match.route.answer is None:
            raise refusals.not_offered(match.route.name)
        return match.route.answer(self._call(request, match))

    def _call(self, request: Request, match: Match) -> Call:
        caller = presume(request, self.account, self.region)
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
        try:
            now = self._state.now()
        except (OSError, sqlite3.OperationalError):
            now = self._clock.now()
        return {
            "Content-Length": str(response.length),
            "Date": http_date(now),
            "x-amzn-RequestId": new_id(REQUEST_ID_LENGTH),
        }
