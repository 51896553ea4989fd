"""Requests signed by botocore for any moment, and clients that sign, above the local Glacier."""

from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from glacierkeep.local import Headers, LocalGlacier, Request
from glacierkeep.local.attach import attach, to_request
from glacierkeep.local.wire.keys import Key

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOST = "glacier.us-east-1.amazonaws.com"
VERSION = {"x-amz-glacier-version": "2012-06-01"}

# The key of all examples in the AWS documentation.
KEY = Key("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "111122223333")


def sign(
    method: str,
    target: str,
    *,
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    key: Key = KEY,
    moment: datetime = NOON,
    region: str = "us-east-1",
    host: str = HOST,
) -> Request:
    """A request that botocore's own signer signed at *moment*."""
    draft = AWSRequest(method, f"https://{host}{target}", headers=headers or VERSION, data=body)
    draft.context["timestamp"] = f"{moment:%Y%m%dT%H%M%SZ}"
    if "Date" not in draft.headers:
        draft.headers["X-Amz-Date"] = draft.context["timestamp"]
    if key.token:
        draft.headers["X-Amz-Security-Token"] = key.token
    signer = SigV4Auth(Credentials(key.id, key.secret, key.token), "glacier", region)
    text = signer.string_to_sign(draft, signer.canonical_request(draft))
    names = signer.signed_headers(signer.headers_to_sign(draft))
    draft.headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={signer.scope(draft)}, SignedHeaders={names}, "
        f"Signature={signer.signature(text, draft)}"
    )
    return to_request(draft.prepare())


def with_headers(request: Request, **changes: str | None) -> Request:
    """The request with some headers set, or taken away by None; ``_`` stands for ``-``."""
    values: dict[str, str | None] = dict(request.headers)
    values.update({name.lower().replace("_", "-"): value for name, value in changes.items()})
    kept = [(name, value) for name, value in values.items() if value is not None]
    return Request(request.method, request.path, request.query, Headers(kept), request.body)


def client_of(service: LocalGlacier, key: Key = KEY, *, endpoint: str | None = None) -> Any:
    """A boto3 client that signs with *key* now, and sends each request once, to *service*."""
    session = boto3.Session(key.id, key.secret, key.token, service.region)
    retries: Any = {"total_max_attempts": 1, "mode": "standard"}
    client: Any = session.client("glacier", endpoint_url=endpoint, config=Config(retries=retries))
    attach(client, service)
    return client
