"""What the service and the network do wrong, as errors of ours; over a real connection."""

import socket
from contextlib import suppress

import pytest
from botocore.exceptions import ClientError

from glacierkeep.clock import SystemClock
from glacierkeep.domain.vault import parse_address
from glacierkeep.errors import (
    BytesMismatch,
    CredentialsTrouble,
    Exit,
    ExpiredCredentials,
    NoCapacity,
    NoNewAccounts,
    NotFound,
    NotReady,
    ServiceBusy,
    ServiceError,
    ServiceUnreachable,
    SourceChanged,
    StaleCredentials,
    TurnedAway,
    VaultMissing,
)
from glacierkeep.stores.glacier.client import connect
from glacierkeep.stores.glacier.faults import translate
from glacierkeep.stores.store import Body

REFUSALS = [
    (400, "NoLongerSupportedException", "This API is no longer supported for new accounts.", NoNewAccounts),
    (403, "AccessDeniedException", "User is not authorized", CredentialsTrouble),
    (403, "ExpiredTokenException", "The security token is expired", ExpiredCredentials),
    (403, "InvalidSignatureException", "The signature we calculated does not match", StaleCredentials),
    (400, "UnrecognizedClientException", "The security token is invalid", StaleCredentials),
    (400, "MissingAuthenticationTokenException", "Missing token", CredentialsTrouble),
    (503, "InsufficientCapacityException", "No capacity", NoCapacity),
    (400, "InsufficientCapacityException", "No capacity", NoCapacity),
    (500, "ServiceUnavailableException", "Try again", ServiceBusy),
    (408, "RequestTimeoutException", "Request timed out", TurnedAway),
    (400, "ThrottlingException", "Rate exceeded", TurnedAway),
    (429, "", "429", TurnedAway),
    (408, "", "408", ServiceBusy),
    (404, "ResourceNotFoundException", "Vault not found for ARN: arn:x", VaultMissing),
    (400, "VaultNotFound", "Vault not found", VaultMissing),
    (404, "ResourceNotFoundException", "The archive ID was not found: x", NotFound),
    (400, "PolicyEnforcedException", "InitiateJob request denied", ServiceError),
    (400, "InvalidParameterValueException", "Invalid vault name: arn:x", ServiceError),
    (400, "LimitExceededException", "Too many", ServiceError),
]


@pytest.mark.parametrize(("status", "code", "message", "kind"), REFUSALS)
def test_refusals_become_errors_of_ours(script, status, code, message, kind):
    """Each refusal has its class, and keeps the code, the status and the request's id."""
    script.refuse(status, code, message)
    with pytest.raises(ServiceError) as caught:
        script.open_store().request_inventory("")
    assert type(caught.value) is kind
    assert message in str(caught.value)
    facts = (caught.value.status, caught.value.service_code, caught.value.request_id)
    assert facts == (status, code, "REQUEST-1")
    assert len(script.asked) == 1


def test_new_accounts_are_told_of_s3(script):
    """The refusal of new accounts has its own exit code and says what works instead."""
    script.refuse(400, "NoLongerSupportedException", "no longer supported")
    with pytest.raises(NoNewAccounts) as caught:
        script.open_store().describe_vault()
    assert caught.value.exit is Exit.REFUSED
    assert "s3://" in caught.value.hint


def test_an_early_output_is_not_ready(script):
    """The service's words for a job at work mean to wait, not that something is wrong."""
    script.refuse(400, "InvalidParameterValueException", "The job is not currently available for download: J")
    with pytest.raises(NotReady) as caught, script.open_store().open_output("J"):
        raise AssertionError("there is no output")
    assert caught.value.exit is Exit.WAITING


def test_a_lost_job_is_not_taken_for_an_early_one(script):
    """A 404 with the service's code is the job's end."""
    script.refuse(404, "ResourceNotFoundException", "The job ID was not found: J")
    with pytest.raises(NotFound), script.open_store().open_output("J"):
        raise AssertionError("there is no output")


@pytest.mark.parametrize("answer", [b"", b"<html>gateway</html>", b'{"code": 7}', b"[]", b'{"message": {}}'])
def test_answers_that_are_no_errors_of_the_service(script, answer):
    """A proxy's page is trouble of the moment, whatever it says."""
    script.say(502, answer)
    with pytest.raises((ServiceBusy, ServiceUnreachable)):
        script.open_store().request_inventory("")


@pytest.mark.parametrize("answer", [b"", b"null", b"[]", b'{"JobList": 7}', b'{"JobList": [7]}', b"{"])
def test_answers_that_make_no_sense(script, answer):
    """Success with nonsense in it is an error of ours or an empty list, never a crash."""
    script.say(200, answer)
    with suppress(ServiceError):
        assert list(script.open_store().list_jobs()) == []


def test_no_answer(script):
    """A connection that ends without one leaves it open whether the thing was done, and nothing is repeated."""
    script.hang_up()
    with pytest.raises(ServiceUnreachable) as caught:
        script.open_store().request_inventory("")
    assert "may or may not" in caught.value.hint
    assert len(script.asked) == 1


def test_nobody_there(aws):
    """A port where nothing listens is unreachable."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    address = parse_address("glacier://eu-west-1/photos")
    store = connect(address, endpoint_url=f"http://127.0.0.1:{port}", now=SystemClock().now)
    with pytest.raises(ServiceUnreachable):
        store.initiate_upload(1024 * 1024, "")


def test_other_bytes_arrived(script, content_body):
    """The service's complaint of a checksum is a mismatch that names both hashes."""
    script.refuse(
        400,
        "InvalidParameterValueException",
        f"Checksum mismatch: expected {'0a' * 32}, computed {'0b' * 32}",
    )
    with pytest.raises(BytesMismatch) as caught:
        script.open_store().upload_part("U", 0, content_body)
    assert caught.value.exit is Exit.MISMATCH
    assert (caught.value.expected, caught.value.found) == (b"\x0a" * 32, b"\x0b" * 32)


@pytest.mark.parametrize("told", [{}, {"x-amz-sha256-tree-hash": ""}])
def test_a_hash_that_is_not_told_is_not_missed(script, content_body, told):
    """An answer without a tree hash is accepted."""
    script.say(204, headers=told)
    script.open_store().upload_part("U", 0, content_body)


@pytest.mark.parametrize("told", ["00" * 32, "nonsense"])
def test_another_hash_is_not_accepted(script, content_body, told):
    """What the service says it stored must be what was sent."""
    script.say(201, headers={"x-amz-archive-id": "A", "x-amz-sha256-tree-hash": told})
    with pytest.raises((BytesMismatch, ServiceError)):
        script.open_store().upload_archive(content_body, "")


def test_a_source_that_changes_while_it_is_sent(script):
    """The reader's own error comes through, however it was wrapped, and nothing is repeated."""

    class Changing:
        def read(self, size=-1):
            raise SourceChanged("the file ended early")

        def seek(self, *_):
            return 0

        def tell(self):
            return 0

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

    script.say(204)
    with pytest.raises(SourceChanged, match="ended early"):
        script.open_store().upload_archive(Body(Changing, 4, bytes(32), bytes(32)), "")


def test_an_older_error_is_not_raised_again(script):
    """What fails while another error is being dealt with is told as what it is."""
    script.refuse(404, "ResourceNotFoundException", "The job ID was not found: J")
    script.refuse(403, "AccessDeniedException", "no")
    store = script.open_store()
    try:
        store.describe_job("J")
    except NotFound:
        with pytest.raises(CredentialsTrouble):
            store.describe_vault()


def test_ids_that_are_not_told(script, content_body):
    """An acknowledgement without an id is no acknowledgement."""
    script.say(201)
    with pytest.raises(ServiceError, match="archiveId"):
        script.open_store().upload_archive(content_body, "")


def test_endless_pages_end(script):
    """A service that gives the same marker for ever is given up."""
    script.say(200, {"JobList": [], "Marker": "again"})
    with pytest.raises(ServiceError):
        list(script.open_store().list_jobs())


def test_a_throttled_request_is_a_busy_service():
    """Too many requests are no fault of the request."""
    response = {"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}, "ResponseMetadata": {}}
    ours = translate(ClientError(response, "UploadArchive"), "upload the archive")
    assert type(ours) is TurnedAway
    assert str(ours) == "cannot upload the archive: Rate exceeded"
