"""The process that the manager must not outlive (`--bind-to PID`): seen by a pidfd, without polling."""

import asyncio
import contextlib
import logging
import os
import select
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # nothing heavy may be loaded before the guardian is started
    from pmtui.logs.console import Console
    from pmtui.manager import Manager
    from pmtui.runtime.instance import Instance

logger = logging.getLogger(__name__)

KILL_DELAY = 1.0
"""Seconds that processes have to end once the host is gone without having stopped the manager first."""


class HostGoneError(Exception):
    """The host does not run; the message names it."""


class Lifecycle(Protocol):
    """What can be shut down: a second time to kill what is left."""

    def shutdown(self) -> None: ...

    async def wait_shutdown(self) -> None: ...


class Host:
    """A running process; holds a pidfd, so that another one with its number is never taken for it."""

    def __init__(self, pid: int, *, waits: bool = False) -> None:
        """`waits` says that the host stops the manager itself and waits for it. Raises HostGoneError."""
        self.pid = pid
        self._waits = waits
        self._killing: asyncio.TimerHandle | None = None
        try:
            self._fd = os.pidfd_open(pid)
            self.name = Path(f"/proc/{pid}/comm").read_text().strip()
        except OSError:
            raise HostGoneError(f"--bind-to {pid}: no such process") from None
        if select.select([self._fd], [], [], 0)[0]:  # a zombie
            raise HostGoneError(f"--bind-to {pid}: process has ended already")

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid})"

    def end_was_requested(self) -> None:
        """Give processes their stopTimeout: the signal that ended the host has reached the manager too, only later."""
        if self._killing and not self._waits:
            self._killing.cancel()

    @contextlib.asynccontextmanager
    async def attached(self, manager: Lifecycle, on_shutdown: Callable[[], None]) -> AsyncIterator[None]:
        """Meanwhile shut the manager down when the host ends; call `on_shutdown` when it stops, whatever the reason."""
        loop = asyncio.get_running_loop()

        async def report_shutdown() -> None:
            await manager.wait_shutdown()
            on_shutdown()

        stopping = asyncio.create_task(report_shutdown())

        def on_exit() -> None:
            loop.remove_reader(self._fd)
            if not stopping.done():
                logger.info("%s has ended: stopping all processes", self)
                manager.shutdown()
            elif not self._waits:  # the same signal reached both: each process has its stopTimeout
                return
            self._killing = loop.call_later(KILL_DELAY, manager.shutdown)

        loop.add_reader(self._fd, on_exit)
        try:
            yield
        finally:
            stopping.cancel()
            loop.remove_reader(self._fd)
            os.close(self._fd)


@contextlib.asynccontextmanager
async def bound_to(host: Host | None, manager: "Manager", instance: "Instance") -> AsyncIterator[None]:
    """Meanwhile end the manager when its host ends."""
    if host is None:
        yield
        return
    manager.host = str(host)
    async with host.attached(manager.supervisor, instance.mark_stopping):
        yield


def open_pocketbase_console(console: "Console", url: str, directory: Path, run_of: Callable[[str], str]) -> "Console":
    """A console that writes to the PocketBase at `url` as well; `run_of` gives the PMTUI_RUN of a process."""
    from pmtui.pocketbase.console import PocketBaseConsole
    from pmtui.pocketbase.log_bridge import LogBridge
    from pmtui.runtime.token import load_token

    def path_of(process_id: str, stream: str) -> str:
        return str(directory / "logs" / f"{process_id}-{stream}.log")

    return PocketBaseConsole(console, LogBridge(url, lambda: load_token(directory, os.environ).value, path_of), run_of)
