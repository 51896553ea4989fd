"""Labels: how roots are called, the first component of every name as archived."""

from glacierkeep.domain import names
from glacierkeep.domain.records import Root

NO_HOST = ""
"""The host of a root that adoption made: the first `gk upload` of a folder with its label claims it."""
FOUND_PATH = b"found"
"""The path, and the wished label, of the root of adopted archives that say no name of their own. Nobody claims it."""


def trouble_with_label(label: str) -> str | None:
    """Why *label* cannot be one, or None if it can."""
    trouble = names.trouble_with(label.encode("utf-8", "surrogateescape"))
    if trouble is None and "/" in label:
        trouble = "it holds a slash"
    if trouble is None and label.startswith("."):
        trouble = "it begins with a dot"
    if trouble is None and not label.isprintable():
        trouble = "it holds characters that cannot be printed"
    if trouble is None and len(label.encode()) > names.MAX_NAME:
        trouble = f"it is longer than {names.MAX_NAME} bytes"
    return trouble


def is_claimable(root: Root) -> bool:
    """Whether *root* was made by adoption and waits for the folder it stands for."""
    return root.host == NO_HOST and root.path != FOUND_PATH
