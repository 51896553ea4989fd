"""botocore's session and client for the vault service, built when first needed."""

import os
import threading
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from glacierkeep.errors import ConfigError, ServiceUnreachable
from glacierkeep.stores.glacier.signing import ServiceTime

if TYPE_CHECKING:
    from botocore.session import Session

CONNECTIONS = 32
LOCAL_REGION = "us-east-1"
LOCAL_ENDPOINT = "http://local.invalid"
"""Never looked up: requests are taken off before they are sent."""

content_sha256: ContextVar[str | None] = ContextVar("content_sha256", default=None)
"""The SHA-256, in hex, of the body that the current thread is about to send: botocore computes none then."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds without any progress after which a connection is given up: *sending* while it comes about and for each
    block of a body, *answer* while an answer is waited for or read: a part is acknowledged once it was hashed."""

    sending: float = 20.0
    answer: float = 120.0


class Clients:
    """The client for one region. It sends every request once: what is repeated is for others to say."""

    def __init__(
        self,
        region: str,
        *,
        time: ServiceTime,
        profile: str | None = None,
        endpoint_url: str | None = None,
        attach: Callable[[Any], None] | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        self._region = region
        self._time = time
        self._profile = profile
        self._endpoint_url = endpoint_url
        self._attach = attach
        self._timeouts = timeouts or Timeouts()
        self._built: Any = None
        self._lock = threading.Lock()

    @property
    def client(self) -> Any:
        """The client, built when it is first asked for."""
        # A botocore session must not build clients in two threads at once; clients may be shared.
        with self._lock:
            if self._built is None:
                self._built = self._build()
            return self._built

    def forget(self, client: Any) -> None:
        """Build the next client, unless that was done since *client*, from the AWS configuration as it is then."""
        with self._lock:
            if self._built is client:
                self._built = None

    def close(self) -> None:
        """Close the connections that are kept open; the client can be used again."""
        with self._lock:
            if self._built is not None:
                self._built.close()

    def _build(self) -> Any:
        if self._attach:
            client = self._build_local()
            self._attach(client)
        else:
            client = self._build_remote()
            self._time.sign(client)
        _give_hashes(client)
        client.meta.events.register("before-parse.glacier", _check_length)
        return client

    def _build_local(self) -> Any:
        return _closed_session().create_client(
            "glacier",
            region_name=LOCAL_REGION,
            endpoint_url=LOCAL_ENDPOINT,
            config=_config(self._timeouts, use_fips_endpoint=False, use_dualstack_endpoint=False),
        )

    def _build_remote(self) -> Any:
        session = _open_session(self._profile)
        client = session.create_client(
            "glacier",
            region_name=self._region,
            endpoint_url=self._endpoint_url,
            config=_config(self._timeouts),
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


def _config(timeouts: Timeouts, **more: Any) -> Any:
    from botocore.config import Config

    return Config(
        retries={"mode": "standard", "total_max_attempts": 1},
        connect_timeout=timeouts.sending,
        read_timeout=timeouts.answer,
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


def _give_hashes(client: Any) -> None:
    """Have the hash we know put into uploads before botocore would read the whole body for it."""
    for operation in ("UploadArchive", "UploadMultipartPart"):
        client.meta.events.register_first(f"before-call.glacier.{operation}", _give_hash)


def _check_length(response_dict: dict[str, Any], **_: Any) -> None:
    """Raises ServiceUnreachable for an answer that ended early: botocore would take what came for the whole."""
    body, announced = response_dict.get("body"), response_dict["headers"].get("content-length", "")
    if isinstance(body, bytes) and announced.isascii() and announced.isdigit() and len(body) < int(announced):
        raise ServiceUnreachable(f"the answer ended at byte {len(body)} of {announced}")


def _give_hash(params: dict[str, Any], **_: Any) -> None:
    known = content_sha256.get()
    if known:
        params["headers"]["x-amz-content-sha256"] = known
