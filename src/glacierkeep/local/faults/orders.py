"""Rules that were ordered, each with how many requests it has met and how often it took effect.

Of the rules that concern a request, in their order, each meets it until one takes effect.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from glacierkeep.local.faults.rules import Rule, parse
from glacierkeep.local.store.state import State

Concerns = Callable[[Rule], bool]
"""Whether a rule is about the request at hand."""


@dataclass(frozen=True, slots=True)
class Order:
    """A rule in the store: *line* as it is kept, *met* requests it has met until spent, *done* it took effect on."""

    number: int
    line: str
    met: int
    done: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """A rule that takes effect on the request at hand; *take_back* when it found nothing to take effect on."""

    rule: Rule
    take_back: Callable[[], None]


class OwnOrders:
    """Rules of one instance of the service, forgotten with it."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._tallies = [_Tally(parse(line)) for line in lines]
        self._lock = threading.Lock()

    def choose(self, concerns: Concerns) -> Chosen | None:
        """The rule that takes effect, counted; None if none does."""
        with self._lock:
            for tally in self._tallies:
                if concerns(tally.rule) and tally.strikes():
                    return Chosen(tally.rule, partial(self._take_back, tally))
        return None

    def _take_back(self, tally: "_Tally") -> None:
        with self._lock:
            tally.done -= 1


class Orders:
    """Rules in the store: for every process that uses it, until they are taken out."""

    def __init__(self, state: State) -> None:
        self._state = state

    def choose(self, concerns: Concerns) -> Chosen | None:
        """The rule that takes effect, counted; None if none does. Nothing is written where no rule is concerned."""
        rules = {
            order.number: rule for order in self.listed() if (rule := _pending(order)) and concerns(rule)
        }
        if not rules:
            return None
        with self._state.writing() as db:
            for order in _read(db):
                rule = rules.get(order.number)
                if rule and not rule.is_spent(order.done) and _meet(db, order, rule):
                    return Chosen(rule, partial(self._take_back, order.number))
        return None

    def listed(self) -> list[Order]:
        """All rules, in their order."""
        with self._state.reading() as db:
            return _read(db)

    def add(self, lines: Iterable[str]) -> list[Order]:
        """Put rules after those that are there; ValueError, and none is added, if one of *lines* is no rule."""
        rules = [parse(line) for line in lines]
        query = "INSERT INTO faults (rule) VALUES (?) RETURNING fault, rule, met, done"
        with self._state.writing() as db:
            return [Order(*db.execute(query, (str(rule),)).fetchone()) for rule in rules]

    def remove(self, numbers: Sequence[int]) -> None:
        """Take rules out; LookupError, and all stay, if one of *numbers* is that of no rule."""
        with self._state.writing() as db:
            for number in dict.fromkeys(numbers):
                if not db.execute("DELETE FROM faults WHERE fault = ?", (number,)).rowcount:
                    raise LookupError(number)

    def clear(self) -> int:
        """Take all rules out; how many there were."""
        with self._state.writing() as db:
            return db.execute("DELETE FROM faults").rowcount

    def _take_back(self, number: int) -> None:
        with self._state.writing() as db:
            db.execute("UPDATE faults SET done = done - 1 WHERE fault = ?", (number,))


@dataclass(slots=True)
class _Tally:
    rule: Rule
    met: int = 0
    done: int = 0

    def strikes(self) -> bool:
        if self.rule.is_spent(self.done):
            return False
        strikes = self.rule.strikes(self.met)
        self.met += 1
        self.done += strikes
        return strikes


def _pending(order: Order) -> Rule | None:
    """The rule, unless it is spent, or of a later version that knows more kinds."""
    with suppress(ValueError):
        rule = parse(order.line)
        return None if rule.is_spent(order.done) else rule
    return None


def _read(db: sqlite3.Connection) -> list[Order]:
    return [Order(*row) for row in db.execute("SELECT fault, rule, met, done FROM faults ORDER BY fault")]


def _meet(db: sqlite3.Connection, order: Order, rule: Rule) -> bool:
    strikes = rule.strikes(order.met)
    db.execute(
        "UPDATE faults SET met = met + 1, done = done + ? WHERE fault = ?", (int(strikes), order.number)
    )
    return strikes
