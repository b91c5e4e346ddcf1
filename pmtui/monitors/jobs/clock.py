"""The clocks that jobs are started by. Seconds."""

import time
from typing import NamedTuple


class Moment(NamedTuple):
    """One moment on three clocks: `wall` is set by people and by NTP, `monotonic` stands still during sleep."""

    wall: float
    monotonic: float
    boot: float

    @property
    def ahead(self) -> float:
        """How far the wall clock is ahead of the monotonic one; it changes only if the machine sleeps or is set."""
        return self.wall - self.monotonic

    @property
    def slept(self) -> float:
        """How long the machine has slept since it was started."""
        return self.boot - self.monotonic


class Clock:
    def read(self) -> Moment:
        return Moment(time.time(), time.monotonic(), time.clock_gettime(time.CLOCK_BOOTTIME))
