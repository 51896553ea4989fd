"""The service's refusals: status, code, message, type, as AWS spells them.

Messages marked (captured) were seen from the real service; the others are this service's own words.
"""

from glacierkeep.local.wire.messages import Response
from glacierkeep.local.wire.spelling import json_response


class Refusal(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message

    def response(self) -> Response:
        """The error body: code, message, type."""
        kind = "Server" if self.status >= 500 else "Client"
        return json_response(self.status, {"code": self.code, "message": self.message, "type": kind})


def invalid(message: str) -> Refusal:
    """A parameter that is wrong."""
    return Refusal(400, "InvalidParameterValueException", message)


def invalid_parameter(name: str, value: object) -> Refusal:
    """A parameter that is wrong, by name: ``Invalid Content-Length: 0`` (captured)."""
    return invalid(f"Invalid {name}: {value}")


def missing(name: str) -> Refusal:
    """A header or parameter that is not there (captured)."""
    return Refusal(400, "MissingParameterValueException", f"Required parameter missing: {name}")


def not_found(message: str) -> Refusal:
    """Something that does not exist, or no longer."""
    return Refusal(404, "ResourceNotFoundException", message)


def vault_not_found(arn_or_name: str) -> Refusal:
    """(captured) The bare name stands for the ARN when it is no possible vault name."""
    return not_found(f"Vault not found for ARN: {arn_or_name}")


def archive_not_found(archive_id: str) -> Refusal:
    """(captured)"""
    return not_found(f"The archive ID was not found: {archive_id}")


def job_not_found(job_id: str) -> Refusal:
    """(captured)"""
    return not_found(f"The job ID was not found: {job_id}")


def upload_not_found(upload_id: str) -> Refusal:
    """By analogy with jobs and archives."""
    return not_found(f"The upload ID was not found: {upload_id}")


def inventory_not_found(arn: str) -> Refusal:
    """An inventory was asked for before the first one was made."""
    return not_found(f"No inventory has been generated yet for vault: {arn}")


def job_not_ready(job_id: str) -> Refusal:
    """(captured)"""
    return invalid(f"The job is not currently available for download: {job_id}")


def vault_not_empty(arn: str) -> Refusal:
    """(captured)"""
    return invalid(f"Vault not empty or recently written to: {arn}")


def checksum_mismatch(expected: str, computed: str) -> Refusal:
    """(captured)"""
    return invalid(f"Checksum mismatch: expected {expected}, computed {computed}")


def invalid_part_size(value: object) -> Refusal:
    """(captured)"""
    return invalid(
        f"Invalid part size: {value}. Part size must not be null, must be a power of two and be between "
        "1048576 and 4294967296 bytes."
    )


def too_many_parts(number: int) -> Refusal:
    """(captured)"""
    return invalid(
        f"This is part number {number} for the current multipart upload. It exceeds the limit of 10000 parts."
    )


def incompatible_range(content_range: str, name: str, value: int) -> Refusal:
    """(captured for Content-Length)"""
    return invalid(f"Content-Range: {content_range} is incompatible with {name}: {value}")


def range_past_end(asked: str) -> Refusal:
    """(captured)"""
    return invalid(f"The start of the range is larger than size of retrieved data: {asked}")


def foreign_topic(topic: str) -> Refusal:
    """(captured)"""
    return invalid(f"SNS topics must be in the local AWS region: {topic}")


def notifications_not_found(arn: str) -> Refusal:
    """(captured, as quoted in a client's source; that the ARN follows is ours)"""
    return not_found(f"No notification configuration is set for vault: {arn}")


def policy_enforced() -> Refusal:
    """The words are the service model's."""
    return Refusal(
        400, "PolicyEnforcedException", "InitiateJob request denied by current data retrieval policy."
    )


def short_of_capacity() -> Refusal:
    """The status is the developer guide's (api-initiate-job-post); the service model says 400."""
    return Refusal(
        503, "InsufficientCapacityException", "Insufficient capacity to process this expedited request."
    )


def missing_authentication(more: str = "") -> Refusal:
    """No signature of a kind the service knows (status and code of the guide; words captured elsewhere at AWS)."""
    return Refusal(
        400, "MissingAuthenticationTokenException", f"Request is missing Authentication Token{more}"
    )


def incomplete_signature(message: str) -> Refusal:
    """A signature that cannot be read (captured: the status, and by its length the code, mt-aws-glacier#22)."""
    return Refusal(403, "IncompleteSignatureException", message)


def invalid_signature(message: str) -> Refusal:
    """A signature that does not hold, or not now."""
    return Refusal(403, "InvalidSignatureException", message)


def signature_mismatch(canonical: str, text: str) -> Refusal:
    """(captured) A request that is not what its signature was made of; to compare, what that should have been."""
    return invalid_signature(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret"
        " Access Key and signing method. Consult the service documentation for details.\n\n"
        f"The Canonical String for this request should have been\n'{canonical}'\n\n"
        f"The String-to-Sign should have been\n'{text}'\n"
    )


def unrecognized_client() -> Refusal:
    """An access key or session token that nobody has."""
    message = "The security token included in the request is invalid."
    return Refusal(400, "UnrecognizedClientException", message)


def expired_token() -> Refusal:
    """A temporary key whose time is over."""
    message = "The security token included in the request is expired"
    return Refusal(403, "ExpiredTokenException", message)


def throttled() -> Refusal:
    """(captured) Too many requests; Glacier says so with 400."""
    return Refusal(400, "ThrottlingException", "Rate exceeded")


def timed_out() -> Refusal:
    """An upload that did not arrive in time."""
    return Refusal(408, "RequestTimeoutException", "Request timed out")


def overloaded(status: int) -> Refusal:
    """The service's trouble of the moment: 500 in the developer guide, 503 from what stands before it."""
    return Refusal(status, "ServiceUnavailableException", "The service cannot complete the request")


def no_longer_supported() -> Refusal:
    """The words are the service model's: what new accounts are told since December 2025."""
    return Refusal(
        400,
        "NoLongerSupportedException",
        "This API is no longer supported for new accounts. Please use Amazon S3 Glacier storage classes instead.",
    )


def denied(message: str) -> Refusal:
    """Something that is not to be done, or not by this caller."""
    return Refusal(403, "AccessDeniedException", message)


def access_denied(account: str) -> Refusal:
    """Another account's vaults (captured)."""
    return denied(f"Access denied for account ID: {account}")


def not_authorized(caller: str, action: str, resource: str, *, explicit: bool) -> Refusal:
    """What policies deny, or do not allow to another account (captured for identity-based policies; IAM user guide)."""
    reason = (
        "with an explicit deny in a resource-based policy"
        if explicit
        else f"because no resource-based policy allows the {action} action"
    )
    return denied(f"User: {caller} is not authorized to perform: {action} on resource: {resource} {reason}")


def invalid_policy(kind: str, reason: str) -> Refusal:
    """(captured for vault lock policies, up to the reason)"""
    return invalid(f"The specified {kind} is invalid. Provide a valid policy. {reason}")


def policy_not_found(kind: str, arn: str) -> Refusal:
    """(captured for vault access policies; that the ARN follows is ours)"""
    return not_found(f"No {kind} is set for: {arn}")


def too_many_vaults(limit: int) -> Refusal:
    """An account holds at most 1,000 vaults in a region."""
    return Refusal(400, "LimitExceededException", f"The maximum number of vaults has been reached: {limit}")


def too_many_tags(limit: int) -> Refusal:
    """A vault has at most 50 tags."""
    return Refusal(400, "LimitExceededException", f"The maximum number of tags has been reached: {limit}")


def too_many_units(limit: int) -> Refusal:
    """An account has at most two units of provisioned capacity at a time."""
    return Refusal(
        400,
        "LimitExceededException",
        f"The maximum number of provisioned capacity units has been reached: {limit}",
    )


def malformed_body(reason: str) -> Refusal:
    """A JSON body that cannot be read."""
    return Refusal(400, "SerializationException", reason)


def body_longer_than_announced(length: int) -> Refusal:
    """More bytes than Content-Length."""
    return Refusal(400, "BadRequest", f"The request body is longer than its Content-Length: {length}")


def body_cut_short(received: int, length: int) -> Refusal:
    """Fewer bytes than Content-Length: the real service waits in vain for the others."""
    return Refusal(
        408, "RequestTimeoutException", f"Request timed out: {received} of {length} bytes were received."
    )


def unknown_operation(method: str, path: str) -> Refusal:
    """No operation has this method and path; the code is the real one (aws-sdk-cpp issue 121)."""
    return Refusal(400, "BadRequest", f"No operation of the service is {method} {path}")


def unavailable(reason: object) -> Refusal:
    """The service's own trouble: disk full, no permission, state busy for too long."""
    return Refusal(500, "ServiceUnavailableException", f"The service cannot complete the request: {reason}")
