"""Which versions of a file a question is about: those of now, of a day, of files that are gone, or all."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select, true

from glacierkeep.catalog.schema import files, versions


@dataclass(frozen=True, slots=True)
class View:
    """What state is asked for.

    *at* None means now. *deleted* adds the last version of what was gone then. *history* gives all versions
    first seen by then; retired ones only with *deleted*.
    """

    at: datetime | None = None
    deleted: bool = False
    history: bool = False

    def condition(self) -> ColumnElement[bool]:
        """The condition on versions joined with their files."""
        if self.history:
            return self._seen() & (true() if self.deleted else versions.c.retired_at.is_(None))
        current = versions.c.id == files.c.current_version
        if self.at is None and not self.deleted:
            return current
        last = versions.c.retired_at.is_(None) & self._seen() & ~_superseded(self.at)
        if self.at is not None:
            there = true() if self.deleted else versions.c.gone_at.is_(None) | (versions.c.gone_at > self.at)
            return last & there
        return current | (files.c.current_version.is_(None) & last)

    def _seen(self) -> ColumnElement[bool]:
        return true() if self.at is None else versions.c.first_seen <= self.at


def _superseded(at: datetime | None) -> ColumnElement[bool]:
    """Whether the same file has a later version, of no later than *at*. An adopted one is before all others."""
    later = versions.alias("later")
    younger = (later.c.first_seen > versions.c.first_seen) | (
        (later.c.first_seen == versions.c.first_seen) & (later.c.id > versions.c.id)
    )
    wins = (later.c.adopted < versions.c.adopted) | ((later.c.adopted == versions.c.adopted) & younger)
    found = select(later.c.id).where(later.c.file_id == versions.c.file_id, wins)
    if at is not None:
        found = found.where(later.c.first_seen <= at)
    return found.correlate(versions).exists()
