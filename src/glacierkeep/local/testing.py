"""For tests of anybody's Glacier code: a local Glacier on loopback for the length of a block.

    with local_glacier() as glacier:
        client = glacier.client()
        client.create_vault(vaultName="photos")
        glacier.advance(timedelta(hours=5))

The fixture of `glacierkeep.local.pytest_plugin` is the same for pytest.
"""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from glacierkeep.clock import Clock
from glacierkeep.local.service import LocalGlacier
from glacierkeep.local.serving import serve
from glacierkeep.local.wire.keys import Key, Keys

__all__ = ["Key", "Keys", "Served", "TurnedClock", "local_glacier"]

_GRACE_SECONDS = 5.0


class TurnedClock:
    """A clock that stands still until it is turned; aware, UTC. Waiting on it turns it."""

    def __init__(self, moment: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)) -> None:
        self._moment = moment

    def now(self) -> datetime:
        return self._moment

    def sleep(self, seconds: float) -> None:
        self.turn(timedelta(seconds=seconds))

    def turn(self, by: timedelta) -> None:
        """Let that much time pass."""
        self._moment += by


@dataclass(frozen=True, slots=True)
class Served:
    """A local Glacier at *url*. *service* is the Glacier itself, for what has no request."""

    service: LocalGlacier
    url: str
    _key: Key
    _closing: ExitStack

    @property
    def environment(self) -> dict[str, str]:
        """Variables with which a program that uses an AWS SDK, or `aws` itself, finds this Glacier."""
        variables = {
            "AWS_ENDPOINT_URL_GLACIER": self.url,
            "AWS_ACCESS_KEY_ID": self._key.id,
            "AWS_SECRET_ACCESS_KEY": self._key.secret,
            "AWS_DEFAULT_REGION": self.service.region,
        }
        return variables | ({"AWS_SESSION_TOKEN": self._key.token} if self._key.token else {})

    @property
    def client_settings(self) -> dict[str, Any]:
        """What ``boto3.client("glacier", ...)`` takes to find this Glacier."""
        return {
            "endpoint_url": self.url,
            "region_name": self.service.region,
            "aws_access_key_id": self._key.id,
            "aws_secret_access_key": self._key.secret,
            "aws_session_token": self._key.token,
        }

    def client(self, **more: Any) -> Any:
        """A boto3 client of this Glacier, closed with it; *more*, such as ``config``, is what boto3 takes."""
        from glacierkeep.local.clients import connect

        made = connect(**self.client_settings, **more)
        self._closing.callback(made.close)
        return made

    def advance(self, by: timedelta) -> None:
        """Turn the Glacier's time forward: jobs finish, what is old expires, topics hear of it."""
        self.service.advance(by)

    def order_fault(self, *rules: str) -> None:
        """Let something go wrong from now on, such as ``throttle UploadArchive count=3``; ValueError for no rule."""
        self.service.faults.add(rules)


@contextmanager
def local_glacier(
    folder: Path | None = None,
    *,
    realistic: bool = False,
    clock: Clock | None = None,
    region: str = "us-east-1",
    account: str = "000000000000",
    keys: Keys | None = None,
    faults: Iterable[str] = (),
    sns_endpoint_url: str | None = None,
) -> Iterator[Served]:
    """A local Glacier, served on a free port of 127.0.0.1 until the end of the block.

    It keeps everything in *folder*, or in a temporary one that goes with it. With *keys* signatures are checked, by
    *clock*, and clients sign with the first of them. All else is as `LocalGlacier` takes it.
    """
    key = next(iter(keys.values())) if keys else Key("AKIDEXAMPLE", "secret", account)
    with ExitStack() as closing:
        service = LocalGlacier(
            folder or Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="glacier-"))),
            clock=clock,
            realistic=realistic,
            region=region,
            account=account,
            keys=keys,
            faults=faults,
            sns_endpoint_url=sns_endpoint_url,
        )
        closing.callback(service.close)
        server = closing.enter_context(serve(service, grace=_GRACE_SECONDS))
        yield Served(service, server.url, key, closing)
