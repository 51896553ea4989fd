"""Signatures verified: who signed a request, and that it is what they signed.

The order of the checks and their words are those of AWS, as captures of Glacier and of services beside it
show them. Only Signature Version 4 in the Authorization header is accepted.
"""

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO

from glacierkeep.local.wire import refusals
from glacierkeep.local.wire.canonical import (
    ALGORITHM,
    SERVICE,
    TERMINATOR,
    Scope,
    canonical_request,
    same,
    signature,
    string_to_sign,
)
from glacierkeep.local.wire.documents import read_document
from glacierkeep.local.wire.identity import REGION, Caller, region_of_host
from glacierkeep.local.wire.keys import Key, Keys
from glacierkeep.local.wire.messages import Request

TOLERANCE = timedelta(minutes=5)

_PAYLOAD_HASH = "x-amz-content-sha256"
_STREAMED = re.compile(r"POST /[^/]*/vaults/[^/]*/archives|PUT /[^/]*/vaults/[^/]*/multipart-uploads/[^/]*")
_PRESIGNED = re.compile(r"(?:^|&)X-Amz-(?:Algorithm|Credential|Signature)=", re.IGNORECASE)
_BASIC_FORMAT = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_STAMP = "%Y%m%dT%H%M%SZ"
_DATE_HEADERS = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y")


@dataclass(frozen=True, slots=True)
class _Claim:
    """What an Authorization header says; *signed* are names of headers, in lower case and sorted."""

    algorithm: str
    credential: str
    signed: tuple[str, ...]
    signature: str
    moment: datetime

    @property
    def stamp(self) -> str:
        return self.moment.strftime(_STAMP)


def authenticate(request: Request, keys: Keys, now: datetime) -> tuple[Caller, Request]:
    """Who signed the request, and the request to go on with; a Refusal if nobody of *keys* did, or not *now*.

    *now* is the real time (UTC), whatever the service's own clock was turned to; 5 minutes either way are
    allowed (captures glacier-cmd#103, glacier-cli#36). The body of an upload is not touched: its hash is in a
    header, and compared when it is received. Any other body is read, up to 1 MiB, and given on.
    """
    claim = _read_claim(request)
    _check_age(claim, now)
    _check_signed_headers(claim, request)
    key_id, scope = _read_scope(claim, request.headers.get("Host", ""))
    key = keys.get(key_id)
    if key is None:
        raise refusals.unrecognized_client()
    request, computed = _with_payload_hash(request)
    declared = request.headers.get(_PAYLOAD_HASH) or computed
    _check_signature(claim, scope, key, canonical_request(request, claim.signed, declared))
    _check_token(key, request.headers.get("x-amz-security-token", ""), now)
    if declared != computed:
        raise refusals.checksum_mismatch(declared, computed)
    return Caller.of(key.account, scope.region, key.user), request


def _read_claim(request: Request) -> _Claim:
    header = _authorization(request)
    algorithm, _, rest = header.partition(" ")
    fields = dict(_field(pair, header) for pair in rest.replace(",", " ").split())
    date = request.headers.get("x-amz-date") or request.headers.get("Date", "")
    lacking = [
        f"Authorization header requires '{name}' parameter."
        for name in ("Credential", "Signature", "SignedHeaders")
        if not fields.get(name)
    ]
    if not date:
        lacking.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    if lacking:
        raise refusals.incomplete_signature(" ".join([*lacking, f"Authorization={header}"]))
    signed = sorted({name.lower() for name in fields["SignedHeaders"].split(";")})
    return _Claim(algorithm, fields["Credential"], tuple(signed), fields["Signature"], _moment(date))


def _authorization(request: Request) -> str:
    """The header of a signature, or what is to be said when there is none of the right kind."""
    header = request.headers.get("Authorization", "")
    presigned = _PRESIGNED.search(request.query)
    if header and presigned:
        raise refusals.invalid_signature(
            "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."
        )
    if presigned:
        raise refusals.missing_authentication("; a signature in the query string is not accepted")
    if not header.startswith("AWS4-"):
        raise refusals.missing_authentication()
    return header


def _field(pair: str, header: str) -> tuple[str, str]:
    name, equals, value = pair.partition("=")
    if not equals:
        raise refusals.incomplete_signature(
            f"'{pair}' not a valid key=value pair (missing equal-sign) in Authorization header: '{header}'."
        )
    return name, value


def _moment(text: str) -> datetime:
    """When a request was signed: ISO 8601 in its basic format, or what HTTP allows in a Date header."""
    for form in (_STAMP,) if _BASIC_FORMAT.fullmatch(text) else _DATE_HEADERS:
        with suppress(ValueError):
            return datetime.strptime(text, form).replace(tzinfo=UTC)
    raise refusals.incomplete_signature(
        f"Date must be in ISO-8601 'basic format'. Got '{text}'. See http://en.wikipedia.org/wiki/ISO_8601"
    )


def _check_age(claim: _Claim, now: datetime) -> None:
    now = now.astimezone(UTC).replace(microsecond=0)
    oldest, newest = now - TOLERANCE, now + TOLERANCE
    if claim.moment < oldest:
        raise refusals.invalid_signature(
            f"Signature expired: {claim.stamp} is now earlier than {oldest:{_STAMP}} ({now:{_STAMP}} - 5 min.)"
        )
    if claim.moment > newest:
        raise refusals.invalid_signature(
            f"Signature not yet current: {claim.stamp} is still later than {newest:{_STAMP}}"
            f" ({now:{_STAMP}} + 5 min.)"
        )


def _check_signed_headers(claim: _Claim, request: Request) -> None:
    if "host" not in claim.signed:
        raise refusals.invalid_signature(
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
        )
    for name in sorted(request.headers.keys() - set(claim.signed)):
        if name.startswith("x-amz-"):
            raise refusals.invalid_signature(f"'{name}' must be a 'SignedHeader' in the AWS Authorization.")


def _read_scope(claim: _Claim, host: str) -> tuple[str, Scope]:
    """The id of the key and the scope it signed for, both in the credential."""
    if claim.algorithm != ALGORITHM:
        raise refusals.incomplete_signature(
            f"Unsupported AWS 'algorithm': '{claim.algorithm}' (only {ALGORITHM} for now). "
        )
    parts = claim.credential.split("/")
    if len(parts) != 5:
        raise refusals.incomplete_signature(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term,"
            f" got '{claim.credential}'"
        )
    key_id, date, region, service, terminator = parts
    wrong = ""
    if not REGION.fullmatch(region) or region_of_host(host) not in {None, region}:
        wrong += f"Credential should be scoped to a valid region, not '{region}'. "
    if service != SERVICE:
        wrong += f"Credential should be scoped to correct service: '{SERVICE}'. "
    if terminator != TERMINATOR:
        wrong += f"Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{terminator}'. "
    if date != claim.stamp[:8]:
        wrong += (
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP:"
            f" '{date}' != '{claim.stamp[:8]}', from '{claim.stamp}'. "
        )
    if wrong:
        raise refusals.invalid_signature(wrong)
    return key_id, Scope(date, region)


def _with_payload_hash(request: Request) -> tuple[Request, str]:
    """The request with its body still to be read, and the hash of that body."""
    if _STREAMED.fullmatch(f"{request.method} {request.path}"):
        declared = request.headers.get(_PAYLOAD_HASH)
        if not declared:
            raise refusals.missing(_PAYLOAD_HASH)
        return request, declared
    document = read_document(request.body)
    return replace(request, body=BytesIO(document)), sha256(document).hexdigest()


def _check_signature(claim: _Claim, scope: Scope, key: Key, canonical: str) -> None:
    text = string_to_sign(claim.stamp, scope, canonical)
    if not same(claim.signature, signature(key.secret, scope, text)):
        raise refusals.signature_mismatch(canonical, text)


def _check_token(key: Key, token: str, now: datetime) -> None:
    if not same(token, key.token or ""):
        raise refusals.unrecognized_client()
    if key.expires is not None and key.expires <= now:
        raise refusals.expired_token()
