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


def access_denied(account: str) -> Refusal:
    """Another account's vaults."""
    return Refusal(403, "AccessDeniedException", f"Access to account {account} is denied.")


def too_many_vaults(limit: int) -> Refusal:
    """An account holds at most 1,000 vaults in a region."""
    return Refusal(400, "LimitExceededException", f"The maximum number of vaults has been reached: {limit}")


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


def not_offered(operation: str) -> Refusal:
    """An operation of the real service that this one does not have yet."""
    return Refusal(501, "NotImplementedException", f"The local Glacier does not offer {operation} yet.")


def unavailable(reason: object) -> Refusal:
    """The service's own trouble: disk full, no permission, state busy for too long."""
    return Refusal(500, "ServiceUnavailableException", f"The service cannot complete the request: {reason}")
