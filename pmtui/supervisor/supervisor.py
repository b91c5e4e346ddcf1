"""All processes together: what is asked of them, how they depend on each other, and the events of their changes."""

import asyncio
import logging
import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pmtui.config.load import Loaded
from pmtui.config.model import ProcessConfig, Settings
from pmtui.config.parsing.policies import awaited_ends, default_restart
from pmtui.config.rolling import rolling_obstacle
from pmtui.config.sockets import owner_of
from pmtui.control import (
    INACTIVE_STATES,
    Alarm,
    ConfigChanges,
    ConflictError,
    NotFoundError,
    Operation,
    Origin,
    Requester,
    Result,
    Status,
    UnavailableError,
    matches,
)
from pmtui.logs.capture.output_feed import FeedSink
from pmtui.logs.capture.pipe_reader import PipeReader
from pmtui.logs.process_log import STREAMS, Echo
from pmtui.logs.store import LogStore
from pmtui.spawner.client import Spawner
from pmtui.spawner.usage import UsageSampler
from pmtui.supervisor import events
from pmtui.supervisor.addresses import Addresses
from pmtui.supervisor.dependencies import find_blocker, start_dependencies, start_new_dependencies, stop_order
from pmtui.supervisor.event_log import EventLog
from pmtui.supervisor.launcher import Launcher
from pmtui.supervisor.outcome import is_over, result_of
from pmtui.supervisor.process import Process
from pmtui.supervisor.reload import NEEDS_RESTART, ConfigSource, diff, fingerprint
from pmtui.supervisor.run import Run
from pmtui.text.timestamps import now_ms

if TYPE_CHECKING:
    from pmtui.supervisor.observer import Observer

logger = logging.getLogger(__name__)
GUARDIAN_KILL_DELAY = 3.0
"""Seconds the guardian has to kill everything before it is killed itself."""
OPERATION_EVENTS: dict[Operation, events.Event] = {
    "start": events.Start(),
    "stop": events.Stop(),
    "restart": events.Restart(),
}
AUTOSTART = events.Start(Requester.CONFIG)


class Supervisor:
    """Runs processes on the current event loop: `connect`, give it `observers`, then `run` until `shutdown`.

    Without `log_directory` output is kept in memory only; `echo` receives all of it.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        log_directory: Path | None = None,
        echo: Echo | None = None,
        spawner: Spawner | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.spawner = spawner or Spawner()
        self.sampler = UsageSampler(self.spawner.base)
        self.logs = LogStore(log_directory, echo)
        self.addresses = Addresses(Path(self.settings.data_dir), lambda: self.processes)
        self.environment = dict(os.environ)
        self.launcher = Launcher(self.spawner, self.addresses, self.environment, lambda: self.settings)
        self.started_at = now_ms()
        self.processes: dict[str, Process] = {}
        self.source: ConfigSource | None = None
        self.event_log = EventLog()
        self.observers: Sequence[Observer] = ()
        self.install: Callable[[Process], None] = lambda process: process.execute(process.state.generation)
        self.run_stop_command: Callable[[Process], None] = lambda process: process.handle(
            events.StopCommandEnded(process.state.generation)
        )
        self._changed: dict[str, Process] = {}
        self._waiting: dict[str, Process] = {}  # for a dependency
        self._turns: dict[str, int] = {}  # generations of new runs that wait for another instance
        self._update: asyncio.Handle | None = None
        self._fingerprints: dict[str, str] = {}
        self._successors: dict[str, ProcessConfig] = {}
        self._waiters: set[asyncio.Future[None]] = set()
        self._shutting_down = asyncio.Event()
        self._running = False

    def register(self, config: ProcessConfig, *, origin: Origin = "config") -> None:
        """Add a process; it starts with `run`, or at once while that runs. Raises ValueError if the id is taken."""
        if config.id in self.processes:
            raise ValueError(f"process '{config.id}' is registered already")
        if not config.cwd:
            config = msgspec.structs.replace(config, cwd=os.getcwd())
        self.addresses.ports.assign([config])
        process = Process(config, self.logs.open(config.id, config.log), self)
        self.addresses.assign(process)
        self.processes[config.id], process.origin = process, origin
        if origin == "config":
            self._fingerprints[config.id] = fingerprint(config, self.settings)
        if self._running and not self._shutting_down.is_set():
            self._processes_changed()
            if config.autostart:
                process.handle(AUTOSTART)

    def load(self, source: ConfigSource) -> None:
        """Register the processes of the source, and use it for every later reload."""
        self.source = source
        self.addresses.ports.assign(source.loaded.processes)
        for config in source.loaded.processes:
            self.register(config)

    def connect(self) -> None:
        """Bind to the running loop. Raises OSError if no thread can be started."""
        self._loop = asyncio.get_running_loop()
        self.logs.start()
        self.pipe_reader = PipeReader(self._loop, self.logs.bulk_reader)
        self.spawner.connect()

    async def run(self) -> None:
        """Start what autostarts; return once everything has ended after `shutdown`, or after a cancellation."""
        self._running = True
        self._processes_changed()
        if not self._shutting_down.is_set():
            ids = [process.id for process in self.processes.values() if process.config.autostart]
            start_dependencies(ids, self.processes)
            for process_id in ids:
                self.processes[process_id].handle(AUTOSTART)
        try:
            await self._shutting_down.wait()
        finally:
            await self._stop_all()

    def shutdown(self) -> None:
        """End everything in order, and then `run`. A second call kills everything at once."""
        if self._shutting_down.is_set() and self._running:
            for process in self.processes.values():
                process.handle(events.Kill())
            self._loop.call_later(GUARDIAN_KILL_DELAY, self.spawner.kill_guardian)
        self._shutting_down.set()

    @property
    def is_shutting_down(self) -> bool:
        return self._shutting_down.is_set()

    async def wait_shutdown(self) -> None:
        await self._shutting_down.wait()

    async def wait_spawned(self) -> None:
        """Return once no process waits for its first run to be spawned."""
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
        if self._update:
            self._update.cancel()
        for observer in self.observers:
            await observer.close()
        self.sampler.stop()
        self.pipe_reader.close()
        await self.spawner.close()
        self.addresses.retain(())
        await asyncio.to_thread(self.logs.close)

    # reloading

    def diff(self, loaded: Loaded) -> ConfigChanges:
        return diff(self._fingerprints, self.settings, loaded)

    def reload(self, loaded: Loaded) -> ConfigChanges:
        """Make the running set what a configuration says. If it has errors, only record them."""
        assert self.source
        self.require_running()
        changes = self.diff(loaded)
        if changes.errors:
            loaded = msgspec.structs.replace(self.source.loaded, problems=loaded.problems)
        self.source = msgspec.structs.replace(self.source, loaded=loaded)
        if not changes.errors:
            self._apply(changes, loaded)
        return changes

    def _apply(self, changes: ConfigChanges, loaded: Loaded) -> None:
        kept = {name: getattr(self.settings, name) for name in NEEDS_RESTART}
        self.settings = msgspec.structs.replace(loaded.settings, **kept)
        configs = {config.id: config for config in loaded.processes}
        self.addresses.ports.assign(loaded.processes)
        self._successors = {name: configs[name] for name in self._successors if name in configs}
        for process_id in changes.removed:
            del self._fingerprints[process_id]
            self.processes[process_id].handle(events.Remove())
        for process_id in changes.changed:
            self._reconfigure(self.processes[process_id], configs[process_id])
        for process_id in changes.added:
            if process_id in self.processes:  # removed before, and still stopping
                self._successors[process_id] = configs[process_id]
            else:
                self.register(configs[process_id])
        start_new_dependencies([*changes.added, *changes.changed], self.processes)
        self._sort_processes()
        added_by_hand = [one.config for one in self.processes.values() if one.origin != "config"]
        self.addresses.retain([*loaded.processes, *added_by_hand])
        self._processes_changed()

    def _reconfigure(self, process: Process, config: ProcessConfig) -> None:
        self._fingerprints[process.id] = fingerprint(config, self.settings)
        was_job = process.policy.is_job
        process.reconfigure(config)
        self.addresses.assign(process)
        self.logs.open(process.id, config.log)
        process.handle(events.ConfigChanged(was_job))

    def _sort_processes(self) -> None:
        """Use the order of the configuration; processes it does not have come last."""
        configs = self.source.loaded.processes if self.source else ()
        order = {config.id: position for position, config in enumerate(configs)}
        self.processes = dict(sorted(self.processes.items(), key=lambda item: order.get(item[0], len(order))))

    def _remove(self, process: Process) -> None:
        del self.processes[process.id]
        self._processes_changed()
        if successor := self._successors.pop(process.id, None):
            self.register(successor)
            self._sort_processes()
        else:
            self.logs.drop(process.id)
            self.addresses.retain(one.config for one in self.processes.values())

    # requests

    def find(self, process_id: str) -> Process:
        """Raises NotFoundError if no process has that id."""
        try:
            return self.processes[process_id]
        except KeyError:
            raise NotFoundError(f"Process '{process_id}' not found.") from None

    def matching(self, patterns: Iterable[str]) -> dict[str, bool]:
        """Map the ids that the patterns select to True, in config order, and patterns without a match to False."""
        found: dict[str, bool] = {}
        for pattern in patterns:
            ids = [process.id for process in self.processes.values() if matches(process.config, pattern)]
            found |= dict.fromkeys(ids, True) if ids else {pattern: False}
        return found

    def request(self, operation: Operation, ids: Sequence[str]) -> None:
        processes = [self.find(process_id) for process_id in ids]
        self.require_running()
        if operation != "stop":
            start_dependencies(ids, self.processes)
        for process in processes:
            process.handle(OPERATION_EVENTS[operation])

    def roll(self, process_id: str) -> None:
        """Restart with a new run beside the old one. Raises ConflictError if two runs cannot live side by side."""
        process = self.find(process_id)
        self.require_running()
        if obstacle := rolling_obstacle(process.config):
            raise ConflictError(f"Process '{process_id}' cannot be restarted in this way: {obstacle}.")
        start_dependencies([process_id], self.processes)
        process.handle(events.Restart(rolling=True))

    def require_running(self) -> None:
        """Raises UnavailableError before `run` and after `shutdown`."""
        if self._shutting_down.is_set() or not self._running:
            raise UnavailableError("The manager is not running, or is shutting down.")

    async def outcome(self, operation: Operation, process: Process) -> Result:
        """Wait until the operation just requested is done, cannot be done any more, or was overruled.

        Raises UnavailableError if it is a start, and the manager shuts down.
        """
        await self.wait_until(partial(is_over, operation, process, self.processes))
        if operation != "stop":
            self.require_running()
        return result_of(operation, process, self.processes)

    async def wait_inactive(self, processes: Sequence[Process]) -> None:
        # Why one by one: looking at all of them after each change would grow with the square of their number.
        for process in processes:
            await self.wait_until(partial(is_inactive, process))

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Return once the condition holds; it is checked after every change of any process."""
        while not condition():
            waiter = self._loop.create_future()
            self._waiters.add(waiter)
            try:
                await waiter
            finally:
                self._waiters.discard(waiter)

    # the host of each process

    def check_turn(self, process: Process, generation: int) -> None:
        """Let one instance after the other start its new run."""
        owner = owner_of(process.config)
        siblings = (one for one in self.processes.values() if one is not process and owner_of(one.config) == owner)
        if any(one.state.second and one.state.second.is_started for one in siblings):
            self._turns[process.id] = generation
        else:
            self._turns.pop(process.id, None)
            process.handle(events.TurnCame(generation))

    def check_dependencies(self, process: Process) -> None:
        blocker = find_blocker(process, self.processes)
        process.blocked_by = blocker.target if blocker else None
        process.blocked_reason = blocker.reason if blocker else ""
        if blocker is None:
            process.handle(events.DependenciesMet())
        elif blocker.permanent:
            process.handle(events.DependenciesFailed(blocker.reason))

    def follow(self, process: Process, run: Run) -> None:
        if run.input and run.input.is_terminal:
            sink = FeedSink(process.terminal.feed, run.start, process.log.sink("stdout"))
            self.pipe_reader.follow(run.outputs[0], sink, is_terminal=True)
            return
        for output, stream in zip(run.outputs, STREAMS, strict=True):
            self.pipe_reader.follow(output, process.log.sink(stream))

    def drain_output(self, outputs: Sequence[int], done: Callable[[], None]) -> None:
        self.pipe_reader.finish(outputs, done)

    def process_changed(self, process: Process) -> None:
        if process.status is not Status.WAITING:  # most starts wait for nothing: that is not worth an event
            self.event_log.record(process)
        elif process.config.depends_on:
            self._waiting[process.id] = process
        if not self._changed:
            self._loop.call_soon(self._publish)
        self._changed[process.id] = process

    # publishing

    def alarm(self, alarm: Alarm) -> None:
        """Tell the observers of an alarm that was raised, or is over."""
        for observer in self.observers:
            observer.alarm_changed(alarm)

    def _processes_changed(self) -> None:
        """Tell the observers once, however many processes change in this turn of the loop."""
        if self._update is None:
            self._update = self._loop.call_soon(self._publish_processes)

    def _publish_processes(self) -> None:
        self._update = None
        awaited = awaited_ends(process.config for process in self.processes.values())
        for process in self.processes.values():
            process.set_default_restart(default_restart(process.config, awaited))
        for observer in self.observers:
            observer.processes_changed()

    def _publish(self) -> None:
        changed, self._changed = self._changed, {}
        for process in changed.values():
            for observer in self.observers:
                observer.process_changed(process)
            self.event_log.record(process)
            if process.state.removed and self.processes.get(process.id) is process:
                self._remove(process)
        for process in [*self._waiting.values()]:
            if process.status is Status.WAITING:
                self.check_dependencies(process)
            else:
                self._waiting.pop(process.id, None)
        for process_id, generation in [*self._turns.items()]:
            self._turns.pop(process_id)
            if waiting := self.processes.get(process_id):
                self.check_turn(waiting, generation)
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


def is_inactive(process: Process) -> bool:
    return process.status in INACTIVE_STATES
