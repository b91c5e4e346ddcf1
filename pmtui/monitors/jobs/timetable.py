"""When jobs are due, on the clock they go by. Pure: every function is given the moment."""

import msgspec

from pmtui.config.model import ProcessConfig
from pmtui.config.schedule import Cron, Schedule, next_due, parse_schedule
from pmtui.config.zones import Offset, zone_offset
from pmtui.monitors.jobs.clock import Moment

CORRECTION = 3 * 3600.0
"""Seconds. A wall clock that is set further than this was wrong before, as in Vixie cron: the new time counts."""
MAX_PHASE = 1.0
"""Seconds by which the first time of a period is put off at most, so that many jobs do not start at one instant."""
REPEAT_LIMIT = 60.0
"""Seconds by which the wall clock may be set back without repeating a job that is due more than once a day."""


class Entry(msgspec.Struct, eq=False):
    """A job on its schedule. `due` and `start`, which is later by the jitter, are wall time for cron fields, else
    monotonic; `last_due` is wall time. `is_queued`: it is to run again once the present run has ended.
    """

    schedule: Schedule
    offset: Offset
    jitter: float
    key: str
    phase: float = 0.0
    due: float = 0.0
    start: float = 0.0
    last_due: float = 0.0
    is_queued: bool = False
    token: int = 0

    def plan(self, now: Moment) -> None:
        """Set the next time after now."""
        if isinstance(self.schedule, Cron):
            due = next_due(self.schedule, self._after(self.schedule, now), self.offset)
        else:
            period = self.schedule.seconds
            due = self.due or now.monotonic + self.phase
            due += period * (int(max(now.monotonic - due, 0.0) / period) + 1)
        if due != self.due:
            self.due, self.start = due, due + random_delay(self.jitter)

    def _after(self, cron: Cron, now: Moment) -> float:
        """Return the time to look from: not again at what was due before the clock was set back."""
        limit = REPEAT_LIMIT if cron.is_by_elapsed_time else CORRECTION
        return self.last_due if 0 < self.last_due - now.wall <= limit else now.wall

    def due_at(self, now: Moment) -> float:
        """Return when to start it on the monotonic clock."""
        return self.start - now.ahead if isinstance(self.schedule, Cron) else self.start

    def wall_due_at(self, now: Moment) -> float:
        return self.start if isinstance(self.schedule, Cron) else self.start + now.ahead

    def mark_due(self, now: Moment) -> None:
        """Remember that it was due."""
        self.last_due = self.due if isinstance(self.schedule, Cron) else self.due + now.ahead

    def was_missed(self, since: float, now: Moment) -> bool:
        """Return whether it was due between `since`, in wall time, and now."""
        if isinstance(self.schedule, Cron):
            return next_due(self.schedule, since, self.offset) <= now.wall
        return since + self.schedule.seconds <= now.wall


def random_delay(limit: float) -> float:
    if not limit:
        return 0.0
    import random

    return random.uniform(0.0, limit)


def entry_of(config: ProcessConfig, number: int) -> Entry:
    """Return an entry without a time. `number` counts the jobs, and spreads those of one period over up to a second."""
    schedule = parse_schedule(config.schedule or "")
    phase = 0.0 if isinstance(schedule, Cron) else spread(number) * min(schedule.seconds, MAX_PHASE)
    return Entry(schedule, zone_offset(config.timezone), config.jitter, key_of(config), phase)


def spread(number: int) -> float:
    """Return 0, 1/2, 1/4, 3/4, 1/8 … for 0, 1, 2, 3, 4 …: however many there are, they fill the range evenly."""
    bits = f"{number:b}"[::-1]
    return int(bits, 2) / (1 << len(bits))


def key_of(config: ProcessConfig) -> str:
    """Return what decides when the job is due."""
    return f"{config.schedule} {config.timezone or ''} {config.jitter:g}"
