"""All processes together: their order, the operations on them, and what is told about them."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Unpack

import msgspec

from pmtui import __version__
from pmtui.config.load import Loaded
from pmtui.config.model import ProcessConfig, Settings
from pmtui.control import (
    About,
    Changes,
    ConflictError,
    Detail,
    Event,
    Figures,
    Following,
    Graph,
    InvalidError,
    LogFile,
    LogLine,
    LogQuery,
    NotFoundError,
    Operation,
    Reason,
    Result,
    Snapshot,
    Status,
    UnavailableError,
)
from pmtui.logs.clock import now_ms, rfc3339
from pmtui.logs.process import Echo
from pmtui.logs.pump import Pump
from pmtui.logs.store import LogStore
from pmtui.spawner.client import Spawner
from pmtui.spawner.tree import RUNS
from pmtui.stats import NOTHING, Sampler, Usage
from pmtui.supervise import events, reading
from pmtui.supervise.attendants import Attendants
from pmtui.supervise.dependencies import levels, needed_by, obstacle
from pmtui.supervise.graph import graph
from pmtui.supervise.journal import Journal
from pmtui.supervise.launch import Prepared, prepare
from pmtui.supervise.process import Process
from pmtui.supervise.reload import NEEDS_RESTART, Source, compare, digest
from pmtui.supervise.runs import Runs
from pmtui.supervise.signals import signal_number
from pmtui.supervise.snapshot import describe, detail, snapshot
from pmtui.supervise.states import RESTING

LAST_RESORT = 3.0
"""Seconds from the order to kill everything until the guardian, which should have done it, is killed itself."""
GONE = frozenset(RESTING)
ASKED: dict[Operation, events.Event] = {
    "start": events.Start(),
    "stop": events.Stop(),
    "restart": events.Restart(),
}


class Manager:
    """Supervises processes on the running loop; `run` is its life. Implements `Control` for that loop's own thread.

    `folder` is where logs go (None: memory alone), `alarm` is told what people should know, `echo` gets all output.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        folder: Path | None = None,
        alarm: Callable[[str], None] = lambda text: None,
        echo: Echo | None = None,
        spawner: Spawner | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.spawner = spawner or Spawner()
        self.alarm = alarm
        self.processes: dict[str, Process] = {}
        self.source: Source | None = None
        self.started_at = now_ms()
        self.logs_kept = LogStore(folder, alarm, echo)
        self._stats = Sampler(self.spawner.base)
        self.environment = dict(os.environ)
        self._runs = Runs(self.spawner)
        self._changed: dict[str, Process] = {}
        self._digests: dict[str, str] = {}
        self._successors: dict[str, ProcessConfig] = {}
        self._warned: set[tuple[str, str]] = set()
        self._journal = Journal()
        self._restarts: Counter[tuple[str, Reason]] = Counter()
        self._waiters: set[asyncio.Future[None]] = set()
        self._leaving = asyncio.Event()
        self._reloading = asyncio.Lock()
        self._running = False

    def register(self, config: ProcessConfig) -> None:
        """Adds a process; it starts with `run`, or at once where that is under way. ValueError for a known id."""
        if config.id in self.processes:
            raise ValueError(f"process '{config.id}' is registered already")
        if not config.cwd:
            config = msgspec.structs.replace(config, cwd=os.getcwd())
        process = Process(config, self.logs_kept.open(config.id, config.log), self)
        self.processes[config.id] = process
        self._digests[config.id] = digest(config, self.settings)
        if self._running:
            self._attendants.arrange()
            if config.autostart:
                process.feed(events.Start())

    def adopt(self, source: Source) -> None:
        """Registers what the source has, and keeps to it when it is to be read again."""
        self.source = source
        for config in source.loaded.processes:
            self.register(config)

    def connect(self) -> None:
        """Binds the manager to the running loop; `run` does it where nobody has."""
        self._loop = asyncio.get_running_loop()
        self._pump = Pump(self._loop)
        self._attendants = Attendants(self, self._runs, self._pump, self._stats)
        self.spawner.connect(self._runs.report, self.alarm)

    async def run(self) -> None:
        """Starts what is to start by itself, and returns after `leave`, or its cancellation, when all is gone."""
        if not hasattr(self, "_loop"):
            self.connect()
        self._running = True
        self._attendants.arrange()
        if not self._leaving.is_set():
            self._start_all([process.id for process in self.processes.values() if process.config.autostart])
        try:
            await self._leaving.wait()
        finally:
            await self._end()

    def leave(self) -> None:
        """Ends everything in order, and then `run`; a second call does not wait for anybody's last wish."""
        if self._leaving.is_set() and self._running:
            for process in self.processes.values():
                process.feed(events.Kill())
            self._loop.call_later(LAST_RESORT, self.spawner.break_guardian)
        self._leaving.set()

    async def spawned(self) -> None:
        """Returns when no process is between its start and its first instruction."""
        await self._until(lambda: all(process.stage != "spawning" for process in self.processes.values()))

    async def _end(self) -> None:
        self._leaving.set()
        for level in levels({process.id: process.config for process in self.processes.values()}):
            ending = [self.processes[process_id] for process_id in level]
            for process in ending:
                process.feed(events.Stop())
            await self._until_gone(ending)
        await self._attendants.close()
        self._stats.stop()
        self._pump.close()
        await self.spawner.close()
        await asyncio.to_thread(self.logs_kept.close)

    # Control

    async def list(self) -> Sequence[Snapshot]:
        await self._stats.refresh(process.run for process in self.processes.values() if process.pid)
        return [snapshot(process, self._usage(process)) for process in self.processes.values()]

    async def get(self, process_id: str) -> Detail:
        process = self._find(process_id)
        await self._stats.refresh([process.run] if process.pid else [])
        return detail(process, self._usage(process))

    async def start(self, process_id: str) -> None:
        self._ask("start", [process_id])

    async def stop(self, process_id: str) -> None:
        self._ask("stop", [process_id])

    async def restart(self, process_id: str) -> None:
        self._ask("restart", [process_id])

    async def wait(self, process_id: str, statuses: frozenset[Status]) -> Snapshot:
        process = self._find(process_id)
        await self._until(lambda: process.status in statuses or process.state.removed)
        return snapshot(process, self._usage(process))

    async def signal(self, process_id: str, name: str) -> None:
        process = self._find(process_id)
        try:
            number = signal_number(name)
        except ValueError as error:
            raise InvalidError(str(error)) from None
        if not process.state.is_alive:
            raise ConflictError(f"Process '{process_id}' is not running.")
        process.signal(number)

    async def bulk(self, operation: Operation, patterns: Sequence[str]) -> Sequence[Result]:
        chosen = self._matching(patterns)
        self._ask(operation, [process_id for process_id, matched in chosen.items() if matched])
        if operation == "stop":
            stopping = [self.processes[process_id] for process_id, matched in chosen.items() if matched]
            await self._until_gone(stopping)
        return [
            Result(id=process_id, ok=matched, message="" if matched else f"No process matches '{process_id}'.")
            for process_id, matched in chosen.items()
        ]

    async def logs(self, process_id: str, **query: Unpack[LogQuery]) -> Sequence[LogLine]:
        return await reading.last_lines([self._find(process_id).log], query)

    def events(self) -> AsyncGenerator[Event, None]:
        return self._journal.read()

    # Console

    async def kill(self, process_id: str) -> None:
        self._find(process_id).feed(events.Kill())

    async def history(self, process_id: str) -> Sequence[Event]:
        return [*self._find(process_id).events]

    async def clear_logs(self, process_id: str) -> None:
        self._find(process_id).log.clear()

    async def reveal(self, process_id: str, name: str) -> str:
        prepared = self._find(process_id).prepared
        if prepared is None or name not in prepared.launch.env:
            raise InvalidError(f"'{name}' is not in the environment of '{process_id}'.")
        return prepared.launch.env[name]

    async def preview(self) -> Changes:
        return compare(self._digests, self.settings, await self._read_again())

    async def reload(self) -> Changes:
        async with self._reloading:  # what was read first must not be carried out last
            loaded = await self._read_again()
            changes = compare(self._digests, self.settings, loaded)
            if changes.errors:
                assert self.source
                old = msgspec.structs.replace(self.source.loaded, problems=loaded.problems)
                self.source = msgspec.structs.replace(self.source, loaded=old)
            else:
                self._carry_out(changes, loaded)
            return changes

    async def about(self) -> About:
        source = self.source
        loaded = source.loaded if source else Loaded()
        return About(
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
    ) -> Following:
        chosen = self._matching(patterns)
        for name, matched in chosen.items():
            if not matched:
                raise NotFoundError(f"No process matches '{name}'.")
        return await reading.following([self.processes[name].log for name in chosen], query, after or {})

    async def log_files(self, process_id: str) -> Sequence[LogFile]:
        return await reading.files_of(self._find(process_id).log)

    async def last_event(self) -> int:
        return self._journal.last

    def replay(self, after: int) -> AsyncGenerator[Event, None]:
        return self._journal.read(after)

    async def graph(self) -> Graph:
        return graph(self.processes)

    async def figures(self) -> Sequence[Figures]:
        return [
            Figures(
                id=process.id,
                restarts={reason: self._restarts[process.id, reason] for reason in Reason},
                log_bytes=process.log.bytes_written,
                log_bytes_dropped=process.log.dropped_bytes,
                probe=process.probes[-1] if process.probes else None,
            )
            for process in self.processes.values()
        ]

    async def _read_again(self) -> Loaded:
        if self.source is None:
            raise ConflictError("There is no config to read again: the processes were registered by a program.")
        return await asyncio.to_thread(self.source.read)

    def _carry_out(self, changes: Changes, loaded: Loaded) -> None:
        """Makes the running set what the config says; what has not changed is not touched."""
        assert self.source
        self.source = msgspec.structs.replace(self.source, loaded=loaded)
        self.settings = msgspec.structs.replace(
            loaded.settings, **{name: getattr(self.settings, name) for name in NEEDS_RESTART}
        )
        configs = {config.id: config for config in loaded.processes}
        for process_id in changes.removed:
            del self._digests[process_id]
            self.processes[process_id].feed(events.Remove())
        for process_id in changes.changed:
            self._digests[process_id] = digest(configs[process_id], self.settings)
            self.processes[process_id].reconfigure(configs[process_id])
            self.processes[process_id].feed(events.Apply())
        for process_id in changes.added:
            if process_id in self.processes:  # removed before, and not gone yet
                self._successors[process_id] = configs[process_id]
            else:
                self.register(configs[process_id])
        order = {process_id: place for place, process_id in enumerate(configs)}
        self.processes = dict(sorted(self.processes.items(), key=lambda item: order.get(item[0], len(order))))
        self._attendants.arrange()

    def _bury(self, process: Process) -> None:
        del self.processes[process.id]
        self._attendants.arrange()
        if successor := self._successors.pop(process.id, None):
            self.register(successor)

    def _find(self, process_id: str) -> Process:
        try:
            return self.processes[process_id]
        except KeyError:
            raise NotFoundError(f"Process '{process_id}' not found.") from None

    def _matching(self, patterns: Iterable[str]) -> dict[str, bool]:
        """The ids that the patterns mean, in config order, and the patterns that mean none."""
        found: dict[str, bool] = {}
        for pattern in patterns:
            ids = [process.id for process in self.processes.values() if is_meant(process.config, pattern)]
            found |= dict.fromkeys(ids, True) if ids else {pattern: False}
        return found

    def _ask(self, operation: Operation, ids: Sequence[str]) -> None:
        processes = [self._find(process_id) for process_id in ids]
        if self._leaving.is_set() or not self._running:
            raise UnavailableError("The manager is not running, or on its way out.")
        if operation != "stop":
            self._start_needed(ids)
        for process in processes:
            process.feed(ASKED[operation])

    def _start_needed(self, ids: Iterable[str]) -> None:
        """What is to start takes along what it depends on."""
        configs = {process.id: process.config for process in self.processes.values()}
        for process_id in ids:
            for needed in needed_by(process_id, configs):
                self.processes[needed].feed(events.Start())

    def _start_all(self, ids: Sequence[str]) -> None:
        self._start_needed(ids)
        for process_id in ids:
            self.processes[process_id].feed(events.Start())

    def _usage(self, process: Process) -> Usage:
        return self._stats.of(process.run) if process.pid else NOTHING

    # what the processes need

    def prepare(self, process: Process) -> tuple[int, Prepared]:
        if process.state.started_for:
            self._restarts[process.id, process.state.started_for] += 1
        run = self._runs.number()
        name = f"{self.spawner.base // RUNS:x}-{run}"
        prepared = prepare(process.config, self.settings, self.environment, name)
        for warning in filter(None, [*prepared.warnings, prepared.hint]):
            if (process.id, warning) not in self._warned:
                self._warned.add((process.id, warning))
                self.alarm(f"{process.id}: {warning}")
        self._runs.expect(run, process.report)
        return run, prepared

    def install(self, process: Process) -> None:
        self._attendants.install(process)

    def look_for_dependencies(self, process: Process) -> None:
        hindrance = obstacle(process, self.processes)
        process.obstacle = hindrance.why if hindrance else ""
        if hindrance is None:
            process.feed(events.DependenciesMet())
        elif hindrance.forever:
            process.feed(events.DependenciesImpossible(hindrance.why))

    def follow(self, process: Process, stdout: int, stderr: int) -> None:
        self._pump.follow(stdout, process.log.sink("stdout"))
        self._pump.follow(stderr, process.log.sink("stderr"))

    def read_rest(self, outputs: Sequence[int], done: Callable[[], None]) -> None:
        self._pump.finish(outputs, done)

    def changed(self, process: Process) -> None:
        if not self._changed:
            self._loop.call_soon(self._publish)
        self._changed[process.id] = process

    # what is told

    def _publish(self) -> None:
        changed, self._changed = self._changed, {}
        for process in changed.values():
            self._attendants.look(process)
            if process.told is not process.status and not process.state.is_settling:
                self._tell(process)
            if process.state.removed and self.processes.get(process.id) is process:
                self._bury(process)
        for process in [*self.processes.values()]:
            if process.status is Status.WAITING and process.config.depends_on:
                self.look_for_dependencies(process)
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _tell(self, process: Process) -> None:
        event = Event(
            seq=self._journal.last + 1,
            id=process.id,
            from_=process.told,
            to=process.status,
            reason=describe(process),
            time=rfc3339(now_ms()),
        )
        process.told = process.status
        process.events.append(event)
        self._journal.add(event)

    async def _until_gone(self, processes: Sequence[Process]) -> None:
        await self._until(lambda: all(process.status in GONE for process in processes))

    async def _until(self, is_so: Callable[[], bool]) -> None:
        while not is_so():
            waiter = self._loop.create_future()
            self._waiters.add(waiter)
            try:
                await waiter
            finally:
                self._waiters.discard(waiter)


def is_meant(config: ProcessConfig, pattern: str) -> bool:
    """Whether the pattern, an id, a glob or `@group`, means the process."""
    return pattern == f"@{config.group}" if pattern.startswith("@") else fnmatchcase(config.id, pattern)
