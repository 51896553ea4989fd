"""Check what ships: `wheel.py FOLDER`, the folder that holds the one wheel."""

import sys
from pathlib import Path
from zipfile import ZipFile

WANTED = ("glacierkeep/py.typed", "glacierkeep/cli/main.py", "glacierkeep/catalog/migrations/env.py")


def main() -> int:
    """Tell what is missing or too much; 1 if anything is."""
    (wheel,) = Path(sys.argv[1]).glob("glacierkeep-*.whl")
    with ZipFile(wheel) as archive:
        names = archive.namelist()
    licensed = any(name.endswith("/licenses/LICENSE") for name in names)
    troubles = [f"missing: {name}" for name in WANTED if name not in names]
    troubles += [] if licensed else ["missing: LICENSE"]
    troubles += [f"too much: {name}" for name in names if not name.startswith("glacierkeep")]
    troubles += [f"too much: {name}" for name in names if is_stray(name)]
    revisions = [name for name in names if name.startswith("glacierkeep/catalog/migrations/versions/")]
    troubles += [] if revisions else ["missing: the catalog's migrations"]
    print("\n".join(troubles) or f"{wheel.name} holds what it should: {len(names)} files.")
    return 1 if troubles else 0


def is_stray(name: str) -> bool:
    """Whether a file is a test, or a leftover of a run."""
    return Path(name).name.startswith(("test_", "conftest")) or "__pycache__" in name


if __name__ == "__main__":
    sys.exit(main())
