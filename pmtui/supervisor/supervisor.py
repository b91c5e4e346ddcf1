"""All processes together: their order, what is asked of them, and what changes.

The engine without the answers: `manager.py` adds what a front can ask.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from pmtui.config.load import Loaded
from pmtui.config.model import ProcessConfig, Settings
from pmtui.control import Changes, Event, NotFoundError, Operation, Reason, Status, UnavailableError
from pmtui.logs.capture.pipe_reader import Pump
from pmtui.logs.process_log import Echo
from pmtui.logs.store import LogStore
from pmtui.monitors.registry import Attendants
from pmtui.spawner.client import Spawner
from pmtui.spawner.process_tree import RUNS
from pmtui.spawner.runs import Runs
from pmtui.spawner.usage import Sampler
from pmtui.supervisor import events
from pmtui.supervisor.dependencies import levels, needed_by, obstacle
from pmtui.supervisor.event_log import Journal
from pmtui.supervisor.launch import Prepared, prepare
from pmtui.supervisor.process import Process
from pmtui.supervisor.reload import NEEDS_RESTART, Source, digest
from pmtui.supervisor.snapshot import describe
from pmtui.supervisor.state_machine import RESTING
from pmtui.text.timestamps import now_ms, rfc3339

LAST_RESORT = 3.0
"""Seconds from the order to kill everything until the guardian, which should have done it, is killed itself."""
GONE = frozenset(RESTING)
ASKED: dict[Operation, events.Event] = {
    "start": events.Start(),
    "stop": events.Stop(),
    "restart": events.Restart(),
}


class Supervisor:
    """Supervises processes on the running loop; `run` is its life.

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
        if self._running and not self._leaving.is_set():
            self._attendants.arrange()
            if config.autostart:
                process.feed(events.Start())

    def adopt(self, source: Source) -> None:
        """Registers what the source has, and keeps to it when it is to be read again."""
        self.source = source
        for config in source.loaded.processes:
            self.register(config)

    def connect(self) -> None:
        """Binds the manager to the running loop; `run` does it where nobody has. OSError where it gets no thread."""
        self._loop = asyncio.get_running_loop()
        self.logs_kept.start()
        self._pump = Pump(self._loop, self.logs_kept.floods)
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

    async def left(self) -> None:
        """Returns when it has been asked to leave."""
        await self._leaving.wait()

    async def spawned(self) -> None:
        """Returns when no process waits for the first instruction of its first run."""
        await self._until(lambda: not any(process.is_spawned_first for process in reversed(self.processes.values())))

    async def _end(self) -> None:
        self._leaving.set()
        for level in levels({process.id: process.config for process in self.processes.values()}):
            ending = [self.processes[process_id] for process_id in level]
            for process in ending:
                if process.state.should_run:  # a second request would be one step towards SIGKILL
                    process.feed(events.Stop())
            await self._until_gone(ending)
        await self._attendants.close()
        self._stats.stop()
        self._pump.close()
        await self.spawner.close()
        await asyncio.to_thread(self.logs_kept.close)

    # the config

    def _carry_out(self, changes: Changes, loaded: Loaded) -> None:
        """Makes the running set what the config says; what has not changed is not touched."""
        assert self.source
        self.source = msgspec.structs.replace(self.source, loaded=loaded)
        self.settings = msgspec.structs.replace(
            loaded.settings, **{name: getattr(self.settings, name) for name in NEEDS_RESTART}
        )
        configs = {config.id: config for config in loaded.processes}
        self._successors = {name: configs[name] for name in self._successors if name in configs}
        for process_id in changes.removed:
            del self._digests[process_id]
            self.processes[process_id].feed(events.Remove())
        for process_id in changes.changed:
            self._digests[process_id] = digest(configs[process_id], self.settings)
            self.processes[process_id].reconfigure(configs[process_id])
            self.logs_kept.open(process_id, configs[process_id].log)
            self.processes[process_id].feed(events.Apply())
        for process_id in changes.added:
            if process_id in self.processes:  # removed before, and not gone yet
                self._successors[process_id] = configs[process_id]
            else:
                self.register(configs[process_id])
        self._put_in_order()
        self._attendants.arrange()

    def _put_in_order(self) -> None:
        """The order of the config; what it does not have comes last."""
        order = {config.id: place for place, config in enumerate(self.source.loaded.processes if self.source else ())}
        self.processes = dict(sorted(self.processes.items(), key=lambda item: order.get(item[0], len(order))))

    def _bury(self, process: Process) -> None:
        del self.processes[process.id]
        self._attendants.arrange()
        if successor := self._successors.pop(process.id, None):
            self.register(successor)
            self._put_in_order()
        else:
            self.logs_kept.drop(process.id)

    # what is asked

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
        self._accept()
        if operation != "stop":
            self._start_needed(ids)
        for process in processes:
            process.feed(ASKED[operation])

    def _accept(self) -> None:
        """Raises UnavailableError where nothing can be asked any more."""
        if self._leaving.is_set() or not self._running:
            raise UnavailableError("The manager is not running, or on its way out.")

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
        if process.status is not Status.WAITING:  # a start that nothing hinders waits for no time
            self._tell(process)
        if not self._changed:
            self._loop.call_soon(self._publish)
        self._changed[process.id] = process

    # what is told

    def _publish(self) -> None:
        changed, self._changed = self._changed, {}
        for process in changed.values():
            self._attendants.look(process)
            self._tell(process)
            if process.state.removed and self.processes.get(process.id) is process:
                self._bury(process)
        for process in [*self.processes.values()]:
            if process.config.depends_on and process.status is Status.WAITING:
                self.look_for_dependencies(process)
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _tell(self, process: Process) -> None:
        told, state = process.told, process.state
        if (told.status, told.generation) == (state.status, state.generation) or state.is_settling:
            return
        event = Event(
            seq=self._journal.last + 1,
            id=process.id,
            from_=told.status,
            to=process.status,
            reason=describe(process),
            time=rfc3339(now_ms()),
        )
        process.told = state
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
