"""The service beside a model of a few dictionaries: random operations, valid and invalid, answered alike."""

import json
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from glacierkeep.local import Headers, LocalGlacier, Request
from support.clock import TurnedClock
from support.model import MIB, Archive, Job, Model, Upload, Wanted, tree_hash

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ARN = "arn:aws:glacier:us-east-1:000000000000:vaults/"

NAMES = st.sampled_from(["photos", "p-2.x_", "V" * 255, "a b", "ä", "V" * 256])
SIZES = st.sampled_from([0, 1, 7, 1000, MIB - 1, MIB, MIB + 1, 2 * MIB, 3 * MIB + 9])
DESCRIPTIONS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=40).map(str.strip)
PART_SIZES = st.sampled_from(
    [str(MIB)] * 6 + [str(2 * MIB)] * 3 + ["", "0", str(3 * MIB), str(4096 * MIB), "1e6"]
)
PICK = st.integers(0, 10**4)
RIGHT = st.sampled_from([True, True, True, False])


def some_bytes(size: int, seed: int) -> bytes:
    block = sha256(b"%d" % seed).digest() * 32
    return (block * (size // len(block) + 1))[:size]


def one_of(names: Any, pick: int, otherwise: str) -> str:
    """One of *names*, or now and then one that is not there."""
    known = sorted(names)
    return known[pick % len(known)] if known and pick % 13 != 12 else otherwise


class BesideTheModel(RuleBasedStateMachine):
    """Each rule sends one request and asks the model what its answer must be."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.service = LocalGlacier(self.folder / "glacier", clock=TurnedClock(NOON))
        self.model = Model(NOON)

    def teardown(self) -> None:
        self.service.close()
        shutil.rmtree(self.folder)

    def send(
        self, method: str, path: str, body: bytes = b"", query: str = "", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        pairs = {
            "x-amz-glacier-version": "2012-06-01",
            "Content-Length": str(len(body)),
            **{name.replace("_", "-"): value for name, value in headers.items() if value},
        }
        request = Request(method, path, query, Headers(pairs.items()), BytesIO(body))
        response = self.service(request)
        return response.status, response.headers, b"".join(response.stream())

    def check(self, answer: tuple[int, dict[str, str], bytes], wanted: Wanted) -> dict[str, str]:
        status, headers, body = answer
        code = json.loads(body)["code"] if status >= 400 else None
        assert (status, code) == wanted, body[:300]
        return headers

    def vault(self, pick: int) -> str:
        return one_of(self.model.vaults, pick, "nowhere")

    def has(self, what: str) -> bool:
        return any(getattr(each, what) for each in self.model.vaults.values())

    @initialize()
    def a_vault(self) -> None:
        self.check(self.send("PUT", "/-/vaults/photos"), self.model.create_vault("photos"))

    # Vaults

    @rule(name=NAMES)
    def create_vault(self, name: str) -> None:
        path = "/-/vaults/" + name.replace(" ", "%20").replace("ä", "%C3%A4")
        self.check(self.send("PUT", path), self.model.create_vault(name))

    @rule(pick=PICK.filter(lambda pick: pick % 4 == 0))
    def delete_vault(self, pick: int) -> None:
        name = self.vault(pick)
        self.check(self.send("DELETE", f"/-/vaults/{name}"), self.model.delete_vault(name))

    @rule(limit=st.integers(1, 10))
    def list_vaults(self, limit: int) -> None:
        found, marker = [], ""
        while marker is not None:
            _, _, body = self.send("GET", "/-/vaults", query=f"limit={limit}&marker={marker}")
            page = json.loads(body)
            assert len(page["VaultList"]) <= limit
            found += page["VaultList"]
            marker = page["Marker"]
        assert [each["VaultName"] for each in found] == sorted(self.model.vaults)
        for each in found:
            assert (each["NumberOfArchives"], each["SizeInBytes"]) == self.model.figures(each["VaultName"])

    # Archives

    @rule(pick=PICK, size=SIZES, seed=st.integers(0, 3), description=DESCRIPTIONS, right=RIGHT)
    def upload_archive(self, pick: int, size: int, seed: int, description: str, right: bool) -> None:
        vault, content = self.vault(pick), some_bytes(size, seed)
        answer = self.send(
            "POST",
            f"/-/vaults/{vault}/archives",
            content,
            x_amz_archive_description=description,
            **hashes(content, right, pick),
        )
        headers = self.check(answer, self.model.upload_archive(vault, content, right=right))
        if "x-amz-archive-id" in headers:
            self.model.vaults[vault].archives[headers["x-amz-archive-id"]] = Archive(content, description)

    @precondition(lambda self: self.has("archives"))
    @rule(pick=PICK, other=PICK)
    def delete_archive(self, pick: int, other: int) -> None:
        vault = self.vault(pick)
        archive = self.some_archive(other)
        answer = self.send("DELETE", f"/-/vaults/{vault}/archives/{archive}")
        self.check(answer, self.model.delete_archive(vault, archive))

    def some_archive(self, pick: int) -> str:
        known = [
            name
            for each in self.model.vaults.values()
            for name in (each.archives if pick % 3 else (*each.archives, *each.deleted))
        ]
        return one_of(known, pick, "A" * 138)

    # Uploads

    @rule(pick=PICK, part_size=PART_SIZES, description=DESCRIPTIONS)
    def initiate_upload(self, pick: int, part_size: str, description: str) -> None:
        vault = self.vault(pick)
        answer = self.send(
            "POST",
            f"/-/vaults/{vault}/multipart-uploads",
            x_amz_part_size=part_size,
            x_amz_archive_description=description,
        )
        headers = self.check(answer, self.model.initiate_upload(vault, part_size))
        if "x-amz-multipart-upload-id" in headers:
            made = Upload(int(part_size), description, self.model.now)
            self.model.vaults[vault].uploads[headers["x-amz-multipart-upload-id"]] = made

    def some_upload(self, pick: int) -> tuple[str, str]:
        known = [
            f"{name} {upload}"
            for name in self.model.vaults
            for upload in (self.model.open_uploads(name) if pick % 3 else self.model.vaults[name].uploads)
        ]
        vault, _, upload = one_of(known, pick, "photos nothing").rpartition(" ")
        return vault, upload

    @rule(
        pick=PICK,
        sizes=st.lists(st.sampled_from([MIB, MIB, MIB, 7, MIB + 1]), min_size=1, max_size=3),
        seed=st.integers(0, 3),
    )
    def begin_upload(self, pick: int, sizes: list[int], seed: int) -> None:
        """An upload with several parts at once, some of them perhaps too long or too short."""
        vault = self.vault(pick)
        self.initiate_upload(pick, str(MIB), "")
        uploads = self.model.open_uploads(vault) if vault in self.model.vaults else {}
        for number, size in enumerate(sizes if uploads else []):
            self.put_part(
                vault, next(reversed(uploads)), number * MIB, some_bytes(size, seed), right=True, pick=pick
            )

    @precondition(lambda self: self.has("uploads"))
    @rule(pick=PICK, number=st.integers(0, 3), shift=st.sampled_from([0, 0, 0, 5]), size=SIZES, right=RIGHT)
    def upload_part(self, pick: int, number: int, shift: int, size: int, right: bool) -> None:
        vault, upload = self.some_upload(pick)
        known = self.model.vaults[vault].uploads.get(upload) if vault in self.model.vaults else None
        start = number * min(known.part_size if known else MIB, 2 * MIB) + shift
        self.put_part(vault, upload, start, some_bytes(size, number), right=right, pick=pick)

    def put_part(
        self, vault: str, upload: str, start: int, content: bytes, *, right: bool, pick: int
    ) -> None:
        answer = self.send(
            "PUT",
            f"/-/vaults/{vault}/multipart-uploads/{upload}",
            content,
            Content_Range=f"bytes {start}-{start + len(content) - 1}/*",
            **hashes(content, right, pick),
        )
        self.check(answer, self.model.upload_part(vault, upload, start, content, right=right))

    @precondition(lambda self: self.has("uploads"))
    @rule(pick=PICK, limit=st.integers(1, 3))
    def list_parts(self, pick: int, limit: int) -> None:
        vault, upload = self.some_upload(pick)
        parts, marker = [], ""
        while marker is not None:
            query = f"marker={marker}&limit={limit}"
            answer = self.send("GET", f"/-/vaults/{vault}/multipart-uploads/{upload}", query=query)
            opened = self.model.open_uploads(vault) if vault in self.model.vaults else {}
            self.check(answer, (200, None) if upload in opened else (404, "ResourceNotFoundException"))
            if upload not in opened:
                return
            page = json.loads(answer[2])
            parts += page["Parts"]
            marker = page["Marker"]
        assert parts == [
            {"RangeInBytes": f"{start}-{start + len(content) - 1}", "SHA256TreeHash": tree_hash(content)}
            for start, content in sorted(opened[upload].parts.items())
        ]

    @precondition(lambda self: self.has("uploads"))
    @rule(pick=PICK, right=RIGHT, longer=st.sampled_from([0, 0, 0, 1]))
    def complete(self, pick: int, right: bool, longer: int) -> None:
        vault, upload = self.some_upload(pick)
        known = self.model.vaults[vault].uploads.get(upload) if vault in self.model.vaults else None
        parts = known.parts if known else {}
        content = b"".join(parts[start] for start in sorted(parts))
        size, tree = len(content) + longer, tree_hash(content) if right else "0" * 64
        path = f"/-/vaults/{vault}/multipart-uploads/{upload}"
        answer = self.send("POST", path, x_amz_archive_size=str(size), x_amz_sha256_tree_hash=tree)
        headers = self.check(answer, self.model.complete(vault, upload, size, tree))
        if "x-amz-archive-id" in headers:
            assert known is not None
            assert known.archive in (None, headers["x-amz-archive-id"])
            self.model.completed(vault, upload, headers["x-amz-archive-id"])

    @precondition(lambda self: self.has("uploads"))
    @rule(pick=PICK)
    def abort(self, pick: int) -> None:
        vault, upload = self.some_upload(pick)
        answer = self.send("DELETE", f"/-/vaults/{vault}/multipart-uploads/{upload}")
        self.check(answer, self.model.abort(vault, upload))

    # Jobs

    @precondition(lambda self: self.has("archives"))
    @rule(
        pick=PICK,
        other=PICK,
        leaf=st.integers(0, 2),
        leaves=st.integers(1, 3),
        off=st.sampled_from([0, 0, 1]),
    )
    def retrieve(self, pick: int, other: int, leaf: int, leaves: int, off: int) -> None:
        vault, archive = self.vault(pick), self.some_archive(other)
        known = self.model.vaults[vault].archives.get(archive) if vault in self.model.vaults else None
        size = len(known.content) if known else 1
        first, last = leaf * MIB, min((leaf + leaves) * MIB, size) - 1 - off
        order = {"Type": "archive-retrieval", "ArchiveId": archive, "RetrievalByteRange": f"{first}-{last}"}
        headers = self.check(
            self.send("POST", f"/-/vaults/{vault}/jobs", json.dumps(order).encode()),
            self.model.retrieve(vault, archive, first, last),
        )
        if "x-amz-job-id" in headers:
            assert known is not None
            made = Job(self.model.now, known.content[first : last + 1])
            self.model.vaults[vault].jobs[headers["x-amz-job-id"]] = made

    @rule(pick=PICK)
    def ask_for_an_inventory(self, pick: int) -> None:
        vault = self.vault(pick)
        wanted = (202, None) if vault in self.model.vaults else (404, "ResourceNotFoundException")
        answer = self.send("POST", f"/-/vaults/{vault}/jobs", b'{"Type":"inventory-retrieval"}')
        headers = self.check(answer, wanted)
        if "x-amz-job-id" in headers:
            here = self.model.vaults[vault]
            here.jobs[headers["x-amz-job-id"]] = Job(self.model.now, None, dict(here.archives))

    @precondition(lambda self: self.has("jobs"))
    @rule(pick=PICK, first=st.integers(0, 3 * MIB), length=st.integers(1, 2 * MIB), ranged=st.booleans())
    def read_output(self, pick: int, first: int, length: int, ranged: bool) -> None:
        known = [f"{name} {job}" for name, each in self.model.vaults.items() for job in each.jobs]
        vault, _, name = one_of(known, pick, "photos nothing").rpartition(" ")
        job = self.model.vaults[vault].jobs.get(name) if vault in self.model.vaults else None
        asked = {"Range": f"bytes={first}-{first + length - 1}"} if ranged else {}
        answer = self.send("GET", f"/-/vaults/{vault}/jobs/{name}/output", **asked)
        if job is None:
            self.check(answer, (404, "ResourceNotFoundException"))
        elif job.content is None:
            if not ranged:
                self.check(answer, (200, None))
                assert listed(answer[2]) == {
                    archive: (len(each.content), tree_hash(each.content), each.description)
                    for archive, each in job.listed.items()
                }
        elif ranged and first >= len(job.content):
            self.check(answer, (400, "InvalidParameterValueException"))
        else:
            self.check(answer, (206 if ranged else 200, None))
            assert answer[2] == (job.content[first : first + length] if ranged else job.content)

    @rule(hours=st.sampled_from([0.25, 0.25, 0.5, 1, 5, 23, 100]))
    def advance(self, hours: float) -> None:
        self.service.advance(timedelta(hours=hours))
        self.model.advance(timedelta(hours=hours))

    @rule()
    def start_again(self) -> None:
        """Another process takes over."""
        self.service.close()
        self.service = LocalGlacier(self.folder / "glacier", clock=TurnedClock(NOON))

    @invariant()
    def the_same_is_there(self) -> None:
        for name in self.model.vaults:
            answer = self.send("GET", f"/-/vaults/{name}")
            shown = json.loads(answer[2])
            assert (shown["NumberOfArchives"], shown["SizeInBytes"]) == self.model.figures(name)
            answer = self.send("GET", f"/-/vaults/{name}/multipart-uploads")
            found = {each["MultipartUploadId"] for each in json.loads(answer[2])["UploadsList"]}
            assert found == set(self.model.open_uploads(name))
            answer = self.send("GET", f"/-/vaults/{name}/jobs")
            found = {each["JobId"] for each in json.loads(answer[2])["JobList"]}
            assert found == set(self.model.vaults[name].jobs)


def hashes(content: bytes, right: bool, pick: int) -> dict[str, str]:
    """Both checksums of *content*; unless *right*, one of the two is another's."""
    linear, tree = sha256(content).hexdigest(), tree_hash(content)
    wrong = "0" * 64
    return {
        "x_amz_content_sha256": linear if right or pick % 2 else wrong,
        "x_amz_sha256_tree_hash": tree if right or not pick % 2 else wrong,
    }


def listed(inventory: bytes) -> dict[str, tuple[int, str, str]]:
    found = json.loads(inventory)["ArchiveList"]
    return {
        each["ArchiveId"]: (each["Size"], each["SHA256TreeHash"], each["ArchiveDescription"])
        for each in found
    }


TestBesideTheModel = BesideTheModel.TestCase
TestBesideTheModel.settings = settings(
    max_examples=80,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
