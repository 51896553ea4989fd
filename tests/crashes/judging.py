"""What must hold of a home after whatever happened to it, as its own commands tell."""

from pathlib import Path
from typing import Any, Protocol


class Judged(Protocol):
    """A folder with a home called gk in it, and a way to ask that. *doubts* counts the uploads that were uncertain."""

    folder: Path
    wrong: list[str]
    doubts: int

    def gk(self, *words: str) -> list[dict[str, Any]]: ...


def judge(home: Judged) -> None:
    """Nothing is left over, and catalog and vault agree; what is not so is written to *wrong*."""
    [status] = [line for line in home.gk("status") if line["type"] == "status"]
    [vault] = status["vaults"]
    for what in ("unfinished_uploads", "deleting", "jobs_waiting", "retrievals"):
        if vault[what]:
            home.wrong.append(f"{what}: {vault[what]}")
    left = [path for path in (home.folder / "gk" / "staging").rglob("*") if not path.is_dir()]
    if left:
        home.wrong.append(f"in staging lies {left}")
    [sync] = [line for line in home.gk("sync-inventory") if line["type"] == "inventory-sync"]
    found = sync["findings"]
    surplus = found.get("duplicate", 0) + found.get("adopted", 0)
    home.doubts += vault["uncertain_uploads"]
    if surplus > home.doubts or set(found) - {"confirmed", "duplicate", "adopted", "gone"}:
        home.wrong.append(f"the inventory says {found}, with {home.doubts} uploads uncertain")
