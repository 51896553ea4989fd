"""boto3 clients of a local Glacier that is served."""

from typing import Any

import boto3

from glacierkeep.local.wire.keys import Key


def connect(url: str, key: Key, region: str, **more: Any) -> Any:
    """A boto3 Glacier client that sends to *url*, signing with *key*; *more* is what ``Session.client`` takes."""
    session = boto3.Session(
        aws_access_key_id=key.id,
        aws_secret_access_key=key.secret,
        aws_session_token=key.token,
        region_name=region,
    )
    return session.client("glacier", endpoint_url=url, **more)
