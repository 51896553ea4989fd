"""What stands at the end of a command's help: examples and its exit codes."""

from glacierkeep.errors import Exit

MEANINGS = {
    Exit.DONE: "done",
    Exit.FAILED: "failed; nothing in the vault was changed",
    Exit.USAGE: "wrong usage",
    Exit.PARTLY: "partly done; what was not is listed",
    Exit.WAITING: "not yet: waiting for the service",
    Exit.FINDINGS: "findings: records and reality differ",
    Exit.BUDGET: "over budget; nothing sent",
    Exit.MISMATCH: "bytes do not match their hash",
    Exit.CHANGED: "failed or stopped after something was changed or money was spent",
    Exit.NO_VAULT: "no such vault or configuration",
    Exit.LOCKED: "another gk is at work on it",
    Exit.OUTDATED: "the catalog needs `gk catalog upgrade`",
    Exit.CREDENTIALS: "credentials missing, expired or refused",
    Exit.REFUSED: "the service refuses new accounts",
    Exit.BUG: "a bug in gk; a report file was written",
    Exit.INTERRUPTED: "interrupted",
    Exit.TERMINATED: "terminated",
}
"""One sentence for each exit code, as in docs/reference/exit-codes.md."""

_EVERYWHERE = (Exit.USAGE, Exit.BUG, Exit.INTERRUPTED, Exit.TERMINATED)


def epilog(*examples: str, exits: tuple[Exit, ...]) -> str:
    """Click's epilog with *examples* (whole command lines) and the *exits* this command can end with."""
    codes = sorted({*exits, *_EVERYWHERE})
    lines = ["\b", "Examples:", *(f"  {example}" for example in examples), ""]
    return "\n".join([*lines, "\b", "Exit codes:", *(f"  {code:>3}  {MEANINGS[code]}" for code in codes)])
