"""Publishing to SNS topics: the one thing for which the local Glacier calls another service."""

import threading
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

PATIENCE = 5
"""Seconds to wait for a connection, and for the answer."""
SUBJECT = "Notification From Amazon Glacier Service"
"""A guess: AWS's own imitation of the service (in its solution to move vaults to S3) says Mocking for Amazon."""

_KEY = "local"


class NotReached(Exception):
    """The endpoint did not answer, or cannot take the message now."""


class NotTaken(Exception):
    """SNS refuses the message, now and later: there is no such topic, or it may not be written to."""


class Topics:
    """The SNS at *endpoint_url*, for any number of threads.

    Requests are signed with a dummy key, and no AWS settings or proxies are heeded. Raises ValueError for
    what is not the URL of an http or https endpoint.
    """

    def __init__(self, endpoint_url: str) -> None:
        url = urlsplit(endpoint_url)
        if url.scheme not in ("http", "https") or not url.hostname or url.port == 0:
            raise ValueError(f"no URL of an SNS endpoint: {endpoint_url}")
        self._url = endpoint_url.rstrip("/") + "/"
        self._session: Any = None
        self._lock = threading.Lock()

    def publish(self, topic: str, body: str) -> None:
        """Publish *body* to the topic of that ARN, or raise NotReached or NotTaken.

        Of an answer only the status matters: what answers may be something else than SNS.
        """
        # botocore is slow to load, and most who use the local Glacier have no topics.
        from botocore.exceptions import BotoCoreError

        request = _request(self._url, topic, body)
        try:
            response = self._connected().send(request)
        except BotoCoreError as error:
            raise NotReached(str(error)) from error
        status = response.status_code
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
            raise NotReached(f"HTTP status {status}")
        if status != HTTPStatus.OK:
            raise NotTaken(f"HTTP status {status}")

    def close(self) -> None:
        """Close what is open; the topics can be used again afterwards."""
        with self._lock:
            session, self._session = self._session, None
        if session is not None:
            session.close()

    def _connected(self) -> Any:
        from botocore.httpsession import URLLib3Session

        with self._lock:
            if self._session is None:
                self._session = URLLib3Session(timeout=PATIENCE, proxies={})
            return self._session


def _request(url: str, topic: str, body: str) -> Any:
    """A signed Publish request, ready to be sent."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    fields = {"Action": "Publish", "Version": "2010-03-31", "TopicArn": topic, "Message": body}
    request = AWSRequest(
        method="POST",
        url=url,
        data=urlencode({**fields, "Subject": SUBJECT}),
        headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
    )
    SigV4Auth(Credentials(_KEY, _KEY), "sns", topic.split(":")[3]).add_auth(request)
    return request.prepare()
