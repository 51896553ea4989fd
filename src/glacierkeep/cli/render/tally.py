"""How far things are, added up from events."""

from dataclasses import dataclass

from glacierkeep.events import (
    ArchiveStored,
    BytesLeaving,
    BytesReceived,
    BytesSent,
    Event,
    FilePlaced,
    FolderScanned,
    JobRequested,
    Trouble,
    UploadPlanned,
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a command is: *moved* of *size* bytes, some of them perhaps not acknowledged yet, *files* done,
    *errors* so far. *name* is what is under way."""

    moved: int
    size: int | None
    files: int
    errors: int
    name: bytes = b""


class Tally:
    """Takes events one after another; not thread-safe by itself."""

    def __init__(self) -> None:
        self._moved = 0
        self._leaving = 0
        self._size: int | None = None
        self._requested = 0
        self._files = 0
        self._errors = 0
        self._name = b""

    def take(self, event: Event) -> bool:
        """Add *event*; whether it said anything about progress."""
        match event:
            case UploadPlanned():
                self._size = event.size
            case FolderScanned():
                self._name = b""
            case BytesSent():
                self._moved, self._name = event.total, event.name
            case BytesLeaving():
                self._leaving, self._name = event.total, event.name
            case JobRequested():
                self._requested += event.size
            case BytesReceived():
                self._moved = event.total
                self._size = max(self._requested, event.size, event.total)
            case ArchiveStored():
                self._files += event.files
            case FilePlaced():
                self._files, self._name = self._files + 1, event.path
            case Trouble():
                self._errors += 1
            case _:
                return False
        return True

    def progress(self) -> Progress:
        """Where things stand."""
        return Progress(self._moved + self._leaving, self._size, self._files, self._errors, self._name)
