"""Whatever is done in whatever order, and wherever it is broken off: what the catalog says can be had back."""

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from glacierkeep.domain.files import FileKind
from glacierkeep.domain.limits import MIB
from glacierkeep.domain.records import ArchiveState, ItemState
from glacierkeep.errors import Exit, GlacierkeepError, NoSuchName, NothingToDo
from glacierkeep.events import ArchiveStored, FindingMade
from glacierkeep.local.store.treehash import tree_root
from glacierkeep.operations.delete import delete
from support.unreliable import no_fault
from support.world import HOST, a_world

_IN_MEMORY = Path("/dev/shm")
_SIZES = (0, 10, 300_000, MIB, MIB + 7, 2 * MIB + 1)
_SENDING = ("InitiateMultipartUpload", "UploadMultipartPart", "CompleteMultipartUpload", "UploadArchive")
_FETCHING = ("InitiateJob", "DescribeJob", "GetJobOutput")

names = st.sampled_from(["a", "b", "sub/a", "sub/c"])
contents = st.builds(lambda size, fill: fill * size, st.sampled_from(_SIZES), st.sampled_from([b"x", b"y"]))


class Killed(BaseException):
    """The process is gone: nobody deals with this one."""


@st.composite
def faults(draw: st.DrawFn, *operations: str) -> tuple[str, Callable[[str], BaseException | None]]:
    """Where the line breaks: *before* or *after* which request, and how."""
    operation, nth = draw(st.sampled_from(operations)), draw(st.integers(1, 2))
    error = draw(st.sampled_from([ConnectionResetError, Killed]))
    seen = 0

    def fault(asked: str) -> BaseException | None:
        nonlocal seen
        seen += asked == operation
        return error("broken off") if asked == operation and seen == nth else None

    return draw(st.sampled_from(["before", "after"])), fault


class Keeping(RuleBasedStateMachine):
    """One root, one vault. *kept* is what a retrieval must give at least, if anything is known for sure."""

    folder: Path

    @initialize()
    def begin(self) -> None:
        self.home = Path(tempfile.mkdtemp(dir=self.folder))
        shutil.copytree(self.folder / "template", self.home / "world")
        self.opened = contextlib.ExitStack()
        self.world = self.opened.enter_context(a_world(self.home / "world"))
        self.root = self.home / "photos"
        self.root.mkdir()
        self.kept: dict[str, bytes] = {}
        self.written: dict[bytes, bytes] = {}
        self.surplus: set[str] = set()
        self.targets = 0

    # What people do to files

    @rule(name=names, content=contents)
    def write(self, name: str, content: bytes) -> None:
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        if content:
            self.written[_tree_hash(content)] = content

    @rule(name=names)
    def remove(self, name: str) -> None:
        (self.root / name).unlink(missing_ok=True)

    @rule(name=names, other=names)
    def rename(self, name: str, other: str) -> None:
        if (self.root / name).exists():
            (self.root / other).parent.mkdir(exist_ok=True)
            (self.root / name).rename(self.root / other)

    # What they ask of gk

    @rule()
    def upload(self) -> None:
        outcome = self.world.upload(self.root, accept_losses=True, jobs=2)
        assert outcome.exit is Exit.DONE
        self.kept = {name: path.read_bytes() for name, path in self._files().items()}

    @rule(fault=faults(*_SENDING), name=names, content=contents)
    def break_an_upload(self, fault: Any, name: str, content: bytes) -> None:
        self.write(name, content)
        before = self.kept
        with self._broken(fault):
            self.upload()
            return
        self.kept = {name: content for name, content in before.items() if self._untouched(name, content)}

    @rule(fault=st.none() | faults(*_FETCHING), name=st.just("photos") | names.map("photos/{}".format))
    def retrieve(self, fault: Any, name: str) -> None:
        self.targets += 1
        target = self.home / "back" / str(self.targets)
        with self._broken(fault), contextlib.suppress(NoSuchName, NothingToDo):
            outcome = self.world.retrieve(name, to=target)
            assert outcome.exit is Exit.DONE
            if name == "photos":
                self._compare(target / "photos")

    @rule(fault=st.none() | faults("DeleteArchive"), name=names)
    def delete(self, fault: Any, name: str) -> None:
        self.kept.pop(name, None)
        with self._broken(fault), contextlib.suppress(NoSuchName):
            delete(
                [f"photos/{name}"],
                catalog=self.world.catalog,
                store_of=self.world.store_of,
                clock=self.world.clock,
                host=HOST,
            )

    @rule(fault=st.none() | faults(*_FETCHING))
    def sync(self, fault: Any) -> None:
        with self.world.catalog.read() as records:
            doubts = len(records.uploads.outstanding(uncertain=True))
        with self._broken(fault):
            found = self.world.sync().findings
            assert not {"missing", "differs", "unrecorded"} & set(found)
        news = self._surplus() - self.surplus
        assert len(news) <= doubts, "the vault holds what nobody knew of"
        self.surplus |= news

    @rule(fault=st.none() | faults("DeleteArchive", *_FETCHING))
    def poll(self, fault: Any) -> None:
        with self._broken(fault):
            outcome = self.world.poll()
            assert fault or outcome.failed == 0

    @rule(hours=st.sampled_from([1, 25, 80]))
    def wait(self, hours: int) -> None:
        self.world.clock.turn(hours=hours)

    # What must hold

    @invariant()
    def nothing_acknowledged_is_forgotten(self) -> None:
        with self.world.catalog.read() as records:
            for event in self.world.told:
                if isinstance(event, ArchiveStored):
                    assert records.archives.by_archive_id(self.world.vault.vault_id, event.archive_id)
            assert records.leases.all() == []

    @invariant()
    def what_is_placed_is_right(self) -> None:
        with self.world.catalog.read() as records:
            wishes = records.retrievals.all()
        for wish in wishes:
            for item, version in self.world.catalog.retrieval_items(wish.retrieval_id, ItemState.PLACED):
                if version.kind is FileKind.FILE and version.size:
                    assert version.tree_hash is not None
                    placed = Path(wish.target.decode()) / version.path.decode()
                    assert placed.read_bytes() == self.written[version.tree_hash], item

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        with self.opened:
            self._settle()
        shutil.rmtree(self.home)

    def _settle(self) -> None:
        """A quiet run of everything, days later: catalog, vault and disk agree."""
        self.upload()
        self.world.clock.turn(days=4)
        self.poll(None)
        self.sync(None)
        listed = self.world.sync()
        present = [each for each in self._archives() if each.state is ArchiveState.PRESENT]
        assert len(present) + listed.findings.get("duplicate", 0) == listed.archives, listed
        with self.world.catalog.read() as records:
            assert records.uploads.outstanding(uncertain=True) == []
            assert records.archives.deleting() == []
            assert records.retrievals.open() == []
        assert list(self.world.store.list_uploads()) == []
        assert list(self.world.staging.iterdir()) == []
        self.retrieve(None, "photos")

    def _surplus(self) -> set[str]:
        """Archives that inventories listed and the catalog did not know."""
        found = (event for event in self.world.told if isinstance(event, FindingMade))
        return {event.name for event in found if event.kind in ("adopted", "duplicate")}

    def _archives(self) -> list[Any]:
        return list(self.world.catalog.archive_rows(self.world.vault.vault_id))

    @contextlib.contextmanager
    def _broken(self, fault: Any) -> Any:
        if fault is not None:
            setattr(self.world.service, *fault)
        try:
            yield
        except (GlacierkeepError, Killed):
            if fault is None:
                raise
        finally:
            self.world.service.before = self.world.service.after = no_fault

    def _files(self) -> dict[str, Path]:
        return {str(path.relative_to(self.root)): path for path in self.root.rglob("*") if path.is_file()}

    def _untouched(self, name: str, content: bytes) -> bool:
        path = self.root / name
        return path.is_file() and path.read_bytes() == content

    def _compare(self, back: Path) -> None:
        for name, content in self.kept.items():
            assert (back / name).read_bytes() == content


def _tree_hash(content: bytes) -> bytes:
    leaves = (content[at : at + MIB] for at in range(0, len(content), MIB))
    return tree_root(b"".join(hashlib.sha256(leaf).digest() for leaf in leaves))


@pytest.fixture(scope="module")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A folder with a world in it that nothing was done in."""
    with contextlib.ExitStack() as stack:
        folder = tmp_path_factory.mktemp("keeping")
        if _IN_MEMORY.is_dir():
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=_IN_MEMORY)))
        with a_world(folder / "template"):
            pass
        yield folder


def test_what_is_kept_can_be_had_back(shared_folder: Path) -> None:
    """Files change, gk runs and is broken off, time passes: nothing acknowledged is lost, and all agree in the end."""
    Keeping.folder = shared_folder
    run_state_machine_as_test(
        Keeping,
        settings=settings(
            max_examples=15, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
