"""Peak memory stays under 160 MiB at default settings, whatever the number and size of files."""

from pathlib import Path

from support.compare import differences, facts_of
from support.process import Ended, measure

VAULT = "local:memory"
MIB = 1 << 20
MOST = 160 * MIB
MANY = 22_000
"""More files than one bundle takes, so that the greatest bundle there can be is among those made."""


def _fill(folder: Path, count: int) -> None:
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:06}").write_bytes(b"%d" % number)


def _within_memory(ended: Ended) -> Ended:
    assert ended.exit_code == 0, ended
    assert ended.peak < MOST, f"{ended.peak / MIB:.0f} MiB"
    return ended


def test_many_tiny_files(quick_disk: Path, tmp_path: Path) -> None:
    """Tens of thousands of tiny files in one folder are archived and brought back in little memory."""
    root, home = quick_disk / "tiny", quick_disk / "gk"
    _fill(root, MANY)

    sent = _within_memory(measure("upload", root, "-V", VAULT, "--json", notes=tmp_path, home=home))
    again = _within_memory(measure("upload", root, "--json", notes=tmp_path, home=home))
    _within_memory(measure("retrieve", "tiny/00*", "--to", quick_disk / "back", notes=tmp_path, home=home))

    outcome = sent.the("upload-outcome")
    assert (outcome["files"], outcome["archives"] > 1) == (MANY, True)
    assert again.the("upload-outcome")["unchanged"] == MANY
    here, there = facts_of(root), facts_of(quick_disk / "back" / "tiny")
    assert len(there) == 10_001
    assert {path: here[path] for path in there if path} == {path: there[path] for path in there if path}


def test_a_folder_of_a_hundred_thousand_entries(quick_disk: Path, tmp_path: Path) -> None:
    """A folder of 100,000 entries is read, sorted, filtered and compared in little memory; none is forgotten."""
    root, home = quick_disk / "big", quick_disk / "gk"
    _fill(root, 100_000)

    seen = _within_memory(
        measure("upload", "--dry-run", root, "-V", VAULT, "--json", notes=tmp_path, home=home)
    )
    words = ("upload", root, "-V", VAULT, "--json", "--exclude", "*[1-9]")
    sent = _within_memory(measure(*words, "--exclude", "*[1-9]?", notes=tmp_path, home=home))

    assert seen.the("upload-outcome")["files"] == 100_000
    assert sent.the("upload-outcome")["files"] == 1000


def test_a_big_sparse_file(tmp_path: Path) -> None:
    """A file bigger than all memory gk may use is archived and brought back in little memory."""
    root, home = tmp_path / "big", tmp_path / "gk"
    root.mkdir()
    with (root / "sparse").open("wb") as file:
        file.truncate(200 * MIB)
        file.write(b"at the beginning")
        file.seek(-5, 2)
        file.write(b"the end")

    _within_memory(measure("upload", root, "-V", VAULT, notes=tmp_path, home=home))
    _within_memory(measure("retrieve", "big", "--to", tmp_path / "back", notes=tmp_path, home=home))

    assert differences(root, tmp_path / "back" / "big") == []
