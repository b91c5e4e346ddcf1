"""Signals that ask for the end: the first for a graceful one, the next for an immediate one."""

import time
from collections.abc import Callable

SAME_SIGNAL_INTERVAL = 0.5
"""Seconds in which several signals are one. Why: a wrapper passes on what the terminal has sent to it and to us."""


class ExitSignals:
    """Decides which signals count."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: float | None = None

    def counts(self) -> bool:
        """Record a signal; return False if it is the same as the one before."""
        now = self._clock()
        if self._last is not None and now - self._last < SAME_SIGNAL_INTERVAL:
            return False
        self._last = now
        return True
