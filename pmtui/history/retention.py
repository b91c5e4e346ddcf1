"""Pack samples, and drop what is too old or too much.

A new sample of all processes is one row of `ticks`, so nothing is lost if the manager is killed. Every ten minutes
these rows become one block a process and hour: in `samples` every ten seconds, in `minutes` by the minute. Their keys
begin with the hour: blocks are appended, and the oldest ones go together.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from pmtui.history.columns import HOUR, MINUTE, STEP, Columns
from pmtui.history.database import Database
from pmtui.history.records import EVENT_BYTES, unpack_tick

if TYPE_CHECKING:
    from array import array

SAMPLES_KEPT = 24 * HOUR
"""Seconds for which samples are kept; later only values by the minute."""
PACK_INTERVAL = 600
"""Seconds between two packings: rows are slow to read, blocks are expensive to write."""
SHRINK_ABOVE = 0.9
SHRINK_TO = 0.75
"""Fractions of the size limit at which dropping begins and ends."""
TRANSACTION_BYTES = 32 << 10
"""Approximate size of one transaction, all of which is in the write-ahead log first."""
BATCH_ROWS = 64
_SIZES = {
    "ticks": "SELECT sum(length(data)) FROM ticks",
    "samples": "SELECT sum(length(data)) FROM samples",
    "minutes": "SELECT sum(length(data)) FROM minutes",
    "events": f"SELECT count(*) * {EVENT_BYTES} + sum(ifnull(length(last_words), 0)) FROM events",
}
_KEYS = {"ticks": "slot", "samples": "key", "minutes": "key"}


class UnpackedTick(NamedTuple):
    """A sample of all processes; `place` is its position in the blocks of its hour."""

    place: int
    numbers: "array[int]"
    columns: Columns


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def block_key(hour: int, number: int) -> int:
    """Return the key of a process's block for the hour of that time."""
    return hour // HOUR << 32 | number


def hour_of(key: int) -> int:
    """Return the start of a block's hour."""
    return (key >> 32) * HOUR


def compact(connection: sqlite3.Connection, before: int) -> None:
    """Pack everything before that time."""
    while (oldest := connection.execute("SELECT min(slot) FROM ticks").fetchone()[0]) is not None and oldest < before:
        hour = oldest // HOUR * HOUR
        _compact_hour(connection, hour, min(hour + HOUR, before))


def _compact_hour(connection: sqlite3.Connection, hour: int, before: int) -> None:
    ticks = [*_unpacked_ticks(connection, hour, before)]
    numbers = iter(dict.fromkeys(number for tick in ticks for number in tick.numbers))
    while group := [*islice(numbers, 8)]:
        with transaction(connection):
            for number in group:
                _add_to_block(connection, block_key(hour, number), number, ticks)
    delete_below(connection, "ticks", before)


def _unpacked_ticks(connection: sqlite3.Connection, hour: int, before: int) -> Iterator[UnpackedTick]:
    between = connection.execute("SELECT slot, data FROM ticks WHERE slot >= ? AND slot < ?", (hour, before))
    for slot, data in between:
        with suppress(ValueError):  # a damaged row is a gap
            yield UnpackedTick((slot - hour) // STEP, *unpack_tick(data))


def _add_to_block(connection: sqlite3.Connection, key: int, number: int, ticks: Sequence[UnpackedTick]) -> None:
    block = Columns.blank(HOUR // STEP)
    if found := connection.execute("SELECT data FROM samples WHERE key = ?", (key,)).fetchone():
        with suppress(ValueError):
            block = Columns.unpack(found[0])
    for tick in ticks:
        with suppress(ValueError):  # the process did not run then
            at = tick.numbers.index(number)
            block.put(tick.place, [column[at] for column in tick.columns])
    connection.execute("INSERT OR REPLACE INTO samples VALUES (?, ?)", (key, block.pack()))
    minutes = block.reduced(MINUTE // STEP)
    connection.execute("INSERT OR REPLACE INTO minutes VALUES (?, ?)", (key, minutes.pack()))


def expire(connection: sqlite3.Connection, now: float, keep: float) -> None:
    """Drop what is older than `keep` seconds, and single samples older than a day."""
    delete_below(connection, "samples", block_key(int(now - min(keep, SAMPLES_KEPT)), 0))
    delete_below(connection, "minutes", block_key(int(now - keep), 0))
    oldest_ms = int((now - keep) * 1000)
    for (number,) in connection.execute("SELECT number FROM processes").fetchall():
        _delete_events(connection, "process = ? AND time < ?", number, oldest_ms)
    connection.execute(
        "DELETE FROM processes WHERE seen < ? AND NOT EXISTS (SELECT 1 FROM events WHERE process = processes.number)",
        (int(now - keep) - HOUR,),
    )


def shrink(database: Database) -> None:
    """Drop the oldest rows of the largest tables if the file is too large."""
    if database.used_pages() > database.budget.pages * SHRINK_ABOVE:
        while database.used_pages() > database.budget.pages * SHRINK_TO and _drop_oldest(database.connection):
            pass
    database.give_back()


def _drop_oldest(connection: sqlite3.Connection) -> bool:
    """Drop the oldest eighth of the largest table. Returns False if everything is empty."""
    sizes = {table: connection.execute(statement).fetchone()[0] or 0 for table, statement in _SIZES.items()}
    table = max(sizes, key=lambda name: int(sizes[name]))
    if not sizes[table]:
        return False
    if table == "events":
        _drop_events(connection)
        return True
    key = _KEYS[table]
    count = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    last = connection.execute(f"SELECT {key} FROM {table} ORDER BY {key} LIMIT 1 OFFSET ?", (count // 8,)).fetchone()
    delete_below(connection, table, last[0] + 1)
    return True


def _drop_events(connection: sqlite3.Connection) -> None:
    """Drop the older half of the events of the process that has most: probably it crashes all the time."""
    number, count = connection.execute(
        "SELECT process, count(*) FROM events GROUP BY process ORDER BY 2 DESC LIMIT 1"
    ).fetchone()
    middle = connection.execute(
        "SELECT time FROM events WHERE process = ? ORDER BY time LIMIT 1 OFFSET ?", (number, count // 2)
    ).fetchone()
    _delete_events(connection, "process = ? AND time <= ?", number, middle[0])


def delete_below(connection: sqlite3.Connection, table: str, key: int) -> None:
    """Delete rows with lower keys, a few per transaction."""
    name = _KEYS[table]
    statement = f"DELETE FROM {table} WHERE {name} IN (SELECT {name} FROM {table} WHERE {name} < ? LIMIT {BATCH_ROWS})"
    while connection.execute(statement, (key,)).rowcount == BATCH_ROWS:
        pass


def _delete_events(connection: sqlite3.Connection, condition: str, *values: int) -> None:
    statement = f"DELETE FROM events WHERE number IN (SELECT number FROM events WHERE {condition} LIMIT {BATCH_ROWS})"
    while connection.execute(statement, values).rowcount == BATCH_ROWS:
        pass
