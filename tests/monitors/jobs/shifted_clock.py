"""A clock for jobs that tests move, and a manager that goes by it."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pmtui import Manager, ProcessConfig
from pmtui.control import JobRun
from pmtui.monitors.jobs import journal, scheduler
from pmtui.monitors.jobs.clock import Clock, Moment
from pmtui.monitors.jobs.scheduler import JobScheduler
from tests.eventually import eventually_async
from tests.managed import managed, sh

BERLIN = "Europe/Berlin"
ZONE = ZoneInfo(BERLIN)
HOUR = 3600.0


def at(text: str, fold: int = 0) -> float:
    """Return a local time of Berlin as seconds since 1970; `fold` 1 is the second of two."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE, fold=fold).timestamp()


class ShiftedClock(Clock):
    """Runs as fast as the real one, from the moment it was last set."""

    def __init__(self, now: str) -> None:
        self._wall = self._boot = 0.0
        self._reads = 0
        self.set(now)

    def read(self) -> Moment:
        self._reads += 1
        real = super().read()
        return Moment(real.wall + self._wall, real.monotonic, real.boot + self._boot)

    @property
    def now(self) -> float:
        return super().read().wall + self._wall

    async def noticed(self) -> None:
        """Wait until the scheduler has looked at the clock as it is now."""
        seen = self._reads
        await eventually_async(lambda: self._reads > seen + 1)

    async def reach(self, text: str, fold: int = 0) -> None:
        """Let that moment come, as if time passed: whatever is due then is started, however slow the machine is."""
        if abs(at(text, fold) - self.now) > HOUR:
            self.shift(at(text, fold) - HOUR / 2 - self.now)
            await self.noticed()
        self.set(text, fold)

    def set(self, text: str, fold: int = 0) -> None:
        """Set the wall clock, as a person or NTP does."""
        self._wall += at(text, fold) - self.now

    def shift(self, seconds: float) -> None:
        self._wall += seconds

    def sleep(self, seconds: float) -> None:
        """Suspend the machine for that time."""
        self._wall += seconds
        self._boot += seconds


def job(schedule: str = "30 2 * * *", line: str = "true", process_id: str = "a", **fields: Any) -> ProcessConfig:
    return sh(process_id, line, **{"schedule": schedule, "timezone": BERLIN} | fields)


@asynccontextmanager
async def scheduled(
    clock: Clock, *configs: ProcessConfig, directory: Path | None = None, **options: Any
) -> AsyncIterator[Manager]:
    """Run a manager whose jobs go by this clock, once they are on their schedules; `directory` is for its data."""
    logs = directory / "logs" if directory else None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JobScheduler, "clock", clock)
        patch.setattr(scheduler, "LOOK_INTERVAL", 0.05)
        patch.setattr(journal, "MAX_AGE_MS", sys.maxsize)  # runs begin by the real clock, far from the test's dates
        async with managed(*configs, log_directory=logs, **options) as manager:
            jobs = [one for one in configs if one.autostart and one.schedule]
            await eventually_async(lambda: all(due(manager, one.id) for one in jobs))
            yield manager


def due(manager: Manager, process_id: str = "a") -> float:
    """Return when the job is started next; 0 if it is not on its schedule."""
    return manager.supervisor.processes[process_id].job.due / 1000


def runs(manager: Manager, process_id: str = "a") -> list[JobRun]:
    """Return the runs that have ended, oldest first."""
    return [*manager.supervisor.processes[process_id].job.runs]


async def ran(manager: Manager, count: int, process_id: str = "a") -> list[JobRun]:
    """Wait for that many runs."""
    await eventually_async(lambda: len(runs(manager, process_id)) >= count)
    return runs(manager, process_id)


async def due_again(manager: Manager, moment: float, process_id: str = "a") -> None:
    """Wait until the job is to be started next at that moment."""
    await eventually_async(lambda: due(manager, process_id) == moment)
