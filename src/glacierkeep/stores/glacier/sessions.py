"""botocore's sessions and clients for the vault service, built when first needed."""

import os
import random
import threading
from collections.abc import Callable
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from glacierkeep.errors import ConfigError
from glacierkeep.stores.glacier.faults import THROTTLED, translated

if TYPE_CHECKING:
    from botocore.session import Session

CONNECT_TIMEOUT = 20.0
READ_TIMEOUT = 120.0
"""Seconds. A part is acknowledged only after the service has hashed it."""

REPEATED_ATTEMPTS = 6
"""All requests together for a call that is safe to repeat; botocore's pauses are at most 20 s each."""

CONNECTIONS = 32
LOCAL_REGION = "us-east-1"
LOCAL_ENDPOINT = "http://local.invalid"
"""Never looked up: requests are taken off before they are sent."""

content_sha256: ContextVar[str | None] = ContextVar("content_sha256", default=None)
"""The SHA-256, in hex, of the body that the current thread is about to send: botocore computes none then."""


class Clients:
    """Two clients for one region: `repeating` for calls that are safe to repeat, `once` for the others."""

    def __init__(
        self,
        region: str,
        *,
        profile: str | None = None,
        endpoint_url: str | None = None,
        attach: Callable[[Any], None] | None = None,
    ) -> None:
        self._region = region
        self._profile = profile
        self._endpoint_url = endpoint_url
        self._attach = attach
        self._session: Session | None = None
        self._built: dict[int, Any] = {}
        self._lock = threading.Lock()

    @property
    def repeating(self) -> Any:
        """Repeats what was throttled, failed or got no answer."""
        return self._client(REPEATED_ATTEMPTS)

    @property
    def once(self) -> Any:
        """Sends every request once, because a repeated one could make a second archive, upload or paid job; again only
        what the service turned away because there were too many."""
        return self._client(1)

    def close(self) -> None:
        """Close the connections that are kept open; the clients can be used again."""
        with self._lock:
            for client in self._built.values():
                client.close()

    def _client(self, attempts: int) -> Any:
        # A botocore session must not build clients in two threads at once; clients may be shared.
        with self._lock:
            if attempts not in self._built:
                with translated("set up the connection to AWS"):
                    self._built[attempts] = self._build(attempts)
            return self._built[attempts]

    def _build(self, attempts: int) -> Any:
        if self._attach:
            client = self._build_local(attempts)
            self._attach(client)
        else:
            client = self._build_remote(attempts)
        _give_hashes(client)
        if attempts == 1:
            client.meta.events.register_first("needs-retry.glacier", _repeat_throttled)
        return client

    def _build_local(self, attempts: int) -> Any:
        session = self._session = self._session or _closed_session()
        return session.create_client(
            "glacier",
            region_name=LOCAL_REGION,
            endpoint_url=LOCAL_ENDPOINT,
            config=_config(attempts, use_fips_endpoint=False, use_dualstack_endpoint=False),
        )

    def _build_remote(self, attempts: int) -> Any:
        session = self._session = self._session or _open_session(self._profile)
        client = session.create_client(
            "glacier",
            region_name=self._region,
            endpoint_url=self._endpoint_url,
            config=_config(attempts),
        )
        if not self._endpoint_url:
            _check_region(session, self._region, client.meta.endpoint_url)
        return client


def _open_session(profile: str | None) -> "Session":
    """Reads the user's AWS configuration and environment as botocore defines them."""
    from botocore.session import Session

    session = Session(profile=profile)
    session.register_component("data_loader", _loader(session.get_config_variable("data_path")))
    return session


def _closed_session() -> "Session":
    """Reads no file and no variable: a broken AWS configuration is no matter for a vault on this machine."""
    from botocore.session import Session

    closed = {
        name: (None, None, default, convert)
        for name, (_, _, default, convert) in Session.SESSION_VARIABLES.items()
    }
    for name in ("config_file", "credentials_file"):
        closed[name] = (None, None, os.devnull, None)
    session = Session(session_vars=closed)
    session.set_credentials("local", "local")
    session.register_component("data_loader", _loader(None))
    return session


@cache
def _loader(path: str | None) -> Any:
    """botocore's descriptions of services, read once for all sessions: most of the time a client takes."""
    from botocore.loaders import create_loader

    return create_loader(path)


def _config(attempts: int, **more: Any) -> Any:
    from botocore.config import Config

    return Config(
        retries={"mode": "standard", "total_max_attempts": attempts},
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        max_pool_connections=CONNECTIONS,
        tcp_keepalive=True,
        **more,
    )


def _check_region(session: "Session", region: str, endpoint: str) -> None:
    """Raises ConfigError for a region botocore does not know, unless another endpoint is configured."""
    if f".{region}." not in (urlsplit(endpoint).hostname or ""):
        return
    known = {
        name
        for partition in session.get_available_partitions()
        for name in session.get_available_regions("glacier", partition)
    }
    if region not in known:
        raise ConfigError(
            f"Amazon Glacier is not known to be in region {region!r}",
            hint="check the spelling; regions are named like eu-west-1",
        )


def _repeat_throttled(response: "tuple[Any, dict[str, Any]] | None", attempts: int, **_: Any) -> float | None:
    """Seconds until a request that was turned away unread is sent again; None to let it be."""
    code = response[1].get("Error", {}).get("Code") if response else None
    if code not in THROTTLED or attempts >= REPEATED_ATTEMPTS:
        return None
    return 2.0 ** (attempts - 1) * random.uniform(0.5, 1)  # noqa: S311


def _give_hashes(client: Any) -> None:
    """Have the hash we know put into uploads before botocore would read the whole body for it."""
    for operation in ("UploadArchive", "UploadMultipartPart"):
        client.meta.events.register_first(f"before-call.glacier.{operation}", _give_hash)


def _give_hash(params: dict[str, Any], **_: Any) -> None:
    known = content_sha256.get()
    if known:
        params["headers"]["x-amz-content-sha256"] = known
