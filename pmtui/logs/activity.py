"""How much a process writes, and the worst level of late. Measured only when someone asks."""

from time import monotonic
from typing import NamedTuple

from pmtui.control import Level
from pmtui.logs.ring_buffer import RingBuffer
from pmtui.logs.search.levels import LEVELS, NOTABLE_LEVELS, level_of, may_name_problem

LEVEL_PERIOD = 60.0
"""Seconds for which a level is remembered."""
RATE_PERIOD = 5.0
"""Seconds over which the rate is averaged, if someone asks often enough."""
MIN_PERIOD = 0.5
MAX_SCANNED_LINES = 100
"""Lines whose level is determined at a time: a flood costs no more than that."""


class Activity(NamedTuple):
    """Lines per second, and the worst level from `warn` on of the last minute."""

    rate: float
    level: Level | None


class LineActivity:
    def __init__(self, ring: RingBuffer) -> None:
        self._ring = ring
        self._marks: list[tuple[float, int]] = []
        self._scanned = 0
        self._seen: dict[Level, float] = {}

    def measure(self) -> Activity:
        now = monotonic()
        self._scan(now)
        return Activity(self._rate(now), self._worst(now))

    def _rate(self, now: float) -> float:
        marks, end = self._marks, self._ring.end
        while len(marks) > 1 and marks[0][0] < now - RATE_PERIOD:
            del marks[0]
        if not marks or now - marks[-1][0] >= MIN_PERIOD:
            marks.append((now, end))
        since, start = marks[0]
        return round((end - start) / (now - since), 2) if now - since >= MIN_PERIOD else 0.0

    def _scan(self, now: float) -> None:
        end = self._ring.end
        if self._scanned == end:
            return
        first = max(self._scanned, end - MAX_SCANNED_LINES)
        self._scanned = end
        if not may_name_problem(self._ring.data_from(first)):
            return
        for line in self._ring.raw(first, end - first):
            if (level := level_of(line.text)) in NOTABLE_LEVELS:
                self._seen[level] = now

    def _worst(self, now: float) -> Level | None:
        recent = [level for level, seen in self._seen.items() if now - seen < LEVEL_PERIOD]
        return max(recent, key=LEVELS.index, default=None)
