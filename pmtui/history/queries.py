"""Read the values and events of one process."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import groupby

from pmtui.history.columns import HOUR, MINUTE, STEP, Columns
from pmtui.history.records import EventRecord, RunEnd, row_of
from pmtui.history.retention import block_key, hour_of
from pmtui.history.series import Buckets


def fill(buckets: Buckets, connection: sqlite3.Connection, number: int, since: int, until: int) -> None:
    """Add the values of a process between two times, in the resolution of the buckets."""
    for hour, columns in packed(connection, buckets.resolution, number, since, until):
        buckets.add(hour, columns)
    for hour, columns in unpacked(connection, number, since, until):
        buckets.add(hour, columns.reduced(buckets.resolution // STEP))


def packed(
    connection: sqlite3.Connection, resolution: int, number: int, since: int, until: int
) -> Iterator[tuple[int, Columns]]:
    """Yield the packed blocks, each with the start of its hour."""
    table = "minutes" if resolution == MINUTE else "samples"
    oldest, newest = connection.execute(f"SELECT min(key), max(key) FROM {table}").fetchone()
    if oldest is None:
        return
    first, last = max(since // HOUR * HOUR, hour_of(oldest)), min(until - 1, hour_of(newest))
    for hour in range(first, last + 1, HOUR):
        row = connection.execute(f"SELECT data FROM {table} WHERE key = ?", (block_key(hour, number),)).fetchone()
        if row:
            with suppress(ValueError):  # a damaged block is a gap
                yield hour, Columns.unpack(row[0])


def unpacked(connection: sqlite3.Connection, number: int, since: int, until: int) -> Iterator[tuple[int, Columns]]:
    """Yield what is not packed yet, in the same form."""
    rows = connection.execute(
        "SELECT slot, data FROM ticks WHERE slot >= ? AND slot < ? ORDER BY slot", (since // HOUR * HOUR, until)
    )
    for hour, ticks in groupby(rows, lambda row: int(row[0]) // HOUR * HOUR):
        block = Columns.blank(HOUR // STEP)
        for slot, data in ticks:
            with suppress(ValueError):  # the process did not run then, or the row is damaged
                block.put((slot - hour) // STEP, row_of(data, number))
        yield hour, block


def events(
    connection: sqlite3.Connection, process_id: str, number: int, since_ms: int, until_ms: int, limit: int
) -> Sequence[EventRecord]:
    """Return the newest events of a process in that time, oldest first."""
    rows = connection.execute(
        "SELECT time, seq, before, after, reason, ends_run, exit_code, signal, last_words FROM events"
        " WHERE process = ? AND time >= ? AND time < ? ORDER BY time DESC, number DESC LIMIT ?",
        (number, since_ms, until_ms, limit),
    )
    newest = [
        EventRecord(process_id, moment, seq, before, after, reason, run_end_of(*end))
        for moment, seq, before, after, reason, *end in rows
    ]
    return newest[::-1]


def run_end_of(ends_run: int, exit_code: int | None, signal: str | None, last_words: str | None) -> RunEnd | None:
    return RunEnd(exit_code, signal, tuple(json.loads(last_words or "[]"))) if ends_run else None
