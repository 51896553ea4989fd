"""boto3 clients of a local Glacier that is served."""

from typing import Any

import boto3


def connect(**settings: Any) -> Any:
    """A boto3 Glacier client of a session of its own, with the settings that ``Session.client`` takes."""
    return boto3.Session().client("glacier", **settings)
