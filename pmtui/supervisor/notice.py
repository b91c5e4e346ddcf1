"""What one run has said about itself, in the protocol of sd_notify."""

import asyncio
import time
from collections.abc import Iterable

from pmtui.text.formatting import printable

MAX_STATUS_LENGTH = 200
"""Characters of `STATUS=` that are kept."""


class Notice:
    """The messages of one run so far."""

    def __init__(self) -> None:
        self.is_ready = False
        self._readiness: asyncio.Event | None = None  # while someone waits
        self.status = ""
        self.main_pid = 0  # 0: the process that was started
        self.alive_at: float | None = None  # when the last WATCHDOG=1 came
        self.stopping_at: float | None = None

    async def wait_ready(self) -> None:
        if not self.is_ready:
            self._readiness = self._readiness or asyncio.Event()
            await self._readiness.wait()

    def take(self, lines: Iterable[str]) -> None:
        """Apply the lines of one message; unknown ones are ignored. MAINPID has been checked."""
        for line in lines:
            name, _, value = line.partition("=")
            match name, value:
                case "READY", "1":
                    self.is_ready = True
                    if self._readiness:
                        self._readiness.set()
                case "STATUS", _:
                    self.status = printable(value[:MAX_STATUS_LENGTH])
                case "WATCHDOG", "1":
                    self.alive_at = time.monotonic()
                case "STOPPING", "1":
                    self.stopping_at = time.monotonic()
                case "MAINPID", _ if value.isdecimal():
                    self.main_pid = int(value)
