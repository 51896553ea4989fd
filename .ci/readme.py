"""Print a command of the README: `readme.py README NAME`.

It is the fenced block that follows the line `<!-- ci: NAME -->`, to the letter.
"""

import re
import sys
from pathlib import Path


def command(text: str, name: str) -> str:
    """The block marked *name*. Raises ValueError unless there is exactly one, and something in it."""
    mark = rf"^<!-- ci: {re.escape(name)} -->[ \t]*\n"
    fence = r"\s*^(?P<fence>```+|~~~+)[^\n]*\n(?P<block>.*?)^(?P=fence)[ \t]*$"
    blocks = [found["block"] for found in re.finditer(mark + fence, text, re.MULTILINE | re.DOTALL)]
    marks = len(re.findall(mark, text, re.MULTILINE))
    if marks != 1 or len(blocks) != 1 or not blocks[0].strip():
        raise ValueError(
            f"expected one fenced block marked `ci: {name}`, found {marks} marks, {len(blocks)} blocks"
        )
    return blocks[0].rstrip("\n")


if __name__ == "__main__":
    try:
        print(command(Path(sys.argv[1]).read_text("utf-8"), sys.argv[2]))
    except (OSError, ValueError) as error:
        sys.exit(f"{sys.argv[1]}: {error}")
