"""Write records and answer questions about them."""

import json
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from pmtui.history.columns import MINUTE, STEP
from pmtui.history.database import Database, explained, open_database, set_aside
from pmtui.history.errors import DamagedError, HistoryError
from pmtui.history.queries import events, fill
from pmtui.history.records import EventRecord, Record, Tick, pack_tick, weight
from pmtui.history.retention import (
    PACK_INTERVAL,
    SAMPLES_KEPT,
    TRANSACTION_BYTES,
    compact,
    expire,
    shrink,
    transaction,
)
from pmtui.history.series import Buckets, Series

T = TypeVar("T")
logger = logging.getLogger(__name__)


class HistoryStore:
    """The history in the file `path`: at most `max_size` bytes, nothing older than `keep` seconds.

    For one thread at a time. Every method raises HistoryError while the file cannot be used. A damaged file is set
    aside; a removed one is recreated.
    """

    def __init__(self, path: Path, *, max_size: int, keep: float, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._max_size = max_size
        self._keep = keep
        self._clock = clock
        self._database: Database | None = None
        self._numbers: dict[str, int] = {}
        self._packed_until = 0  # everything before this moment is packed
        self._seen: set[int] = set()  # processes whose row has been updated since

    def write(self, records: Sequence[Record]) -> None:
        """Store the records. An event that is already stored is ignored."""
        self._run(lambda database: self._write(database, records))

    def series(self, process_id: str, since_ms: int, until_ms: int, points: int) -> Series:
        """Return the values of a process from `since_ms` to `until_ms`, at most `points` per metric."""
        is_recent = since_ms >= (self._clock() - SAMPLES_KEPT - MINUTE) * 1000

        def read(database: Database) -> Series:
            buckets = Buckets(since_ms, until_ms, points, STEP if is_recent else MINUTE)
            fill(buckets, database.connection, self._number_of(process_id), since_ms // 1000, -(-until_ms // 1000))
            return buckets.series()

        return self._run(read)

    def events(self, process_id: str, since_ms: int, until_ms: int, limit: int) -> Sequence[EventRecord]:
        """Return the newest events of a process in that time, oldest first."""

        def read(database: Database) -> Sequence[EventRecord]:
            return events(database.connection, process_id, self._number_of(process_id), since_ms, until_ms, limit)

        return self._run(read)

    def close(self) -> None:
        if self._database:
            self._database.close()
            self._database = None

    def _run(self, action: Callable[[Database], T]) -> T:
        """Try again if the file had to be set aside."""
        try:
            return self._attempt(action)
        except DamagedError as error:
            set_aside(self.path, str(error))
            return self._attempt(action)

    def _attempt(self, action: Callable[[Database], T]) -> T:
        try:
            return action(self._opened())
        except sqlite3.Error as error:
            self.close()
            raise explained(error, self.path) from error
        except OSError as error:
            self.close()
            raise HistoryError(f"{self.path} cannot be used: {error.strerror}") from error

    def _opened(self) -> Database:
        if self._database and not self._database.is_in_place():
            self.close()
            logger.warning("%s was removed; a new history begins", self.path)
        if self._database is None:
            self._database = open_database(self.path, self._max_size)
            self._numbers = dict(self._database.connection.execute("SELECT id, number FROM processes"))
            self._packed_until = 0
            self._seen.clear()
        return self._database

    # writing

    def _write(self, database: Database, records: Sequence[Record]) -> None:
        database.require_room()
        for portion in portions(records):
            with transaction(database.connection):
                for record in portion:
                    self._insert(database.connection, record)
            shrink(database)
        now = self._clock()
        if (packed := int(now) // PACK_INTERVAL * PACK_INTERVAL) != self._packed_until:
            compact(database.connection, packed)
            expire(database.connection, now, self._keep)
            shrink(database)
            self._numbers = dict(database.connection.execute("SELECT id, number FROM processes"))
            self._packed_until = packed
            self._seen.clear()

    def _insert(self, connection: sqlite3.Connection, record: Record) -> None:
        if isinstance(record, Tick):
            slot = record.time // STEP * STEP
            samples = {self._add_number(connection, name, slot): sample for name, sample in record.samples.items()}
            connection.execute("INSERT OR REPLACE INTO ticks VALUES (?, ?)", (slot, pack_tick(samples)))
            return
        number = self._add_number(connection, record.process_id, record.time_ms // 1000)
        end = record.run_end
        words = json.dumps([storable(line) for line in end.last_words], ensure_ascii=False) if end else None
        code, signal = (end.exit_code, end.signal) if end else (None, None)
        connection.execute(
            "INSERT OR IGNORE INTO events VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (number, *record[1:5], storable(record.reason), end is not None, code, signal, words),
        )

    def _number_of(self, process_id: str) -> int:
        """Return the number of a process, or 0, which no process has."""
        return self._numbers.get(process_id, 0)

    def _add_number(self, connection: sqlite3.Connection, process_id: str, seen: int) -> int:
        if process_id not in self._numbers:
            inserted = connection.execute("INSERT INTO processes (id, seen) VALUES (?, ?)", (process_id, seen))
            assert inserted.lastrowid
            self._numbers[process_id] = inserted.lastrowid
        number = self._numbers[process_id]
        if number not in self._seen:
            connection.execute("UPDATE processes SET seen = max(seen, ?) WHERE number = ?", (seen, number))
            self._seen.add(number)
        return number


def storable(text: str) -> str:
    """Replace what UTF-8 cannot encode, which SQLite refuses."""
    return text.encode(errors="replace").decode()


def portions(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """Split records into parts that are small enough for one transaction each."""
    portion: list[Record] = []
    size = 0
    for record in records:
        portion.append(record)
        size += weight(record)
        if size > TRANSACTION_BYTES:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion
