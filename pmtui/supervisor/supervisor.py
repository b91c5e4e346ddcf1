"""All processes together: their order, what is asked of them, and what changes.

The engine without the answers: `manager.py` adds what a front can ask.
"""

import asyncio
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec

from pmtui.config.load import Loaded
from pmtui.config.model import ProcessConfig, Settings
from pmtui.control import (
    ConfigChanges,
    NotFoundError,
    Operation,
    ProcessEvent,
    Reason,
    Status,
    UnavailableError,
    matches,
)
from pmtui.logs.capture.pipe_reader import PipeReader
from pmtui.logs.process_log import Echo
from pmtui.logs.store import LogStore
from pmtui.monitors.registry import Monitors
from pmtui.spawner.client import Spawner
from pmtui.spawner.process_tree import MAX_RUNS
from pmtui.spawner.usage import UsageSampler
from pmtui.supervisor import events
from pmtui.supervisor.dependencies import find_blocker, stop_order, transitive_dependencies
from pmtui.supervisor.event_log import EventLog
from pmtui.supervisor.launch import PreparedLaunch, prepare
from pmtui.supervisor.process import Process
from pmtui.supervisor.reload import NEEDS_RESTART, ConfigSource, fingerprint
from pmtui.supervisor.snapshot import describe
from pmtui.supervisor.state_machine import INACTIVE_STATES
from pmtui.text.timestamps import now_ms, rfc3339

logger = logging.getLogger(__name__)
GUARDIAN_KILL_DELAY = 3.0
"""Seconds from the order to kill everything until the guardian, which should have done it, is killed itself."""
GONE = frozenset(INACTIVE_STATES)
OPERATION_EVENTS: dict[Operation, events.Event] = {
    "start": events.Start(),
    "stop": events.Stop(),
    "restart": events.Restart(),
}


class Supervisor:
    """Supervises processes on the running loop; `run` is its life.

    `folder` is where logs go (None: memory alone), `echo` gets all output. Warnings go to the `pmtui` logger.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        folder: Path | None = None,
        echo: Echo | None = None,
        spawner: Spawner | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.spawner = spawner or Spawner()
        self.processes: dict[str, Process] = {}
        self.source: ConfigSource | None = None
        self.started_at = now_ms()
        self.log_store = LogStore(folder, echo)
        self._sampler = UsageSampler(self.spawner.base)
        self.environment = dict(os.environ)
        self._changed: dict[str, Process] = {}
        self._fingerprints: dict[str, str] = {}
        self._successors: dict[str, ProcessConfig] = {}
        self._warned: set[tuple[str, str]] = set()
        self._event_log = EventLog()
        self._restarts: Counter[tuple[str, Reason]] = Counter()
        self._waiters: set[asyncio.Future[None]] = set()
        self._shutting_down = asyncio.Event()
        self._reloading = asyncio.Lock()
        self._running = False

    def register(self, config: ProcessConfig) -> None:
        """Adds a process; it starts with `run`, or at once where that is under way. ValueError for a known id."""
        if config.id in self.processes:
            raise ValueError(f"process '{config.id}' is registered already")
        if not config.cwd:
            config = msgspec.structs.replace(config, cwd=os.getcwd())
        process = Process(config, self.log_store.open(config.id, config.log), self)
        self.processes[config.id] = process
        self._fingerprints[config.id] = fingerprint(config, self.settings)
        if self._running and not self._shutting_down.is_set():
            self._monitors.processes_changed()
            if config.autostart:
                process.handle(events.Start())

    def load(self, source: ConfigSource) -> None:
        """Registers what the source has, and keeps to it when it is to be read again."""
        self.source = source
        for config in source.loaded.processes:
            self.register(config)

    def connect(self) -> None:
        """Binds the manager to the running loop; `run` does it where nobody has. OSError where it gets no thread."""
        self._loop = asyncio.get_running_loop()
        self.log_store.start()
        self._pipe_reader = PipeReader(self._loop, self.log_store.bulk_reader)
        self._monitors = Monitors(self, self.spawner, self._pipe_reader, self._sampler)
        self.spawner.connect()

    async def run(self) -> None:
        """Starts what is to start by itself, and returns after `leave`, or its cancellation, when all is gone."""
        if not hasattr(self, "_loop"):
            self.connect()
        self._running = True
        self._monitors.processes_changed()
        if not self._shutting_down.is_set():
            self._start_all([process.id for process in self.processes.values() if process.config.autostart])
        try:
            await self._shutting_down.wait()
        finally:
            await self._stop_all()

    def shutdown(self) -> None:
        """Ends everything in order, and then `run`; a second call does not wait for anybody's last wish."""
        if self._shutting_down.is_set() and self._running:
            for process in self.processes.values():
                process.handle(events.Kill())
            self._loop.call_later(GUARDIAN_KILL_DELAY, self.spawner.kill_guardian)
        self._shutting_down.set()

    async def wait_shutdown(self) -> None:
        """Returns when it has been asked to leave."""
        await self._shutting_down.wait()

    async def wait_spawned(self) -> None:
        """Returns when no process waits for the first instruction of its first run."""
        await self.wait_until(
            lambda: not any(process.is_first_spawn_pending for process in reversed(self.processes.values()))
        )

    async def _stop_all(self) -> None:
        self._shutting_down.set()
        for level in stop_order({process.id: process.config for process in self.processes.values()}):
            ending = [self.processes[process_id] for process_id in level]
            for process in ending:
                if process.state.should_run:  # a second request would be one step towards SIGKILL
                    process.handle(events.Stop())
            await self.wait_inactive(ending)
        await self._monitors.close()
        self._sampler.stop()
        self._pipe_reader.close()
        await self.spawner.close()
        await asyncio.to_thread(self.log_store.close)

    # the config

    def apply_changes(self, changes: ConfigChanges, loaded: Loaded) -> None:
        """Makes the running set what the config says; what has not changed is not touched."""
        assert self.source
        self.source = msgspec.structs.replace(self.source, loaded=loaded)
        self.settings = msgspec.structs.replace(
            loaded.settings, **{name: getattr(self.settings, name) for name in NEEDS_RESTART}
        )
        configs = {config.id: config for config in loaded.processes}
        self._successors = {name: configs[name] for name in self._successors if name in configs}
        for process_id in changes.removed:
            del self._fingerprints[process_id]
            self.processes[process_id].handle(events.Remove())
        for process_id in changes.changed:
            self._fingerprints[process_id] = fingerprint(configs[process_id], self.settings)
            self.processes[process_id].reconfigure(configs[process_id])
            self.log_store.open(process_id, configs[process_id].log)
            self.processes[process_id].handle(events.ConfigChanged())
        for process_id in changes.added:
            if process_id in self.processes:  # removed before, and not gone yet
                self._successors[process_id] = configs[process_id]
            else:
                self.register(configs[process_id])
        self._sort_processes()
        self._monitors.processes_changed()

    def _sort_processes(self) -> None:
        """The order of the config; what it does not have comes last."""
        order = {config.id: place for place, config in enumerate(self.source.loaded.processes if self.source else ())}
        self.processes = dict(sorted(self.processes.items(), key=lambda item: order.get(item[0], len(order))))

    def _remove(self, process: Process) -> None:
        del self.processes[process.id]
        self._monitors.processes_changed()
        if successor := self._successors.pop(process.id, None):
            self.register(successor)
            self._sort_processes()
        else:
            self.log_store.drop(process.id)

    # what is asked

    def find(self, process_id: str) -> Process:
        try:
            return self.processes[process_id]
        except KeyError:
            raise NotFoundError(f"Process '{process_id}' not found.") from None

    def matching(self, patterns: Iterable[str]) -> dict[str, bool]:
        """The ids that the patterns mean, in config order, and the patterns that mean none."""
        found: dict[str, bool] = {}
        for pattern in patterns:
            ids = [process.id for process in self.processes.values() if matches(process.config, pattern)]
            found |= dict.fromkeys(ids, True) if ids else {pattern: False}
        return found

    def request(self, operation: Operation, ids: Sequence[str]) -> None:
        processes = [self.find(process_id) for process_id in ids]
        self.require_running()
        if operation != "stop":
            self._start_dependencies(ids)
        for process in processes:
            process.handle(OPERATION_EVENTS[operation])

    def require_running(self) -> None:
        """Raises UnavailableError where nothing can be asked any more."""
        if self._shutting_down.is_set() or not self._running:
            raise UnavailableError("The manager is not running, or on its way out.")

    def _start_dependencies(self, ids: Iterable[str]) -> None:
        """What is to start takes along what it depends on."""
        configs = {process.id: process.config for process in self.processes.values()}
        for process_id in ids:
            for needed in transitive_dependencies(process_id, configs):
                self.processes[needed].handle(events.Start())

    def _start_all(self, ids: Sequence[str]) -> None:
        self._start_dependencies(ids)
        for process_id in ids:
            self.processes[process_id].handle(events.Start())

    # what the processes need

    def prepare(self, process: Process) -> tuple[int, PreparedLaunch]:
        if process.state.restart_reason:
            self._restarts[process.id, process.state.restart_reason] += 1
        run = self.spawner.new_run()
        name = f"{self.spawner.base // MAX_RUNS:x}-{run}"
        prepared = prepare(process.config, self.settings, self.environment, name)
        for warning in filter(None, [*prepared.warnings, prepared.hint]):
            if (process.id, warning) not in self._warned:
                self._warned.add((process.id, warning))
                logger.warning("%s: %s", process.id, warning)
        return run, prepared

    def install(self, process: Process) -> None:
        self._monitors.install(process)

    def check_dependencies(self, process: Process) -> None:
        hindrance = find_blocker(process, self.processes)
        process.blocked_by = hindrance.reason if hindrance else ""
        if hindrance is None:
            process.handle(events.DependenciesMet())
        elif hindrance.permanent:
            process.handle(events.DependenciesFailed(hindrance.reason))

    def follow(self, process: Process, stdout: int, stderr: int) -> None:
        self._pipe_reader.follow(stdout, process.log.sink("stdout"))
        self._pipe_reader.follow(stderr, process.log.sink("stderr"))

    def drain_output(self, outputs: Sequence[int], done: Callable[[], None]) -> None:
        self._pipe_reader.finish(outputs, done)

    def process_changed(self, process: Process) -> None:
        if process.status is not Status.WAITING:  # a start that nothing hinders waits for no time
            self._emit(process)
        if not self._changed:
            self._loop.call_soon(self._publish)
        self._changed[process.id] = process

    # what is told

    def _publish(self) -> None:
        changed, self._changed = self._changed, {}
        for process in changed.values():
            self._monitors.process_changed(process)
            self._emit(process)
            if process.state.removed and self.processes.get(process.id) is process:
                self._remove(process)
        for process in [*self.processes.values()]:
            if process.config.depends_on and process.status is Status.WAITING:
                self.check_dependencies(process)
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _emit(self, process: Process) -> None:
        told, state = process.last_published, process.state
        if (told.status, told.generation) == (state.status, state.generation) or state.is_cleaning_up:
            return
        event = ProcessEvent(
            seq=self._event_log.last + 1,
            id=process.id,
            from_=told.status,
            to=process.status,
            reason=describe(process),
            time=rfc3339(now_ms()),
        )
        process.last_published = state
        process.events.append(event)
        self._event_log.append(event)

    async def wait_inactive(self, processes: Sequence[Process]) -> None:
        await self.wait_until(lambda: all(process.status in GONE for process in processes))

    async def wait_until(self, is_so: Callable[[], bool]) -> None:
        while not is_so():
            waiter = self._loop.create_future()
            self._waiters.add(waiter)
            try:
                await waiter
            finally:
                self._waiters.discard(waiter)
