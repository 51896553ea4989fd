"""What botocore and the service say when something fails, as errors of ours."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from glacierkeep.errors import (
    BytesMismatch,
    ConfigError,
    CredentialsTrouble,
    GlacierkeepError,
    NoConnection,
    NoNewAccounts,
    NotFound,
    NotReady,
    ServiceBusy,
    ServiceError,
    ServiceUnreachable,
    VaultMissing,
)

_CREDENTIALS = {
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "NotAuthorizedException",
    "OptInRequired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
THROTTLED = frozenset({"SlowDown", "Throttling", "ThrottlingException", "TooManyRequestsException"})
"""Codes of requests that were turned away unread."""
_BUSY = THROTTLED | {
    "InsufficientCapacityException",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailableException",
}
_UPLOADS = {"UploadArchive", "UploadMultipartPart", "CompleteMultipartUpload"}
_CHECKSUM = re.compile(r"Checksum mismatch: expected ([0-9a-f]{64}), computed ([0-9a-f]{64})")
_NOT_DOWNLOADABLE = "not currently available for download"

_HINTS = {
    "PolicyEnforcedException": "the account's data retrieval policy limits this; try later, or a Bulk job",
    "InsufficientCapacityException": "Expedited capacity is short; use the Standard or the Bulk tier",
    "ExpiredTokenException": "renew the session, for example with aws sso login",
    "InvalidSignatureException": "check the secret key, and that this computer's clock is right to 5 minutes",
    "AccessDeniedException": "the AWS user or role needs permission for this action on this vault",
    "UnrecognizedClientException": "check the access key id and the session token",
}
_MESSAGE_HINTS = (
    (
        "Vault not empty",
        "the service lets go of a vault only after an inventory that shows it empty; try tomorrow",
    ),
    ("Invalid vault name", "the archive id probably belongs to another vault"),
)


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """What fails inside is raised as an error of ours; *doing* begins its sentence ("cannot …")."""
    try:
        yield
    except GlacierkeepError:
        raise
    except Exception as error:
        ours = translate(error, doing)
        if ours is None:
            raise
        raise ours from error


def translate(error: Exception, doing: str) -> GlacierkeepError | None:
    """The error of ours for *error*; None for one that neither botocore nor the network raised."""
    inside = _ours_inside(error)
    if inside:
        return inside
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError
    from urllib3.exceptions import HTTPError

    if isinstance(error, ClientError):
        return _refused(error.response, error.operation_name, doing)
    if isinstance(error, ResponseParserError) or _stumbled(error):
        return ServiceUnreachable(f"cannot {doing}: the answer makes no sense: {error}")
    if isinstance(error, BotoCoreError):
        return _not_sent(error, doing)
    if isinstance(error, HTTPError | OSError):
        return _unreachable(error, doing)
    return None


def _stumbled(error: Exception) -> bool:
    """Whether botocore's parser fell over an answer: JSON of an unexpected shape is no error of its own to it."""
    frame = error.__traceback__
    while frame:
        if frame.tb_frame.f_globals.get("__name__") == "botocore.parsers":
            return True
        frame = frame.tb_next
    return False


def _ours_inside(error: BaseException) -> GlacierkeepError | None:
    """Our own error that botocore wrapped: one raised by a body while it was read."""
    # Not along __context__: that may be an older error which somebody is dealing with just now.
    seen: BaseException | None = error
    for _ in range(8):
        if seen is None or isinstance(seen, GlacierkeepError):
            return seen
        wrapped = getattr(seen, "kwargs", {}).get("error")
        seen = wrapped if isinstance(wrapped, BaseException) else seen.__cause__
    return None


def _refused(response: Any, operation: str, doing: str) -> GlacierkeepError:
    """The service's answer: its code, message, status and request id."""
    facts, meta = _mapping(response.get("Error")), _mapping(response.get("ResponseMetadata"))
    code, message = str(facts.get("Code") or ""), str(facts.get("Message") or "")
    status = meta.get("HTTPStatusCode")
    status = status if isinstance(status, int) else 0
    mismatch = _mismatch(code, message) if operation in _UPLOADS else None
    if mismatch:
        return mismatch
    kind = _kind(code, message, status, operation)
    return kind(
        f"cannot {doing}: {message or code or status}",
        service_code=code,
        status=status,
        request_id=str(meta.get("RequestId") or ""),
        hint=_hint(kind, code, message),
    )


def _kind(code: str, message: str, status: int, operation: str) -> type[ServiceError]:
    if code == "NoLongerSupportedException":
        return NoNewAccounts
    if code in _CREDENTIALS or status in (401, 403):
        return CredentialsTrouble
    if code == "VaultNotFound" or message.startswith("Vault not found"):
        return VaultMissing
    # A bare 404 for an output comes from imitations of the service that mean "not yet".
    if _NOT_DOWNLOADABLE in message or (operation == "GetJobOutput" and code == "404"):
        return NotReady
    if status == 404 or code == "ResourceNotFoundException":
        return NotFound
    if code in _BUSY or status >= 500 or status in (408, 429):
        return ServiceBusy
    return ServiceError


def _hint(kind: type[ServiceError], code: str, message: str) -> str | None:
    if kind is NoNewAccounts:
        return "Amazon takes no new accounts here; use an S3 bucket: s3://BUCKET keeps the same archives"
    if kind is VaultMissing:
        return "gk vault list shows the vaults; gk vault create makes one; check the region"
    if kind is CredentialsTrouble:
        return _HINTS.get(code, "check the AWS profile, keys and permissions")
    for beginning, hint in _MESSAGE_HINTS:
        if message.startswith(beginning):
            return hint
    return _HINTS.get(code)


def _mismatch(code: str, message: str) -> BytesMismatch | None:
    """The service's own finding that bytes arrived with another hash than was declared."""
    found = _CHECKSUM.search(message)
    if found:
        expected, computed = map(bytes.fromhex, found.groups())
        return BytesMismatch("the service received other bytes", expected=expected, found=computed)
    return None


def _not_sent(error: Exception, doing: str) -> GlacierkeepError:
    """What botocore itself raises."""
    from botocore import exceptions as theirs

    for kinds, build in (
        (_connection_errors(theirs), _unconnected),
        (_network_errors(theirs), _unreachable),
        (_credential_errors(theirs), _no_credentials),
        ((theirs.ConfigParseError, theirs.ConfigNotFound, theirs.InvalidConfigError), _bad_config),
        ((theirs.InvalidRegionError, theirs.NoRegionError, theirs.UnknownEndpointError), _bad_config),
    ):
        if isinstance(error, kinds):
            return build(error, doing)
    return ServiceError(f"cannot {doing}: {error}")


def _connection_errors(theirs: Any) -> tuple[type[Exception], ...]:
    """What fails before a request is sent."""
    return (
        theirs.ConnectTimeoutError,
        theirs.EndpointConnectionError,
        theirs.ProxyConnectionError,
        theirs.SSLError,
    )


def _network_errors(theirs: Any) -> tuple[type[Exception], ...]:
    return (theirs.HTTPClientError, theirs.ConnectionError, theirs.IncompleteReadError)


def _credential_errors(theirs: Any) -> tuple[type[Exception], ...]:
    return (
        theirs.NoCredentialsError,
        theirs.PartialCredentialsError,
        theirs.CredentialRetrievalError,
        theirs.NoAuthTokenError,
        theirs.TokenRetrievalError,
        theirs.ProfileNotFound,
        theirs.RefreshWithMFAUnsupportedError,
        theirs.SSOError,
        theirs.UnknownCredentialError,
    )


def _unconnected(error: Exception, doing: str) -> GlacierkeepError:
    return NoConnection(
        f"cannot {doing}: {error}", hint="check the network and the endpoint; nothing was asked"
    )


def _unreachable(error: Exception, doing: str) -> GlacierkeepError:
    return ServiceUnreachable(
        f"cannot {doing}: {error}", hint="check the network; what was asked may or may not have been done"
    )


def _no_credentials(error: Exception, doing: str) -> GlacierkeepError:
    return CredentialsTrouble(
        f"cannot {doing}: {error}", hint="gk uses the AWS profiles, keys and SSO sessions of the aws command"
    )


def _bad_config(error: Exception, doing: str) -> GlacierkeepError:
    return ConfigError(f"cannot {doing}: {error}", hint="check ~/.aws/config, the region and the endpoint")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
