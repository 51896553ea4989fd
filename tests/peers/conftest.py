"""Services and tools that others wrote."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.runner import Gk, Result
from support.stub import Stub, a_stub


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, guarded_home: Path) -> pytest.MonkeyPatch:
    """AWS settings of the test's own: no files, no metadata service, dummy keys."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(guarded_home / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(guarded_home / "aws-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return monkeypatch


@pytest.fixture(scope="session")
def moto_port() -> Iterator[int]:
    """moto's server, an imitation of the service by others, on a free loopback port."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield server.get_host_and_port()[1]
    server.stop()


@dataclass
class Abroad:
    """gk with a vault of its own at somebody else's service, named by -V."""

    gk: Gk
    vault: str

    def __call__(self, *args: str | bytes | Path, **more: Any) -> Result:
        return self.gk(*args, "-V", self.vault, **more)


@pytest.fixture
def moto(moto_port: int, aws: pytest.MonkeyPatch, gk: Gk, request: pytest.FixtureRequest) -> Abroad:
    """gk with a vault at moto, made by `gk vault create`."""
    aws.setenv("AWS_ENDPOINT_URL_GLACIER", f"http://127.0.0.1:{moto_port}")
    vault = f"glacier://us-east-1/{request.node.name}"
    assert gk("vault", "create", vault).exit_code == 0
    return Abroad(gk, vault)


@pytest.fixture
def stub(aws: pytest.MonkeyPatch) -> Iterator[Stub]:
    """A service that says what the test tells it to say, to gk that asks for nothing but what the test is about."""
    aws.setenv("GK_CATALOG_COPY_TO_VAULT", "false")
    with a_stub() as stub:
        aws.setenv("AWS_ENDPOINT_URL_GLACIER", stub.url)
        yield stub
