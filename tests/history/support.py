"""A history with a clock that tests set."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pmtui.history.columns import STEP, Sample
from pmtui.history.records import EventRecord, RunEnd, Tick
from pmtui.history.store import HistoryStore

HOUR = 3600
DAY = 24 * HOUR
START = 1_790_000_000 // DAY * DAY
"""Midnight of some day."""


class Clock:
    def __init__(self) -> None:
        self.now: float = START

    def __call__(self) -> float:
        return self.now


class Kept:
    """A store and its clock. `record` writes a sample every ten seconds, as a manager does."""

    def __init__(self, path: Path, max_size: int = 64 << 20, keep: float = 30 * DAY) -> None:
        self.path = path
        self.clock = Clock()
        self._limits = max_size, keep
        self.reopen()

    def reopen(self) -> None:
        max_size, keep = self._limits
        self.store = HistoryStore(self.path, max_size=max_size, keep=keep, clock=self.clock)

    def record(self, seconds: float, sample: Callable[[float], Sample], ids: tuple[str, ...] = ("web",)) -> None:
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.store.write([Tick(int(self.clock.now), dict.fromkeys(ids, sample(self.clock.now)))])
            self.clock.now += STEP

    def cpu(self, since: float, until: float, points: int = 10_000, process_id: str = "web") -> list[float | None]:
        return [*self.store.series(process_id, int(since * 1000), int(until * 1000), points).cpu]


def event(process_id: str = "web", moment: float = START, seq: int = 1, end: RunEnd | None = None) -> EventRecord:
    return EventRecord(process_id, int(moment * 1000), seq, "running", "crashed", "exit 1", end)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "history.db")
