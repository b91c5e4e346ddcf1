"""How late the loop is: the one figure that tells whether the manager keeps up."""

import asyncio
from bisect import bisect_left

TICK = 0.1
"""Seconds between two measurements."""
ASKED_WITHIN = 300.0
"""Seconds after the last question for which measuring goes on."""
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)


class LagMeter:
    """Measures while somebody asks. `counts` has for each of BOUNDS, and for all above, how often the lag was that."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0  # seconds
        self._asked = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def ask(self) -> None:
        """Somebody wants to know: returns when there is something to tell."""
        loop = asyncio.get_running_loop()
        self._asked = loop.time()
        if self._timer is None:
            self._schedule(loop)
        if not any(self.counts):
            due = loop.time() + TICK
            await asyncio.sleep(TICK)
            self._add(loop.time() - due)

    def close(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        due = loop.time() + TICK
        self._timer = loop.call_at(due, self._tick, loop, due)

    def _tick(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        self._timer = None
        self._add(loop.time() - due)
        if due - self._asked < ASKED_WITHIN:
            self._schedule(loop)

    def _add(self, lag: float) -> None:
        self.counts[bisect_left(BOUNDS, lag)] += 1
        self.total += lag
