"""How late the event loop runs its timers, which shows whether the manager keeps up."""

import asyncio
from bisect import bisect_left

MEASURE_INTERVAL = 0.1
IDLE_TIMEOUT = 300.0
"""Seconds after the last request until measuring stops."""
BUCKET_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)


class LoopLagMeter:
    """Measure the lag while metrics are requested.

    `counts` has one entry for each of BUCKET_BOUNDS and one for everything above.
    """

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKET_BOUNDS) + 1)
        self.total = 0.0  # seconds
        self._requested_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def measure(self) -> None:
        """Keep measuring for IDLE_TIMEOUT, and return once there is a measurement."""
        loop = asyncio.get_running_loop()
        self._requested_at = loop.time()
        if self._timer is None:
            self._schedule(loop)
        if not any(self.counts):
            due = loop.time() + MEASURE_INTERVAL
            await asyncio.sleep(MEASURE_INTERVAL)
            self._record(loop.time() - due)

    def close(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        due = loop.time() + MEASURE_INTERVAL
        self._timer = loop.call_at(due, self._tick, loop, due)

    def _tick(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        self._timer = None
        self._record(loop.time() - due)
        if due - self._requested_at < IDLE_TIMEOUT:
            self._schedule(loop)

    def _record(self, lag: float) -> None:
        self.counts[bisect_left(BUCKET_BOUNDS, lag)] += 1
        self.total += lag
