"""Report to the service manager that started this one, as sd_notify does: ready, alive, stopping."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, MutableMapping
from typing import Protocol

BEATS_PER_WATCHDOG = 3
"""Notifications within the time after which the service manager considers this one hung."""


class Lifecycle(Protocol):
    async def wait_spawned(self) -> None: ...

    async def wait_shutdown(self) -> None: ...


class Notifier:
    """The socket of the service manager. Does nothing without an address; `watchdog` in seconds, or 0."""

    def __init__(self, address: str = "", watchdog: float = 0) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.watchdog = watchdog

    @classmethod
    def from_environment(cls, environment: MutableMapping[str, str]) -> "Notifier":
        """Take the settings out of the environment, so that processes cannot notify in the manager's name."""
        address, watchdog, pid = (
            environment.pop(name, "") for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
        )
        is_for_us = pid in ("", str(os.getpid()))
        return cls(address, int(watchdog) / 1e6 if watchdog.isdecimal() and is_for_us else 0)

    def notify(self, state: str) -> None:
        """Send one state, such as READY=1. Never blocks, and ignores errors."""
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.setblocking(False)
            out.sendto(state.encode(), self._address)

    @contextlib.asynccontextmanager
    async def notifying(self, manager: Lifecycle) -> AsyncIterator[None]:
        """Report that the manager is ready, alive and stopping, while the body runs."""
        tasks = (
            [asyncio.create_task(self._notify_states(manager)), asyncio.create_task(self._notify_watchdog())]
            if self._address
            else []
        )
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _notify_states(self, manager: Lifecycle) -> None:
        await manager.wait_spawned()
        self.notify(f"READY=1\nMAINPID={os.getpid()}")
        await manager.wait_shutdown()
        self.notify("STOPPING=1")

    async def _notify_watchdog(self) -> None:
        while self.watchdog:
            self.notify("WATCHDOG=1")
            await asyncio.sleep(self.watchdog / BEATS_PER_WATCHDOG)
