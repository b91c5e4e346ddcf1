"""The manager on its own thread and event loop, so that a slow terminal cannot delay it."""

import asyncio
import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from pmtui.control import INACTIVE_STATES
from pmtui.dashboard.backend.log_source import BufferedLines, to_line
from pmtui.dashboard.backend.thread_control import thread_control
from pmtui.dashboard.log_view.lines import Line, LineBuffer, Lines
from pmtui.dashboard.terminal.state import Terminal
from pmtui.logs.console import ConsoleLevel
from pmtui.manager import Manager
from pmtui.runtime.session import log_to, manager_session
from pmtui.spawner.client import Spawner
from pmtui.spawner.launcher import GuardianLauncher
from pmtui.supervisor.reload import ConfigSource
from pmtui.text.formatting import plural

if TYPE_CHECKING:
    from pmtui.supervisor.process import Process

EXIT_TIMEOUT = 3.0
"""Seconds the dashboard has to close once the manager has ended, before this process exits without it."""
MAX_EXIT_TIMEOUT = 15.0
"""The same for a dashboard that the terminal does not block: it is slow, and more may have to be done after it."""


class TerminalSpawner(Spawner):
    """Lets the guardian restore the terminal if the manager is killed, but not after an orderly exit."""

    def __init__(self, launcher: GuardianLauncher, terminal: Terminal) -> None:
        super().__init__(launcher)
        self._terminal = terminal

    def guard_terminal(self) -> None:
        if self._terminal.attributes is not None:
            self.restore_terminal(self._terminal.attributes, self._terminal.screen)

    async def close(self) -> None:
        if self._terminal.attributes is not None:
            self.restore_terminal(None, self._terminal.screen)
        await super().close()


class ManagerThread:
    """Owns the manager of a dashboard. Call `start` before heavy imports: the processes start meanwhile."""

    def __init__(
        self, source: ConfigSource, launcher: GuardianLauncher, terminal: Terminal, *, has_api: bool = True
    ) -> None:
        self._source, self._launcher, self._terminal, self._has_api = source, launcher, terminal, has_api
        self._started: Future[Manager] = Future()
        self._thread = threading.Thread(target=self._run, name="pmtui-manager", daemon=True)
        self._loop = asyncio.new_event_loop()
        self._exit_requested = self._has_ended = False
        self._exit_requested_at = self._ended_at = 0.0
        self._active_processes: Sequence[Process] = ()
        self._closed = threading.Event()
        self._on_ended: Callable[[], None] = lambda: None
        self._on_warning: Callable[[str], None] | None = None
        self._pending_warnings: deque[str] = deque(maxlen=100)

    def start(self) -> None:
        """Return once processes are being started. Raises StartError."""
        self._thread.start()
        self.control = thread_control(self._started.result(), self._loop, lambda: self._has_ended)

    def set_callbacks(self, on_warning: Callable[[str], None], on_ended: Callable[[], None]) -> None:
        """Pass on warnings, those logged before this call first, and the end. Both are called on other threads."""
        self._on_warning, self._on_ended = on_warning, on_ended
        self._pass_on_warnings(on_warning)
        if self._has_ended or not self._thread.is_alive():
            on_ended()

    def request_exit(self) -> None:
        """Stop everything; on a second call, kill it. For any thread, and for signal handlers."""
        self._exit_requested = True
        with contextlib.suppress(RuntimeError):  # the loop is closed
            if self._started.done():
                self._loop.call_soon_threadsafe(self._shutdown)

    def close(self) -> None:
        """Stop the manager and wait for its end."""
        self._closed.set()
        if self._thread.is_alive():
            self.request_exit()
            self._thread.join()

    @property
    def summary(self) -> str:
        """Say what was stopped, once everything has ended."""
        if not self._active_processes:
            return "pmtui: no process was running"
        count = plural(len(self._active_processes), "process", "processes")
        left = f"pmtui: {count} stopped in {self._ended_at - self._exit_requested_at:.1f} s"
        killed = [process.id for process in self._active_processes if process.killed]
        return f"{left}; had to be killed: {', '.join(killed)}" if killed else left

    def lines_of(self, ids: Sequence[str]) -> Sequence[Lines]:
        found = [self._supervisor.processes.get(process_id) for process_id in ids]
        return [BufferedLines(process.log.ring) if process else LineBuffer() for process in found]

    def older_than(self, process_id: str, number: int) -> Iterator[Line]:
        process = self._supervisor.processes.get(process_id)
        if process is not None:
            yield from (to_line(raw, process_id) for raw in process.log.newest_first(below=number))

    # on the manager's thread

    def _run(self) -> None:
        try:
            with log_to(self._show_warning), asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._main())
        except Exception as error:
            if self._started.done():
                raise
            self._started.set_exception(error)
            return
        self._on_ended()
        if not self._wait_closed():
            self._terminal.restore()
            os._exit(0)

    def _wait_closed(self) -> bool:
        deadline = time.monotonic() + MAX_EXIT_TIMEOUT
        while not self._closed.wait(EXIT_TIMEOUT):
            if not self._terminal.takes_output() or time.monotonic() > deadline:
                return False
        return True

    def _shutdown(self) -> None:
        if not self._exit_requested_at:
            self._exit_requested_at = time.monotonic()
            self._active_processes = [
                process for process in self._supervisor.processes.values() if process.status not in INACTIVE_STATES
            ]
        self._supervisor.shutdown()

    def _create_manager(self, log_directory: Path) -> Manager:
        self._spawner = TerminalSpawner(self._launcher, self._terminal)
        return Manager(self._source.loaded.settings, log_directory=log_directory, spawner=self._spawner)

    async def _main(self) -> None:
        try:
            await self._run_manager()
        finally:
            self._has_ended = True

    async def _run_manager(self) -> None:
        async with manager_session(self._source, self._create_manager, has_api=self._has_api) as manager:
            self._spawner.guard_terminal()
            self._supervisor = manager.supervisor
            self._started.set_result(manager)
            if self._exit_requested:
                self._shutdown()
            await manager.run()
            self._ended_at = time.monotonic()

    def _show_warning(self, level: ConsoleLevel, text: str) -> None:
        if level == "INFO":
            return
        self._pending_warnings.append(text)
        if self._on_warning is not None:
            self._pass_on_warnings(self._on_warning)

    def _pass_on_warnings(self, on_warning: Callable[[str], None]) -> None:
        """Pass on what is pending, while the other thread may do the same."""
        with contextlib.suppress(IndexError):
            while True:
                on_warning(self._pending_warnings.popleft())
