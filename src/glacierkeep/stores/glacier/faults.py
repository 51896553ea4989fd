"""What botocore and the service say when something fails, as errors of ours."""

import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from glacierkeep.errors import (
    BytesMismatch,
    BytesRefused,
    ClockWrong,
    ConfigError,
    CredentialsTrouble,
    ExpiredCredentials,
    GlacierkeepError,
    NoCapacity,
    NoConnection,
    NoNewAccounts,
    NotFound,
    NotReady,
    ServiceBusy,
    ServiceError,
    ServiceUnreachable,
    StaleCredentials,
    TurnedAway,
    VaultMissing,
)
from glacierkeep.stores.glacier.signing import AHEAD, is_about_time

_REFUSED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "IncompleteSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "NotAuthorizedException",
        "OptInRequired",
    }
)
_STALE = frozenset(
    {
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
"""Codes of keys that are unknown or do not fit: perhaps they were replaced meanwhile."""
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"})
_TURNED_AWAY = frozenset(
    {
        "RequestTimeout",
        "RequestTimeoutException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_NO_CAPACITY = "InsufficientCapacityException"
_UPLOADS = {"UploadArchive", "UploadMultipartPart", "CompleteMultipartUpload"}
_KINDS: tuple[tuple[frozenset[str], type[ServiceError]], ...] = (
    (frozenset({"NoLongerSupportedException"}), NoNewAccounts),
    (_REFUSED, CredentialsTrouble),
    (_STALE, StaleCredentials),
    (_EXPIRED, ExpiredCredentials),
    (_TURNED_AWAY, TurnedAway),
    (frozenset({_NO_CAPACITY}), NoCapacity),
    (frozenset({"ServiceUnavailableException"}), ServiceBusy),
)
_CHECKSUM = re.compile(r"Checksum mismatch: expected ([0-9a-f]{64}), computed ([0-9a-f]{64})")
_NOT_DOWNLOADABLE = "not currently available for download"

_RENEW = "renew the session, for example with aws sso login"
_HINTS = {
    "PolicyEnforcedException": "the account's data retrieval policy limits this; try later, or a Bulk job",
    "InsufficientCapacityException": "Expedited capacity is short; use the Standard or the Bulk tier",
    "ExpiredToken": _RENEW,
    "ExpiredTokenException": _RENEW,
    "InvalidSignatureException": "check the secret key",
    "AccessDeniedException": "the AWS user or role needs permission for this action on this vault",
    "UnrecognizedClientException": "check the access key id and the session token",
}
_PROFILES = "gk uses the AWS profiles, keys and SSO sessions of the aws command"
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
    about: dict[str, Any] = {
        "service_code": code,
        "status": status,
        "request_id": str(meta.get("RequestId") or ""),
        "retry_after": _retry_after(meta),
    }
    if is_about_time(code, message):
        return _clock_wrong(facts.get(AHEAD), f"cannot {doing}: {message or code}", about)
    kind = _kind(code, message, status, operation)
    return kind(f"cannot {doing}: {message or code or status}", hint=_hint(kind, code, message), **about)


def _clock_wrong(ahead: float | None, refusal: str, about: dict[str, Any]) -> ClockWrong:
    hint = "set the clock right, or let the system keep it right over the network (NTP); nothing is lost"
    if ahead is None:
        return ClockWrong(refusal, hint=hint, **about)
    minutes = abs(ahead) / 60
    side = "ahead of" if ahead > 0 else "behind"
    sentence = f"this computer's clock is {minutes:.0f} minutes {side} the service's"
    return ClockWrong(sentence, ahead=ahead, hint=hint, **about)


def _retry_after(meta: Mapping[str, Any]) -> float:
    """Seconds the service asks to be left alone."""
    told = str(_mapping(meta.get("HTTPHeaders")).get("retry-after") or "")
    return float(told) if told.isascii() and told.isdigit() and len(told) < 6 else 0.0


def _kind(code: str, message: str, status: int, operation: str) -> type[ServiceError]:
    kind = _kind_of_code(code, message)
    if kind:
        return kind
    # A bare 404 for an output comes from imitations of the service that mean "not yet".
    if _NOT_DOWNLOADABLE in message or (operation == "GetJobOutput" and code == "404"):
        return NotReady
    if status in (401, 403):
        return CredentialsTrouble
    if status == 404 or code == "ResourceNotFoundException":
        return NotFound
    return _kind_of_status(status)


def _kind_of_code(code: str, message: str) -> type[ServiceError] | None:
    if code == "VaultNotFound" or message.startswith("Vault not found"):
        return VaultMissing
    for codes, kind in _KINDS:
        if code in codes:
            return kind
    return None


def _kind_of_status(status: int) -> type[ServiceError]:
    if status == 429:
        return TurnedAway
    return ServiceBusy if status >= 500 or status == 408 else ServiceError


def _hint(kind: type[ServiceError], code: str, message: str) -> str | None:
    if kind is NoNewAccounts:
        return "Amazon takes no new accounts here; use an S3 bucket: s3://BUCKET keeps the same archives"
    if kind is VaultMissing:
        return "gk vault list shows the vaults; gk vault create makes one; check the region"
    if issubclass(kind, CredentialsTrouble):
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
        return BytesRefused("the service received other bytes", expected=expected, found=computed)
    return None


def _not_sent(error: Exception, doing: str) -> GlacierkeepError:
    """What botocore itself raises."""
    from botocore import exceptions as theirs

    if _never_left(error, theirs):
        return _unconnected(error, doing)
    for kinds, build in (
        (_network_errors(theirs), _unreachable),
        (_renewable_errors(theirs), _no_fresh_credentials),
        (_credential_errors(theirs), _no_credentials),
        ((theirs.ConfigParseError, theirs.ConfigNotFound, theirs.InvalidConfigError), _bad_config),
        ((theirs.InvalidRegionError, theirs.NoRegionError, theirs.UnknownEndpointError), _bad_config),
    ):
        if isinstance(error, kinds):
            return build(error, doing)
    return ServiceError(f"cannot {doing}: {error}")


def _never_left(error: Exception, theirs: Any) -> bool:
    """Whether it is sure that nothing was sent. TLS fails, and proxies hang up, after a request as well as before."""
    if isinstance(error, theirs.ConnectTimeoutError | theirs.EndpointConnectionError):
        return True
    if not isinstance(error, theirs.ProxyConnectionError | theirs.SSLError):
        return False
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

    before = (ConnectTimeoutError, NewConnectionError, ssl.SSLCertVerificationError, socket.gaierror)
    return any(isinstance(cause, before) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """*error* and what it was made of: botocore and urllib3 put that into fields and arguments."""
    seen: BaseException | None = error
    for _ in range(8):
        if seen is None:
            return
        yield seen
        inside = [getattr(seen, "kwargs", {}).get("error"), getattr(seen, "original_error", None), *seen.args]
        seen = next((each for each in inside if isinstance(each, BaseException)), None)


def _network_errors(theirs: Any) -> tuple[type[Exception], ...]:
    return (theirs.HTTPClientError, theirs.ConnectionError, theirs.IncompleteReadError)


def _renewable_errors(theirs: Any) -> tuple[type[Exception], ...]:
    """What is good again once somebody has signed in anew, or whoever gives credentials answers again."""
    return (theirs.CredentialRetrievalError, theirs.TokenRetrievalError, theirs.SSOError)


def _credential_errors(theirs: Any) -> tuple[type[Exception], ...]:
    return (
        theirs.NoCredentialsError,
        theirs.PartialCredentialsError,
        theirs.NoAuthTokenError,
        theirs.ProfileNotFound,
        theirs.RefreshWithMFAUnsupportedError,
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
    return CredentialsTrouble(f"cannot {doing}: {error}", hint=_PROFILES)


def _no_fresh_credentials(error: Exception, doing: str) -> GlacierkeepError:
    return ExpiredCredentials(f"cannot {doing}: {error}", hint=f"{_RENEW}; {_PROFILES}")


def _bad_config(error: Exception, doing: str) -> GlacierkeepError:
    return ConfigError(f"cannot {doing}: {error}", hint="check ~/.aws/config, the region and the endpoint")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
