"""What all requests have in common; and the state under the folder, its clock, its limits."""

import json
import os
import re
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore.loaders import Loader

from glacierkeep.local import LocalGlacier
from glacierkeep.local.routes import ROUTES
from glacierkeep.local.wire.spelling import new_id

INVALID = "InvalidParameterValueException"


def test_every_answer_has_the_headers_of_the_service(world: Any) -> None:
    """Request id of 47 URL-safe characters, Date of the service's clock, Content-Length."""
    world.service.advance(timedelta(days=1))
    for path, wanted in (("/-/vaults/photos", 200), ("/-/vaults/nowhere", 404)):
        status, headers, body = world.send("GET", path)
        assert status == wanted
        assert re.fullmatch(r"[A-Za-z0-9_-]{47}", headers["x-amzn-RequestId"])
        assert headers["Date"] == "Mon, 02 Mar 2026 12:00:00 GMT"
        assert headers["Content-Length"] == str(len(body))
        assert headers["Content-Type"] == "application/json"


def test_refusals_have_the_bodies_of_the_service(world: Any) -> None:
    """Code, message and type in lower case; the type is Client below 500."""
    _, _, body = world.send("GET", "/-/vaults/nowhere")
    arn = "arn:aws:glacier:us-east-1:000000000000:vaults/nowhere"
    message = f"Vault not found for ARN: {arn}"
    assert json.loads(body) == {
        "code": "ResourceNotFoundException",
        "message": message,
        "type": "Client",
    }


def test_the_version_header_is_required(world: Any) -> None:
    """Without x-amz-glacier-version nothing is answered, nor with another one."""
    status, _, body = world.send("GET", "/-/vaults", x_amz_glacier_version=None)
    message = "Required parameter missing: API version"
    assert (status, json.loads(body)["code"]) == (400, "MissingParameterValueException")
    assert json.loads(body)["message"] == message
    status, _, body = world.send("GET", "/-/vaults", **{"X-Amz-Glacier-Version": None})
    assert status == 200
    status, _, body = world.send("GET", "/-/vaults", x_amz_glacier_version="2011-01-01")
    assert (status, json.loads(body)["code"]) == (400, INVALID)


@pytest.mark.parametrize("account", ["111122223333", "0000-0000-0000", "", "x", "000000000000%20"])
def test_other_accounts_are_denied(world: Any, account: str) -> None:
    """Only the account itself, or a hyphen for it, is served."""
    status, _, body = world.send("GET", f"/{account}/vaults/photos")
    assert (status, json.loads(body)["code"]) == (403, "AccessDeniedException")


def test_the_account_may_be_spelt_out(world: Any) -> None:
    """The 12 digits mean the same as a hyphen."""
    shown = world.client.describe_vault(accountId="000000000000", vaultName="photos")
    assert shown["VaultName"] == "photos"


def test_paths_are_decoded(world: Any) -> None:
    """A percent-encoded name is the name; one with an encoded slash is no vault."""
    assert world.send("GET", "/%2D/vaults/ph%6Ftos")[0] == 200
    assert world.send("GET", "/-/vaults/a%2Fb")[0] == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/-/vaults/photos"),
        ("GET", "/vaults/photos"),
        ("GET", "/"),
        ("POST", "/-/vaults/photos/tags"),
    ],
)
def test_what_is_no_operation_is_a_bad_request(world: Any, method: str, path: str) -> None:
    """A method and path that no operation has is a BadRequest."""
    status, _, body = world.send(method, path)
    assert (status, json.loads(body)["code"]) == (400, "BadRequest")


def model() -> Any:
    paths = [str(Path(botocore.__file__).parent / "data")]
    return Loader(extra_search_paths=paths).load_service_model("glacier", "service-2", "2012-06-01")


def test_the_routes_are_those_of_the_service_model() -> None:
    """All 33 operations are known, with the method and path that the model gives them."""
    wanted = {}
    for name, operation in model()["operations"].items():
        uri = operation["http"]["requestUri"].partition("?")[0]
        wanted[name] = operation["http"]["method"], re.sub(r"\{\w+\}", "X", uri)
    routes = {route.name: (route.method, re.sub(r"\(.*?\)", "X", route.pattern.pattern)) for route in ROUTES}
    assert len(ROUTES) == 33
    assert routes == wanted


def test_ids_may_begin_with_a_hyphen() -> None:
    """Ids use the whole URL-safe alphabet, at every place."""
    ids = [new_id(138) for _ in range(2000)]
    assert {len(one) for one in ids} == {138}
    assert any(one.startswith("-") for one in ids)
    assert len({one[0] for one in ids}) == 64


def test_the_clock_is_turned_for_everyone(world: Any) -> None:
    """advance() turns the service's time, it lasts, and other instances on the folder see it."""
    other = LocalGlacier(world.service.folder, clock=world.clock)
    world.service.advance(timedelta(hours=5))
    other.advance(timedelta(milliseconds=1))
    wanted = datetime(2026, 3, 1, 17, 0, 0, 251_000, tzinfo=UTC)
    assert world.service.now() == other.now() == wanted
    other.close()
    assert LocalGlacier(world.service.folder, clock=world.clock).now() == wanted
    with pytest.raises(ValueError, match="forward"):
        world.service.advance(timedelta(seconds=-1))


def test_everything_survives_a_restart(world: Any) -> None:
    """A new instance on the same folder sees vaults, archives, uploads with parts, and jobs."""
    archive = world.upload(b"kept", "words")
    upload = world.initiate()
    world.part(upload, 0, b"part")
    job = world.start_inventory()
    world.service.close()
    service = LocalGlacier(world.service.folder, clock=world.clock)
    again = type(world)(service, world.clock, world.client_of(service))
    assert again.retrieve(archive) == b"kept"
    assert again.retrieve(again.complete(upload, b"part")) == b"part"
    assert archive in again.output(job).decode()
    service.close()


def test_regions_and_accounts_are_apart(world: Any) -> None:
    """Two regions or accounts on one folder do not see each other's vaults."""
    for more in ({"region": "eu-west-1"}, {"account": "111122223333"}):
        service = LocalGlacier(world.service.folder, clock=world.clock, **more)
        client = world.client_of(service)
        assert client.list_vaults()["VaultList"] == []
        client.create_vault(vaultName="photos")
        arn = f"arn:aws:glacier:{service.region}:{service.account}:vaults/photos"
        assert client.describe_vault(vaultName="photos")["VaultARN"] == arn
        client.upload_archive(vaultName="photos", body=b"abroad")
        service.close()
    assert world.describe()["NumberOfArchives"] == 0


def test_only_the_owner_can_read_it(world: Any) -> None:
    """Folders have mode 0700, files 0600."""
    world.upload()
    world.part(world.initiate(), 0, b"abc")
    paths = [world.service.folder, *world.service.folder.rglob("*")]
    for path in paths:
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path


@pytest.mark.parametrize("names", [{"account": "../..", "region": "us-east-1"}, {"region": "../x"}])
def test_names_that_could_leave_the_folder_are_refused(tmp_path: Path, names: dict[str, str]) -> None:
    """Account and region are checked, since folders are named after them."""
    with pytest.raises(ValueError, match="account or region"):
        LocalGlacier(tmp_path / "glacier", **names)


def test_a_file_in_the_way_is_an_error(tmp_path: Path) -> None:
    """A folder that cannot be made, or a state that is none, is an OSError from the constructor."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="file"):
        LocalGlacier(tmp_path / "file")
    (tmp_path / "glacier").mkdir()
    (tmp_path / "glacier" / "state.db").write_bytes(b"this is no database, it is a letter" * 100)
    with pytest.raises(OSError, match=r"state\.db"):
        LocalGlacier(tmp_path / "glacier")


def test_a_newer_state_is_left_alone(world: Any) -> None:
    """A state written by a later version is not touched."""
    with world.service._state.writing() as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(OSError, match="newer version"):
        LocalGlacier(world.service.folder)


READ_ONLY = """
import os
from pathlib import Path
from glacierkeep.local import LocalGlacier
if os.geteuid() == 0:
    os.setuid(65534)
try:
    LocalGlacier(Path("glacier"))
except PermissionError as error:
    print("refused", error.filename)
"""


def test_a_folder_without_permission_is_refused(world: Any) -> None:
    """Someone who may not write the folder gets a PermissionError, and nothing in it changes."""
    world.service.close()
    folder = world.service.folder
    state = folder / "state.db"
    before = state.read_bytes()
    for path, mode in ((folder.parent, 0o755), (folder, 0o555), (state, 0o444)):
        path.chmod(mode)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", READ_ONLY]
    ran = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, cwd=folder.parent
    )
    folder.chmod(0o700)
    assert ran.stdout == "refused glacier/state.db\n", ran.stderr
    assert state.read_bytes() == before
