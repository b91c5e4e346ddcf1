"""Tells the service manager that started this one how it is, as sd_notify does: ready, alive, leaving."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, MutableMapping
from typing import Protocol

BEATS_PER_WATCHDOG = 3
"""Signs of life within the time after which a manager counts as hung."""


class Lifecycle(Protocol):
    """What can be ready, and can be asked to leave."""

    async def wait_spawned(self) -> None: ...

    async def wait_shutdown(self) -> None: ...


class Notifier:
    """The socket of the service manager; without an address nobody is told anything. `watchdog` in seconds, or 0."""

    def __init__(self, address: str = "", watchdog: float = 0) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.watchdog = watchdog

    @classmethod
    def from_environment(cls, environment: MutableMapping[str, str]) -> "Notifier":
        """What this environment says, which is taken out of it: the processes are not to speak for the manager."""
        address, watched, pid = (
            environment.pop(name, "") for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
        )
        is_for_us = pid in ("", str(os.getpid()))
        return cls(address, int(watched) / 1e6 if watched.isdecimal() and is_for_us else 0)

    def notify(self, state: str) -> None:
        """Sends one state, such as READY=1. Never blocks; what cannot be sent is nobody's concern here."""
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.setblocking(False)
            out.sendto(state.encode(), self._address)

    @contextlib.asynccontextmanager
    async def notifying(self, manager: Lifecycle) -> AsyncIterator[None]:
        """Meanwhile tells that the manager is ready, that it lives and that it leaves, each when it is so."""
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
