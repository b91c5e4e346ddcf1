"""Run the `stopCommand` of a process that is to end, before its stop signal is sent."""

import asyncio
import logging

from pmtui.config.interpreter import split_command
from pmtui.config.model import ConfigError, ProcessConfig
from pmtui.config.secrets import redact
from pmtui.monitors.helper import HelperProcess, run_helper
from pmtui.monitors.monitor import Monitor
from pmtui.supervisor import events
from pmtui.supervisor.launch import prepare_helper
from pmtui.supervisor.process import Process
from pmtui.supervisor.supervisor import Supervisor

logger = logging.getLogger(__name__)


class StopCommands(Monitor):
    """Runs each command until it ends, or until the process no longer waits for it; its output goes to the log."""

    def __init__(self, supervisor: Supervisor) -> None:
        super().__init__(supervisor)
        supervisor.run_stop_command = self.start
        self._active: dict[str, asyncio.Task[None]] = {}

    def start(self, process: Process) -> None:
        self._active[process.id] = asyncio.create_task(self._run(process), name=f"stopCommand of {process.id}")

    def process_changed(self, process: Process) -> None:
        if not process.state.in_stop_command and (task := self._active.get(process.id)):
            task.cancel("" if process.state.killed else f"killed after {process.config.stop_timeout:g} s")

    async def _run(self, process: Process) -> None:
        generation, task = process.state.generation, asyncio.current_task()
        try:
            error = await self._result(process)
        except (ConfigError, OSError, ValueError) as failure:
            error = str(failure)
        except asyncio.CancelledError as cancellation:
            error = str(cancellation)  # by now the process may have been killed
        if self._active.get(process.id) is task:
            del self._active[process.id]
        if error:
            logger.warning("stopCommand of %s: %s", process.id, error)
        process.handle(events.StopCommandEnded(generation))

    async def _result(self, process: Process) -> str:
        """Return what went wrong, "" if nothing did."""
        argv, supervisor = stop_argv(process.config), self.supervisor
        config = supervisor.addresses.bound(process)
        launch = prepare_helper(config, supervisor.settings, supervisor.environment, "stop", argv)
        sinks = process.log.sink("stdout"), process.log.sink("stderr")
        result = await run_helper(HelperProcess(supervisor.spawner, supervisor.pipe_reader, launch, *sinks))
        return redact(": ".join([result.error, *result.lines[-1:]]), launch.env) if result.error else ""


def stop_argv(config: ProcessConfig) -> list[str]:
    """Raises ConfigError if the words of a string cannot be told apart."""
    command = config.stop_command
    if isinstance(command, str):
        return ["/bin/sh", "-c", command] if config.shell else split_command(command)
    return command or []
