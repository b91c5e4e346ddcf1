"""Bring processes up, run a command beside them, and take them down: the manager of `pmtui exec`."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from pmtui.control import Detail, Snapshot
from pmtui.logs.console import FileConsoleLog
from pmtui.manager import Manager
from pmtui.runtime.bring_up import BringUp
from pmtui.runtime.foreground import CommandError, ForegroundCommand
from pmtui.runtime.session import log_to, manager_session
from pmtui.spawner.client import Spawner
from pmtui.spawner.launcher import GuardianLauncher
from pmtui.spawner.usage import NO_USAGE
from pmtui.supervisor.reload import ConfigSource
from pmtui.supervisor.snapshot import snapshot

NOT_UP = 125
Report = Callable[[Sequence[Detail]], None]


class Execution:
    """One run of a command beside the processes of a config, under a manager that lives as long."""

    def __init__(
        self,
        source: ConfigSource,
        launcher: GuardianLauncher,
        argv: Sequence[str],
        timeout: float | None,
        on_crash: Callable[[Snapshot], None],
    ) -> None:
        self.bring_up = BringUp(source.loaded.processes, on_crash=on_crash)
        self._source, self._launcher, self._timeout = source, launcher, timeout
        self._command = ForegroundCommand(argv, self._abort)
        self._aborted_by: signal.Signals | None = None
        self._manager: Manager | None = None

    async def run(self, log_file: Path, report: Report) -> int:
        """Return the exit code of the command, or NOT_UP after a report of what did not come up.

        Raises StartError before any process is started, and CommandError after all have ended.
        """
        console = FileConsoleLog(log_file)

        def create_manager(log_directory: Path) -> Manager:
            console.start()
            settings, spawner = self._source.loaded.settings, Spawner(self._launcher)
            return Manager(settings, log_directory=log_directory, echo=console.chunk, spawner=spawner)

        self._command.catch_signals()
        if self._launcher.received_signals:
            self._abort(signal.Signals(self._launcher.received_signals[0]))
        with contextlib.closing(console), log_to(console.line):
            async with manager_session(self._source, create_manager, has_api=True) as manager, running(manager):
                self._manager = manager
                try:
                    return await self._run_command(manager, report)
                except CommandError as error:
                    failure = error
        raise failure

    async def _run_command(self, manager: Manager, report: Report) -> int:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._timeout):
                await self._wait_up(manager)
        if self._aborted_by:
            return 128 + self._aborted_by
        if self.bring_up.is_up:
            return await self._command.run(os.environ | self.bring_up.addresses())
        processes = manager.supervisor.processes
        report([await manager.get(row.id) for row in self.bring_up.causes if row.id in processes])
        return NOT_UP

    async def _wait_up(self, manager: Manager) -> None:
        """Return once the outcome is known, or a signal has given up."""
        while not self._is_known(manager):
            await self._wait_change(manager, self.bring_up.settling)

    async def _wait_change(self, manager: Manager, settling: dict[str, float]) -> None:
        """Return when one of these processes has run long enough, and when others are to be waited for."""

        def has_changed() -> bool:
            return self._is_known(manager) or self.bring_up.settling.keys() != settling.keys()

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(settling.values(), default=None)):
                await manager.supervisor.wait_until(has_changed)

    def _is_known(self, manager: Manager) -> bool:
        return self._aborted_by is not None or self._observe(manager)

    def _observe(self, manager: Manager) -> bool:
        return self.bring_up.observe(snapshot(one, NO_USAGE) for one in manager.supervisor.processes.values())

    def _abort(self, number: signal.Signals) -> None:
        """Give up bringing up; while processes end, kill what is left."""
        self._aborted_by = self._aborted_by or number
        if self._manager:
            self._manager.shutdown()


@contextlib.asynccontextmanager
async def running(manager: Manager) -> AsyncIterator[None]:
    """Run the manager for as long as the body lasts, and wait until all processes have ended."""
    task = asyncio.create_task(manager.run())
    await asyncio.sleep(0)  # it has started what autostarts
    try:
        yield
    finally:
        manager.shutdown()
        await task
