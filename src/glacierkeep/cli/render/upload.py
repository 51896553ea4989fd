"""What an upload did, or would do, in a sentence."""

from typing import TYPE_CHECKING

from glacierkeep.cli.render.words import count, size

if TYPE_CHECKING:
    from glacierkeep.operations.upload import UploadOutcome


def told(outcome: "UploadOutcome") -> str:
    """What was sent."""
    if not outcome.files and not outcome.same_content and not outcome.archives:
        sentence = f"{outcome.root}: nothing to send, {count(outcome.unchanged, 'file')} unchanged"
    elif not outcome.files and outcome.finished:
        finished = (
            f"{count(outcome.finished, 'archive')} that an earlier run began ({size(outcome.sent)} sent)"
        )
        sentence = f"{outcome.root}: finished {finished}; {count(outcome.unchanged, 'file')} unchanged"
    else:
        sentence = (
            f"{outcome.root}: {count(outcome.files, 'file')}, {size(outcome.size)}, stored in"
            f" {count(outcome.archives, 'archive')} ({size(outcome.sent)});"
            f" {count(outcome.unchanged, 'file')} unchanged"
        )
    return sentence + _rest(outcome)


def foretold(outcome: "UploadOutcome") -> str:
    """What would be sent."""
    return (
        f"{outcome.root}: would send {count(outcome.files, 'file')}, {size(outcome.size)}, in"
        f" {count(outcome.archives, 'archive')} ({size(outcome.sent)}) and {count(outcome.requests, 'request')};"
        f" {count(outcome.unchanged, 'file')} unchanged" + _rest(outcome)
    )


def _rest(outcome: "UploadOutcome") -> str:
    parts = []
    if outcome.finished and outcome.files:
        parts.append(f"{count(outcome.finished, 'archive')} begun by an earlier run")
    if outcome.same_content:
        parts.append(f"{outcome.same_content:,} with content that is there already")
    if outcome.gone:
        parts.append(f"{outcome.gone:,} gone from disk")
    if outcome.skipped:
        parts.append(f"{outcome.skipped:,} skipped")
    if outcome.problems:
        parts.append(count(outcome.problems, "problem"))
    return "".join(f", {part}" for part in parts)
