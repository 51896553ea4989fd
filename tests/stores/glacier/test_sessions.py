"""Clients: what they read of the surroundings, what they send, what they hash."""

import subprocess
import sys
from hashlib import sha256
from io import BytesIO

import pytest

from glacierkeep.clock import SystemClock
from glacierkeep.domain.vault import parse_address
from glacierkeep.errors import (
    ConfigError,
    CredentialsTrouble,
    Exit,
    NoConnection,
    ServiceBusy,
    ServiceUnreachable,
)
from glacierkeep.local.attach import attach
from glacierkeep.stores.glacier.client import connect
from glacierkeep.stores.store import Body

MIB = 1024 * 1024
NOW = SystemClock().now
FREEZER = parse_address("glacier://eu-west-1/photos")


class CountingFile(BytesIO):
    """A file that knows how much was read of it."""

    def __init__(self, content):
        super().__init__(content)
        self.counted = 0

    def read(self, size=-1):
        piece = super().read(size)
        self.counted += len(piece)
        return piece


def test_nothing_is_imported_before_it_is_needed():
    """Making a store imports neither boto3 nor botocore, so that commands without a network are quick."""
    program = (
        "import sys\n"
        "from glacierkeep.domain.vault import parse_address\n"
        "from glacierkeep.stores.glacier.client import connect\n"
        "connect(parse_address('glacier://eu-west-1/photos'), now=lambda: None)\n"
        "print([name for name in ('boto3', 'botocore', 'urllib3', 'ijson') if name in sys.modules])\n"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_broken_aws_configuration_does_not_matter_to_a_local_vault(service, monkeypatch, tmp_path):
    """Nothing of the user's AWS configuration is read for a vault on this machine."""
    broken = tmp_path / "broken"
    broken.write_bytes(b"[[[\xff not a configuration")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(broken))
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("AWS_RETRY_MODE", "nonsense")
    monkeypatch.setenv("AWS_ENDPOINT_URL_GLACIER", "http://192.0.2.1:9")
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    store = connect(parse_address("local:default"), attach=lambda c: attach(c, service), now=service.now)
    store.create_vault()
    assert store.describe_vault().name == "default"


def test_a_broken_aws_configuration_is_named(aws, tmp_path):
    """For a vault at Amazon it is an error of the configuration."""
    (tmp_path / "aws-config").write_text("[profile x\nnothing")
    with pytest.raises(ConfigError):
        connect(FREEZER, now=NOW).describe_vault()


def test_a_region_without_the_service(aws):
    """A misspelt region is refused before anything is sent."""
    with pytest.raises(ConfigError, match="eu-west-11") as caught:
        connect(parse_address("glacier://eu-west-11/photos"), now=NOW).describe_vault()
    assert caught.value.exit is Exit.NO_VAULT


def test_a_region_of_somebody_elses_service(script):
    """With an endpoint of its own, a region may have any name."""
    script.say(201)
    address = parse_address("glacier://home-1/photos")
    endpoint = f"http://127.0.0.1:{script.port}"
    connect(address, endpoint_url=endpoint, now=NOW).create_vault()
    assert script.asked[0][:2] == ("PUT", "/-/vaults/photos")


def test_the_endpoint_of_the_environment(script, aws):
    """AWS_ENDPOINT_URL_GLACIER works as botocore defines it."""
    script.say(201)
    aws.setenv("AWS_ENDPOINT_URL_GLACIER", f"http://127.0.0.1:{script.port}")
    connect(parse_address("glacier://home-1/photos"), now=NOW).create_vault()
    assert len(script.asked) == 1


def test_no_credentials(script, aws):
    """Without keys nothing is sent, and the exit code says why."""
    aws.delenv("AWS_ACCESS_KEY_ID")
    aws.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(CredentialsTrouble) as caught:
        script.open_store().describe_vault()
    assert caught.value.exit is Exit.CREDENTIALS
    assert script.asked == []


def test_a_profile_that_is_not_there(script):
    """A profile the configuration lacks is trouble with credentials, named."""
    with pytest.raises(CredentialsTrouble, match="nobody"):
        script.open_store(profile="nobody").describe_vault()


def test_a_profile_has_its_own_keys(script, aws, tmp_path):
    """The keys of the named profile sign the request."""
    (tmp_path / "aws-credentials").write_text(
        "[second]\naws_access_key_id = AKIASECOND\naws_secret_access_key = s\n"
    )
    script.say(201)
    script.open_store(profile="second").create_vault()
    assert "AKIASECOND" in script.asked[0][2]["Authorization"]


@pytest.mark.parametrize("failing", ["unavailable", "throttled", "silent"])
@pytest.mark.parametrize(
    "call",
    [
        lambda store, body: store.upload_archive(body, ""),
        lambda store, body: store.upload_part("U", 0, body),
        lambda store, body: store.request_inventory(""),
        lambda store, body: store.describe_vault(),
        lambda store, body: next(store.list_jobs()),
    ],
)
def test_every_request_is_sent_once(script, content_body, call, failing):
    """botocore repeats nothing by itself: what is repeated, and when, is for one place to say."""
    if failing == "silent":
        script.hang_up()
    elif failing == "throttled":
        script.refuse(400, "ThrottlingException", "Rate exceeded")
    else:
        script.refuse(500, "ServiceUnavailableException", "for the moment")
    with pytest.raises((ServiceBusy, ServiceUnreachable)):
        call(script.open_store(), content_body)
    assert len(script.asked) == 1


def test_nothing_is_hashed_twice(script):
    """The body is read once: both hashes are the ones that were handed in."""
    file = CountingFile(bytes(3 * MIB))
    script.say(204)
    body = Body(lambda: file, 3 * MIB, sha256(bytes(3 * MIB)).digest(), b"t" * 32)
    script.open_store().upload_part("U", 0, body)
    _, _, headers, received = script.asked[0]
    assert file.counted == len(received) == 3 * MIB
    assert headers["x-amz-content-sha256"] == body.sha256.hex()
    assert headers["x-amz-sha256-tree-hash"] == (b"t" * 32).hex()
    assert headers["Content-Range"] == f"bytes 0-{3 * MIB - 1}/*"


def test_requests_are_signed_with_the_hash_of_nothing_else(script, content_body):
    """The hash of one body is not left behind for the next request."""
    script.say(204)
    store = script.open_store()
    store.upload_part("U", 0, content_body)
    store.delete_archive("A")
    assert "x-amz-content-sha256" not in {name.lower() for name in script.asked[1][2]}


def test_every_request_is_signed(script):
    """The version of the API and a signature go with every request."""
    script.say(201)
    script.open_store().create_vault()
    headers = script.asked[0][2]
    assert headers["x-amz-glacier-version"] == "2012-06-01"
    assert headers["Authorization"].startswith("AWS4-HMAC-SHA256")
    assert "AKIAEXAMPLE/" in headers["Authorization"]


def test_nobody_listening(script, content_body):
    """Where no connection comes about, it is sure that nothing was asked."""
    store = connect(FREEZER, endpoint_url="http://127.0.0.1:1", now=NOW)
    with pytest.raises(NoConnection):
        store.upload_archive(content_body, "")
