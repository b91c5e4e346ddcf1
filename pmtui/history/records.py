"""What is recorded: immutable, so that it can be handed to another thread."""

from array import array
from collections.abc import Mapping
from typing import NamedTuple

from pmtui.history.columns import METRICS, Columns, Sample, inflate, pack, unpack

EVENT_BYTES = 160
"""Approximate size of an event without its last words."""


class Tick(NamedTuple):
    """A sample of all processes; `time` in seconds since 1970."""

    time: int
    samples: Mapping[str, Sample]


class RunEnd(NamedTuple):
    """How a run ended, and the last lines it wrote."""

    exit_code: int | None
    signal: str | None
    last_words: tuple[str, ...]


class EventRecord(NamedTuple):
    """A change of status. `seq` counts within one manager; `run_end` is set if a run ended with it."""

    process_id: str
    time_ms: int
    seq: int
    before: str
    after: str
    reason: str
    run_end: RunEnd | None = None


Record = Tick | EventRecord


def pack_tick(samples: Mapping[int, Sample]) -> bytes:
    """Pack the samples of processes by their numbers."""
    return pack([array("I", samples), *Columns.of(samples.values())])


def unpack_tick(data: bytes) -> "tuple[array[int], Columns]":
    """Return the numbers of the processes and their values. Raises ValueError if the data is damaged."""
    numbers, *columns = unpack(data, len(METRICS) + 1)
    return numbers, Columns(*columns)


def row_of(data: bytes, number: int) -> tuple[int, ...]:
    """Return the values of one process. Raises ValueError if it is missing or the data is damaged."""
    figures, length = inflate(data, len(METRICS) + 1)
    return tuple(figures[figures.index(number, 0, length) + length :: length])


def weight(record: Record) -> int:
    """Return the approximate size of a record in bytes."""
    if isinstance(record, Tick):
        return 16 * len(record.samples)
    return EVENT_BYTES + sum(map(len, record.run_end.last_words if record.run_end else ()))
