"""The manager: a supervisor, its monitors, and the answers to everything a front can ask."""

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, Unpack

from pmtui.config.load import Loaded
from pmtui.config.model import ProcessConfig, Settings
from pmtui.control import (
    INACTIVE_STATES,
    MAX_EVENTS,
    ConfigChanges,
    ConflictError,
    Detail,
    Graph,
    InvalidError,
    JobRun,
    LogFileInfo,
    LogLine,
    LogQuery,
    LogStream,
    ManagerInfo,
    NotFoundError,
    Operation,
    PageQuery,
    PastEvent,
    ProcessCounters,
    ProcessEvent,
    Reason,
    Result,
    Snapshot,
    Status,
    TerminalEvent,
    TerminalScreen,
    UsageHistory,
)
from pmtui.logs import access
from pmtui.logs.process_log import Echo
from pmtui.monitors.history import HistoryMonitor
from pmtui.monitors.leases import LeaseMonitor
from pmtui.monitors.monitor import Monitor
from pmtui.monitors.registry import MONITORS
from pmtui.spawner.client import Spawner
from pmtui.spawner.usage import NO_USAGE, Usage
from pmtui.supervisor import adhoc, events, terminal_requests
from pmtui.supervisor.dependencies import build_graph, dependents_to_run
from pmtui.supervisor.outcome import stop_note
from pmtui.supervisor.process import Process
from pmtui.supervisor.snapshot import detail, snapshot
from pmtui.supervisor.supervisor import Supervisor
from pmtui.text.timestamps import rfc3339
from pmtui.text.units import signal_number
from pmtui.version import __version__

M = TypeVar("M", bound=Monitor)


class Manager:
    """Implements `ManagerControl` on the loop that runs it.

    Without `log_directory` output is kept in memory only; `echo` receives all of it. Warnings go to the `pmtui` logger.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        log_directory: Path | None = None,
        echo: Echo | None = None,
        spawner: Spawner | None = None,
    ) -> None:
        self.supervisor = Supervisor(settings, log_directory=log_directory, echo=echo, spawner=spawner)
        self.host: str | None = None
        self._reloading = asyncio.Lock()
        self._located: tuple[Loaded, Mapping[str, Mapping[str, str]]] | None = None

    def register(self, config: ProcessConfig) -> None:
        """Add a process; it starts with `run`, or at once while that runs. Raises ValueError if the id is taken."""
        self.supervisor.register(config)

    def connect(self) -> None:
        """Bind to the running loop, unless `run` is to do it. Raises OSError if no thread can be started."""
        self.supervisor.connect()
        self.supervisor.observers = [monitor(self.supervisor) for monitor in MONITORS]

    async def run(self) -> None:
        """Run until `shutdown` or a cancellation; return once every process has ended."""
        if not self.supervisor.observers:
            self.connect()
        await self.supervisor.run()

    def shutdown(self) -> None:
        """End everything in order, and then `run`. A second call kills everything at once."""
        self.supervisor.shutdown()

    # Control

    async def list(self) -> Sequence[Snapshot]:
        await self.supervisor.sampler.refresh(one.run for one in self.supervisor.processes.values() if one.has_tree)
        return [snapshot(process, self._usage(process)) for process in self.supervisor.processes.values()]

    async def get(self, process_id: str) -> Detail:
        process = self.supervisor.find(process_id)
        await self.supervisor.sampler.refresh([process.run] if process.has_tree else [])
        required_by = dependents_to_run(self.supervisor.processes).get(process_id, [])
        return detail(process, self._usage(process), required_by, await self._origins(process))

    async def start(self, process_id: str) -> None:
        self.supervisor.request("start", [process_id])

    async def stop(self, process_id: str) -> None:
        self.supervisor.request("stop", [process_id])

    async def restart(self, process_id: str) -> None:
        self.supervisor.request("restart", [process_id])

    async def roll(self, process_id: str) -> None:
        self.supervisor.roll(process_id)

    async def kill(self, process_id: str) -> None:
        self.supervisor.find(process_id).handle(events.Kill())

    async def wait(self, process_id: str, statuses: frozenset[Status]) -> Snapshot:
        process = self.supervisor.find(process_id)
        final = statuses | INACTIVE_STATES
        await self.supervisor.wait_until(lambda: process.status in final or process.state.removed)
        return snapshot(process, self._usage(process))

    async def signal(self, process_id: str, name: str) -> None:
        process = self.supervisor.find(process_id)
        try:
            number = signal_number(name)
        except ValueError as error:
            raise InvalidError(str(error)) from None
        if not process.state.is_alive:
            raise ConflictError(f"Process '{process_id}' is not running.")
        process.signal(number)

    async def outcome(self, process_id: str, operation: Operation) -> Result:
        return await self.supervisor.outcome(operation, self.supervisor.find(process_id))

    async def bulk(
        self, operation: Operation, patterns: Sequence[str], *, wait: bool | None = None
    ) -> Sequence[Result]:
        selected = self.supervisor.matching(patterns)
        ids = [name for name, matched in selected.items() if matched]
        self.supervisor.request(operation, ids)
        processes = [self.supervisor.processes[process_id] for process_id in ids]
        dependents = dependents_to_run(self.supervisor.processes) if operation == "stop" else {}
        results = {name: Result(id=name, ok=False, message=f"No process matches '{name}'.") for name in selected}
        for process in processes:
            note = stop_note(process.id, dependents.get(process.id, ()))
            results[process.id] = Result(id=process.id, ok=True, message=note)
        for process in processes if (operation == "stop" if wait is None else wait) else ():
            result = await self.supervisor.outcome(operation, process)
            results[process.id] = results[process.id] if result.ok else result
        return [*results.values()]

    async def logs(self, process_id: str, **query: Unpack[PageQuery]) -> Sequence[LogLine]:
        return await access.last_lines([self.supervisor.find(process_id).log], query)

    async def past_events(
        self, process_id: str, since: str, until: str = "", limit: int = MAX_EVENTS
    ) -> Sequence[PastEvent]:
        return await self._monitor(HistoryMonitor).past_events(self.supervisor.find(process_id), since, until, limit)

    async def usage_history(
        self, process_id: str, since: str = "1h", until: str = "", points: int = 300
    ) -> UsageHistory:
        return await self._monitor(HistoryMonitor).usage(self.supervisor.find(process_id), since, until, points)

    async def clear_logs(self, process_id: str) -> None:
        self.supervisor.find(process_id).log.clear()

    def events(self) -> AsyncGenerator[ProcessEvent, None]:
        return self.supervisor.event_log.subscribe()

    async def history(self, process_id: str) -> Sequence[ProcessEvent]:
        return [*self.supervisor.find(process_id).events]

    async def runs(self, process_id: str) -> Sequence[JobRun]:
        return [*self.supervisor.find(process_id).job.runs][::-1]

    async def reveal(self, process_id: str, name: str) -> str:
        prepared = self.supervisor.find(process_id).prepared
        if prepared is None or name not in prepared.launch.env:
            raise InvalidError(f"'{name}' is not in the environment of '{process_id}'.")
        return prepared.launch.env[name]

    async def preview(self) -> ConfigChanges:
        return self.supervisor.diff(await self._reread_config())

    async def reload(self) -> ConfigChanges:
        async with self._reloading:  # a config read earlier must not be applied later
            return self.supervisor.reload(await self._reread_config())

    async def about(self) -> ManagerInfo:
        source = self.supervisor.source
        loaded = source.loaded if source else Loaded()
        return ManagerInfo(
            version=__version__,
            pid=os.getpid(),
            start_time=rfc3339(self.supervisor.started_at),
            url=source.url if source else None,
            config=str(loaded.path) if loaded.path else None,
            searched=[*source.searched] if source else [],
            errors=[problem.located for problem in loaded.errors],
            host=self.host,
        )

    async def graph(self) -> Graph:
        return build_graph(self.supervisor.processes)

    async def send_input(
        self,
        process_id: str,
        data: bytes,
        *,
        end: bool = False,
        viewer: str | None = None,
        is_answer: bool = False,
    ) -> None:
        await terminal_requests.send_input(self.supervisor.find(process_id), data, end, viewer, is_answer)

    async def resize(self, process_id: str, columns: int, rows: int, viewer: str | None = None) -> None:
        terminal_requests.resize(self.supervisor.find(process_id), columns, rows, viewer)

    async def terminal(self, process_id: str, viewer: str) -> AsyncGenerator[TerminalEvent, None]:
        return terminal_requests.view(self.supervisor.find(process_id), viewer)

    # ManagerControl

    async def screen(self, process_id: str) -> tuple[TerminalScreen, Sequence[str]]:
        return await terminal_requests.screen(self.supervisor.find(process_id))

    async def follow_logs(
        self, patterns: Sequence[str], after: Mapping[str, int] | None = None, **query: Unpack[LogQuery]
    ) -> LogStream:
        selected = self.supervisor.matching(patterns)
        for name, matched in selected.items():
            if not matched:
                raise NotFoundError(f"No process matches '{name}'.")
        logs = [self.supervisor.processes[name].log for name in selected]
        return await access.follow_lines(logs, query, after or {})

    async def log_files(self, process_id: str) -> Sequence[LogFileInfo]:
        return await access.list_files(self.supervisor.find(process_id).log)

    async def last_event(self) -> int:
        return self.supervisor.event_log.last

    def replay(self, after: int) -> AsyncGenerator[ProcessEvent, None]:
        return self.supervisor.event_log.subscribe(after)

    async def figures(self) -> Sequence[ProcessCounters]:
        return [
            ProcessCounters(
                id=process.id,
                restarts={reason: self.supervisor.launcher.restarts[process.id, reason] for reason in Reason},
                log_bytes=process.log.bytes_written,
                log_bytes_dropped=process.log.dropped_bytes,
                probe=process.probes[-1] if process.probes else None,
            )
            for process in self.supervisor.processes.values()
        ]

    async def add(self, fields: Mapping[str, Any], lease: int | str | None = None) -> str:
        def register() -> Process:
            return adhoc.add(self.supervisor, fields)

        return (register() if lease is None else self._monitor(LeaseMonitor).grant(lease, register)).id

    async def remove(self, process_id: str) -> None:
        await adhoc.remove(self.supervisor, process_id)

    async def renew(self, process_id: str) -> None:
        self._monitor(LeaseMonitor).renew(adhoc.require_adhoc(self.supervisor, process_id))

    def _monitor(self, kind: type[M]) -> M:
        return next(one for one in self.supervisor.observers if isinstance(one, kind))

    async def _reread_config(self) -> Loaded:
        if self.supervisor.source is None:
            raise ConflictError("There is no config to reload: the processes were registered by a program.")
        loaded = await asyncio.to_thread(self.supervisor.source.read)
        return adhoc.refuse_taken(loaded, self.supervisor.processes.values())

    async def _origins(self, process: Process) -> Mapping[str, str]:
        """Return where the fields of the process are written; looked up once for each config that was loaded."""
        source = self.supervisor.source
        if source is None:
            return {}
        if self._located is None or self._located[0] is not source.loaded:
            self._located = source.loaded, await asyncio.to_thread(source.origins)
        config = process.config
        name = config.id.removesuffix(f"-{config.instance}") if config.instance else config.id
        return self._located[1].get(name, {})

    def run_name(self, process_id: str) -> str:
        """PMTUI_RUN of the process's last run; empty if there was none. For any thread."""
        process = self.supervisor.processes.get(process_id)
        return process.prepared.launch.env.get("PMTUI_RUN", "") if process and process.prepared else ""

    def _usage(self, process: Process) -> Usage:
        return self.supervisor.sampler.usage_of(process.run) if process.has_tree else NO_USAGE
