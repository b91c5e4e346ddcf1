"""How late the loop is: the one figure that tells whether the manager keeps up."""

import asyncio
from bisect import bisect_left

MEASURE_INTERVAL = 0.1
"""Seconds between two measurements."""
IDLE_TIMEOUT = 300.0
"""Seconds after the last question for which measuring goes on."""
BUCKET_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)


class LoopLagMeter:
    """Measures while somebody asks. `counts` has for each of BOUNDS, and for all above, how often the lag was that."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKET_BOUNDS) + 1)
        self.total = 0.0  # seconds
        self._requested_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def measure(self) -> None:
        """Somebody wants to know: returns when there is something to tell."""
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
