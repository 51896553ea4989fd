"""Messages to topics about jobs that have completed: noted in one step with the job, then sent, seldom twice."""

import logging
import sqlite3
from collections.abc import Iterator
from itertools import islice

from glacierkeep.clock import SystemClock
from glacierkeep.local.answers import jobrows, jobs, outputs
from glacierkeep.local.answers.notifications import ARCHIVE_RETRIEVED, INVENTORY_RETRIEVED
from glacierkeep.local.store.clearing import HOUR_MS
from glacierkeep.local.store.pieces import Pieces
from glacierkeep.local.store.state import State
from glacierkeep.local.topics import NotReached, NotTaken, Topics
from glacierkeep.local.wire.spelling import json_text, to_milliseconds

TRIED_MS = 24 * HOUR_MS
"""How long it is tried to send a message: as long as a finished job is there to be told of."""
CLAIM_MS = 60_000
"""Who claimed a message a minute ago is no longer publishing it: that takes seconds."""
PAUSE_MS = 10_000
"""How long requests leave an endpoint alone that was not reached."""
BESIDE_A_REQUEST = 20
"""How many messages a request waits for at most."""

_BATCH = 100

_log = logging.getLogger(__name__)


class Outbox:
    """What the topics are to be told of the jobs in *state*. Several may send from one state at once.

    Claims and pauses are moments of the computer's own clock, since the service's can be turned.
    """

    def __init__(self, state: State, pieces: Pieces, topics: Topics) -> None:
        self._state = state
        self._pieces = pieces
        self._topics = topics
        self._paused_until = 0

    def send(self) -> None:
        """Send everything that is due, or until the endpoint is not reached; OSError as the state raises."""
        while self._note_completed():
            pass
        self._send(self._claims())

    def send_beside_request(self) -> None:
        """Send some of it. What cannot be sent waits for the next time, and nobody is told but the log."""
        try:
            self._note_completed()
            if _now() >= self._paused_until:
                self._send(islice(self._claims(), BESIDE_A_REQUEST))
        except (OSError, sqlite3.OperationalError) as error:
            _log.warning("messages to topics wait: %s", error)

    def _note_completed(self) -> bool:
        """Note for the topics of jobs that have completed what they are to be told, once; false when none have."""
        with self._state.reading() as db:
            moment = self._state.moment(db)
            news = [(row, _topics(db, row)) for row in _untold(db, moment)]
        if not news:
            return False
        told = [
            (outputs.prepare(self._state, self._pieces, row) if topics else row, topics)
            for row, topics in news
        ]
        with self._state.writing() as db:
            for row, topics in told:
                _tell(db, row, topics, moment)
        return True

    def _claims(self) -> Iterator[sqlite3.Row]:
        """The messages that nobody else is sending, each once it is claimed."""
        while (message := self._claim()) is not None:
            yield message

    def _claim(self) -> sqlite3.Row | None:
        with self._state.reading() as db:
            if _due(db) is None:
                return None
        with self._state.writing() as db:
            message = _due(db)
            if message is not None:
                db.execute("UPDATE messages SET claimed = ? WHERE message = ?", (_now(), message["message"]))
        return message

    def _send(self, messages: Iterator[sqlite3.Row]) -> None:
        for message in messages:
            try:
                self._topics.publish(message["topic"], message["body"])
            except NotTaken as refusal:
                _log.warning("a message to %s is lost: %s", message["topic"], refusal)
            except NotReached as trouble:
                self._paused_until = _now() + PAUSE_MS
                self._put_back(message, trouble)
                return
            self._forget(message)

    def _put_back(self, message: sqlite3.Row, trouble: NotReached) -> None:
        _log.info("messages to topics wait: %s", trouble)
        with self._state.writing() as db:
            db.execute("UPDATE messages SET claimed = 0 WHERE message = ?", (message["message"],))
            lost = db.execute("DELETE FROM messages WHERE noted <= ?", (_now() - TRIED_MS,)).rowcount
        if lost:
            _log.warning("messages to topics were tried for a day and are lost: %d", lost)

    def _forget(self, message: sqlite3.Row) -> None:
        with self._state.writing() as db:
            db.execute("DELETE FROM messages WHERE message = ?", (message["message"],))


def _untold(db: sqlite3.Connection, moment: int) -> list[sqlite3.Row]:
    return db.execute(
        f"{jobrows.QUERY} WHERE told = 0 AND completes <= ? ORDER BY completes LIMIT ?", (moment, _BATCH)
    ).fetchall()


def _topics(db: sqlite3.Connection, job: sqlite3.Row) -> list[str]:
    """The topics that are to know of the job: its own, and its vault's if that wants to know of such jobs."""
    event = INVENTORY_RETRIEVED if job["archive"] is None else ARCHIVE_RETRIEVED
    wanted = db.execute("SELECT topic, events FROM notifications WHERE vault = ?", (job["vault"],)).fetchone()
    topics = [job["sns_topic"], wanted["topic"] if wanted and event in wanted["events"].split() else None]
    return list(dict.fromkeys(topic for topic in topics if topic))


def _tell(db: sqlite3.Connection, job: sqlite3.Row, topics: list[str], moment: int) -> None:
    first = db.execute("UPDATE jobs SET told = 1 WHERE job = ? AND told = 0", (job["job"],)).rowcount
    if first and topics:
        body = json_text(jobs.describe(job, moment))
        rows = [(topic, body, _now()) for topic in topics]
        db.executemany("INSERT INTO messages (topic, body, noted) VALUES (?, ?, ?)", rows)


def _due(db: sqlite3.Connection) -> sqlite3.Row | None:
    """The first message nobody has claimed for a minute, by whatever the clock was set to meanwhile."""
    now = _now()
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM messages WHERE claimed NOT BETWEEN ? AND ? ORDER BY message LIMIT 1",
        (now - CLAIM_MS + 1, now + CLAIM_MS),
    ).fetchone()
    return row


def _now() -> int:
    return to_milliseconds(SystemClock().now())
