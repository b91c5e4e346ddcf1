"""The manager: the supervisor, and the answers to all that a front can ask of it."""

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Unpack

import msgspec

from pmtui.config.load import Loaded
from pmtui.control import (
    ConfigChanges,
    ConflictError,
    Detail,
    Graph,
    InvalidError,
    LogFileInfo,
    LogLine,
    LogQuery,
    LogStream,
    ManagerInfo,
    NotFoundError,
    Operation,
    ProcessCounters,
    ProcessEvent,
    Reason,
    Result,
    Snapshot,
    Status,
)
from pmtui.logs import access
from pmtui.spawner.usage import NO_USAGE, Usage
from pmtui.supervisor import events
from pmtui.supervisor.graph import build_graph
from pmtui.supervisor.process import Process
from pmtui.supervisor.reload import diff
from pmtui.supervisor.snapshot import detail, snapshot
from pmtui.supervisor.supervisor import Supervisor
from pmtui.text.timestamps import rfc3339
from pmtui.text.units import signal_number
from pmtui.version import __version__


class Manager(Supervisor):
    """Runs and watches processes: implements `Control`, `Console` and `Service` for its loop's own thread."""

    # Control

    async def list(self) -> Sequence[Snapshot]:
        await self._sampler.refresh(process.run for process in self.processes.values() if process.pid)
        return [snapshot(process, self._usage(process)) for process in self.processes.values()]

    async def get(self, process_id: str) -> Detail:
        process = self.find(process_id)
        await self._sampler.refresh([process.run] if process.pid else [])
        return detail(process, self._usage(process))

    async def start(self, process_id: str) -> None:
        self.request("start", [process_id])

    async def stop(self, process_id: str) -> None:
        self.request("stop", [process_id])

    async def restart(self, process_id: str) -> None:
        self.request("restart", [process_id])

    async def wait(self, process_id: str, statuses: frozenset[Status]) -> Snapshot:
        process = self.find(process_id)
        await self.wait_until(lambda: process.status in statuses or process.state.removed)
        return snapshot(process, self._usage(process))

    async def signal(self, process_id: str, name: str) -> None:
        process = self.find(process_id)
        try:
            number = signal_number(name)
        except ValueError as error:
            raise InvalidError(str(error)) from None
        if not process.state.is_alive:
            raise ConflictError(f"Process '{process_id}' is not running.")
        process.signal(number)

    async def bulk(self, operation: Operation, patterns: Sequence[str]) -> Sequence[Result]:
        chosen = self.matching(patterns)
        self.request(operation, [process_id for process_id, matched in chosen.items() if matched])
        if operation == "stop":
            stopping = [self.processes[process_id] for process_id, matched in chosen.items() if matched]
            await self.wait_inactive(stopping)
        return [
            Result(id=process_id, ok=matched, message="" if matched else f"No process matches '{process_id}'.")
            for process_id, matched in chosen.items()
        ]

    async def logs(self, process_id: str, **query: Unpack[LogQuery]) -> Sequence[LogLine]:
        return await access.last_lines([self.find(process_id).log], query)

    def events(self) -> AsyncGenerator[ProcessEvent, None]:
        return self._event_log.subscribe()

    # Console

    async def kill(self, process_id: str) -> None:
        self.find(process_id).handle(events.Kill())

    async def history(self, process_id: str) -> Sequence[ProcessEvent]:
        return [*self.find(process_id).events]

    async def clear_logs(self, process_id: str) -> None:
        self.find(process_id).log.clear()

    async def reveal(self, process_id: str, name: str) -> str:
        prepared = self.find(process_id).prepared
        if prepared is None or name not in prepared.launch.env:
            raise InvalidError(f"'{name}' is not in the environment of '{process_id}'.")
        return prepared.launch.env[name]

    async def preview(self) -> ConfigChanges:
        return diff(self._fingerprints, self.settings, await self._reread_config())

    async def reload(self) -> ConfigChanges:
        async with self._reloading:  # what was read first must not be carried out last
            loaded = await self._reread_config()
            self.require_running()
            changes = diff(self._fingerprints, self.settings, loaded)
            if changes.errors:
                assert self.source
                old = msgspec.structs.replace(self.source.loaded, problems=loaded.problems)
                self.source = msgspec.structs.replace(self.source, loaded=old)
            else:
                self.apply_changes(changes, loaded)
            return changes

    async def about(self) -> ManagerInfo:
        source = self.source
        loaded = source.loaded if source else Loaded()
        return ManagerInfo(
            version=__version__,
            pid=os.getpid(),
            start_time=rfc3339(self.started_at),
            url=source.url if source else None,
            config=str(loaded.path) if loaded.path else None,
            searched=[*source.searched] if source else [],
            errors=[str(problem) for problem in loaded.errors],
        )

    # Service

    async def follow_logs(
        self, patterns: Sequence[str], after: Mapping[str, int] | None = None, **query: Unpack[LogQuery]
    ) -> LogStream:
        chosen = self.matching(patterns)
        for name, matched in chosen.items():
            if not matched:
                raise NotFoundError(f"No process matches '{name}'.")
        return await access.follow_lines([self.processes[name].log for name in chosen], query, after or {})

    async def log_files(self, process_id: str) -> Sequence[LogFileInfo]:
        return await access.list_files(self.find(process_id).log)

    async def last_event(self) -> int:
        return self._event_log.last

    def replay(self, after: int) -> AsyncGenerator[ProcessEvent, None]:
        return self._event_log.subscribe(after)

    async def graph(self) -> Graph:
        return build_graph(self.processes)

    async def figures(self) -> Sequence[ProcessCounters]:
        return [
            ProcessCounters(
                id=process.id,
                restarts={reason: self._restarts[process.id, reason] for reason in Reason},
                log_bytes=process.log.bytes_written,
                log_bytes_dropped=process.log.dropped_bytes,
                probe=process.probes[-1] if process.probes else None,
            )
            for process in self.processes.values()
        ]

    async def _reread_config(self) -> Loaded:
        if self.source is None:
            raise ConflictError("There is no config to read again: the processes were registered by a program.")
        return await asyncio.to_thread(self.source.read)

    def _usage(self, process: Process) -> Usage:
        return self._sampler.usage_of(process.run) if process.pid else NO_USAGE
