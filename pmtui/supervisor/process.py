"""One supervised process: applies the state machine, carries out its effects, and keeps what people ask about."""

import asyncio
import logging
import shlex
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from signal import SIGHUP
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

import msgspec

from pmtui.config.model import ConfigError, ProcessConfig, RestartPolicy
from pmtui.config.secrets import Secret, redact
from pmtui.control import Origin, ProbeResult, ProcessEvent, RunExit, Stage, Status
from pmtui.logs.process_log import ProcessLog
from pmtui.spawner import client
from pmtui.spawner.client import Report, Spawner
from pmtui.spawner.process_input import ProcessInput
from pmtui.spawner.process_tree import mark_of, send_signal
from pmtui.spawner.procfs import is_alive
from pmtui.spawner.run_table import HANG_UP_DELAY
from pmtui.supervisor import events
from pmtui.supervisor.hints import exit_hint
from pmtui.supervisor.job import Job
from pmtui.supervisor.launch import PreparedLaunch
from pmtui.supervisor.notice import Notice
from pmtui.supervisor.recent import Recent
from pmtui.supervisor.rolling import transition
from pmtui.supervisor.run import Run
from pmtui.supervisor.state import State, policy_of
from pmtui.supervisor.state_machine import is_crash
from pmtui.supervisor.terminal import ProcessTerminal
from pmtui.text.formatting import printable
from pmtui.text.timestamps import now_ms, rfc3339
from pmtui.text.units import signal_number

if TYPE_CHECKING:
    from pmtui.config.sockets import SocketAddress
    from pmtui.supervisor.launcher import Launcher

logger = logging.getLogger(__name__)
ABORT_SIGNALS = frozenset({signal.SIGABRT, signal.SIGILL, signal.SIGTRAP})
"""Signals by which runtimes end their own program, after saying why."""
MAX_EVENTS = 100
MAX_EXITS = 10
MAX_PROBES = 50
MAX_EXIT_LINES = 20
MAX_REASON_LENGTH = 200
"""Characters of the program's own reason in an error message."""


class ProcessHost(Protocol):
    """What a process needs from the supervisor."""

    spawner: Spawner
    launcher: "Launcher"
    install: Callable[["Process"], None]
    """Install what the process needs, then call `execute`, or report a failed spawn."""
    run_stop_command: Callable[["Process"], None]
    """Run the stop command, and handle StopCommandEnded."""

    def check_turn(self, process: "Process", generation: int) -> None:
        """Answer with TurnCame, now or later."""

    def check_dependencies(self, process: "Process") -> None:
        """Answer with an event, now or later."""

    def follow(self, process: "Process", run: Run) -> None:
        """Read the output of the new run: stdout and stderr, or its terminal."""

    def drain_output(self, outputs: Sequence[int], done: Callable[[], None]) -> None:
        """Read the rest of a run's output, close it, and call `done`."""

    def process_changed(self, process: "Process") -> None:
        """Publish the new state now, and notify observers soon."""


class Process:
    """Owns the state of one process: everything that happens reaches it as an event, on the loop's thread."""

    # What few have is set on these alone: with more than 30 attributes each instance takes 1.5 kB more.
    origin: Origin = "config"
    installing = False
    fetched: Mapping[str, Secret] = MappingProxyType({})  # values of env that are kept elsewhere, for the next run

    def __init__(self, config: ProcessConfig, log: ProcessLog, host: ProcessHost) -> None:
        self.reconfigure(config)
        self.log = log
        self.job = Job()
        self.state = State()
        self.last_published = self.state
        self.events = Recent[ProcessEvent](MAX_EVENTS)
        self.blocked_by: str | None = None  # the unmet dependency
        self.blocked_reason = ""
        self.current = Run()
        self.second: Run | None = None  # the next one, or one on its way out
        self.command_line = config.command or config.script or ""  # for display, with secrets masked
        self.retry_at = 0
        self.ports: Mapping[str, int] = {}  # by name; auto ones included, whether it runs or not
        self.sockets: Mapping[str, SocketAddress] = {}  # by name
        self.terminal = ProcessTerminal()
        self.killed: Sequence[str] = ()  # "pid name" of what needed SIGKILL when the last run ended
        self.exits = Recent[RunExit](MAX_EXITS)
        self.last_error = self.last_hint = ""
        self.roll_error = ""  # why the last new run did not take over from the old one
        self._gave_up = False
        self._failure_reason = ""  # of the last run, in its own words
        self.crashes = 0
        self.health: str | None = None  # "starting", "healthy" or "unhealthy" while it is checked
        self.probes = Recent[ProbeResult](MAX_PROBES)
        self._host = host
        self._timers: dict[int, asyncio.TimerHandle] = {}  # by generation

    @property
    def id(self) -> str:
        return self.config.id

    @property
    def status(self) -> Status:
        return self.state.status

    @property
    def run(self) -> int:
        return self.current.number

    @property
    def run_count(self) -> int:
        """The number of the last run; a job continues to count from the runs under former managers."""
        return self.state.starts + self.job.earlier_runs

    @property
    def pid(self) -> int:
        return self.current.pid

    @property
    def started_at(self) -> int:
        return self.current.started_at

    @property
    def prepared(self) -> PreparedLaunch | None:
        return self.current.prepared

    @property
    def notice(self) -> Notice:
        return self.current.notice

    @property
    def runs(self) -> Sequence[Run]:
        return [self.current, *([self.second] if self.second else [])]

    @property
    def has_tree(self) -> bool:
        """Whether something of it may be running; the leader of a detached one is not."""
        return self.pid > 0 or self.state.is_alive

    @property
    def is_first_spawn_pending(self) -> bool:
        return self.stage == "spawning" and self.state.starts == 1

    @property
    def stage(self) -> Stage | None:
        match self.status:
            case Status.WAITING:
                return "checking-dependencies"
            case Status.STARTING:
                if self.installing:
                    return "installing-dependencies"
                return "waiting-for-health" if self.state.is_alive else "spawning"
            case _:
                return None

    def reconfigure(self, config: ProcessConfig) -> None:
        """Use this configuration from the next start on."""
        self.config = config
        self.policy = policy_of(config)

    def set_default_restart(self, restart: RestartPolicy) -> None:
        """Use this policy if the configuration has none."""
        if not self.config.restart and self.policy.restart != restart:
            self.policy = msgspec.structs.replace(self.policy, restart=restart)

    def handle(self, event: events.Event) -> None:
        before = self.state
        self.state, effects = transition(before, event, self.policy, time.monotonic())
        if self.state is before and not effects:
            return
        crashed = is_crash(before, event, self.policy)
        self.crashes += crashed
        if isinstance(event, events.Exited):
            self._gave_up = crashed and (event.exit.code > 0 or -event.exit.code in ABORT_SIGNALS)
        is_new_failure = (self.status, self.state.detail) != (before.status, before.detail)
        has_failed = self.status in (Status.CRASHED, Status.FAILED) or (
            self.status is Status.SCHEDULED and self.state.detail
        )
        if has_failed and is_new_failure:
            self.last_error = self._error_message()
        self.job.observe(before, self.state)
        self._host.process_changed(self)  # before the effects: they may already cause the next change
        for effect in effects:
            self._run_effect(effect)
        if self.state.roll_error and before.second and not self.state.second:
            self._report_roll_error()

    def handle_report(self, run: Run, report: Report) -> None:
        generation = run.generation
        match report:
            case client.WorkerSpawned():
                run.pid, run.started_at, run.spawned_at = report.pid, now_ms(), time.monotonic()
                run.outputs = report.outputs
                if report.stdin is not None:
                    run.input = ProcessInput(report.stdin, is_terminal=len(report.outputs) == 1)
                if run is self.current:
                    self.terminal.start_run(run.start, run.input)
                run.first_line = self.log.ring.end
                self._host.follow(self, run)
                self.handle(events.Spawned(generation))
            case client.WorkerSpawnFailed():
                self.handle(events.SpawnFailed(generation, report.error, report.transient))
                self._forget_second(run)
            case client.WorkerExited():
                run.exit, run.exited_at = events.ExitStatus(report.code), time.monotonic()
                self.handle(events.Exited(generation, run.exit))
                if run is self.current and self.state.is_alive:  # detached
                    run.pid = 0
            case client.WorkerTreeExited():
                if run is self.current:
                    self.killed = report.killed
                    self.terminal.end_run()
                run.close_input()
                outputs, run.outputs = run.outputs, ()
                self._host.drain_output(outputs, partial(self._finish_run, run))

    @property
    def input(self) -> ProcessInput | None:
        return self.current.input

    @property
    def main_pid(self) -> int:
        """The process that it calls its main one, or else the one that was started; 0 if nothing runs."""
        named = self.notice.main_pid
        return named if self.pid and named and is_alive(named) else self.pid

    def signal(self, number: int) -> None:
        if self.main_pid != self.pid:
            send_signal(self.main_pid, number, lambda pid: mark_of(pid) == self._host.spawner.base + self.run)
            return
        self._host.spawner.signal(self.run, number)

    def _finish_run(self, run: Run) -> None:
        run.pid = 0
        gave_up = self._gave_up if run is self.current else run is self.second and bool(self.state.roll_error)
        self._failure_reason = self._read_failure_reason() if gave_up else ""
        self._record_exit(run)
        self.handle(events.TreeExited(run.generation))
        self._forget_second(run)

    def _forget_second(self, run: Run) -> None:
        if run is self.second:
            self.second = None

    def _read_failure_reason(self) -> str:
        return printable(self._redacted(self.log.failure_reason()))[:MAX_REASON_LENGTH]

    def _error_message(self) -> str:
        why = self.state.detail
        if self._failure_reason:
            why = f"{self._failure_reason} ({why})"
        hint = self.last_hint = self._hint()
        if not hint or not why:
            return why
        has_ended_well = self.state.exit is not None and self.state.exit.code == 0
        return f"{hint} ({why})" if has_ended_well else f"{why} ({hint})"

    def _hint(self) -> str:
        if self.prepared is None:
            return ""
        output = self.log.tail(MAX_EXIT_LINES)
        return self.prepared.hint or exit_hint(self.state, self.config, self.prepared.launch.env, output)

    def _redacted(self, text: str) -> str:
        return redact(text, self.prepared.env) if self.prepared else text

    def _record_exit(self, run: Run) -> None:
        exit = run.exit
        is_last = run.start == self.log.run  # the log knows the end of the last one
        self.exits.append(
            RunExit(
                run=run.start,
                time=rfc3339(now_ms()),
                code=exit.code if exit and exit.code >= 0 else None,
                signal=exit.signal if exit else None,
                uptime_seconds=round(run.exited_at - run.spawned_at, 3) if exit else 0.0,
                lines=[self._redacted(line) for line in self.log.tail(MAX_EXIT_LINES)] if is_last else [],
                reason=self._failure_reason,
            )
        )

    def _report_roll_error(self) -> None:
        """Say why a new run did not take over."""
        why = f"{self._failure_reason} ({self.state.roll_error})" if self._failure_reason else self.state.roll_error
        self.roll_error = self._redacted(why)
        logger.warning("%s: the new run failed, the old one goes on: %s", self.id, self.roll_error)

    def _run_of(self, generation: int) -> Run | None:
        return next((run for run in self.runs if run.generation == generation), None)

    def _promote(self, generation: int) -> None:
        """Let the second run be the current one."""
        assert self.second
        ended = not self.current.pid
        self.current, self.second = self.second, None if ended else self.current
        self.ports = self.current.ports
        self.terminal.start_run(self.current.start, self.current.input)
        if self.prepared:
            self.command_line = redact(shlex.join(self.prepared.launch.argv), self.prepared.env)

    def _run_effect(self, effect: events.Effect) -> None:
        match effect:
            case events.AwaitDependencies():
                self._host.check_dependencies(self)
            case events.AwaitTurn():
                self._host.check_turn(self, effect.generation)
            case events.Promote():
                self._promote(effect.generation)
            case events.Spawn() if self.state.second and self.state.second.generation == effect.generation:
                self._spawn_second(effect.generation)
            case events.Spawn():
                self._spawn(effect.generation)
            case events.TerminateTree():
                if run := self._run_of(effect.generation):
                    self._host.spawner.terminate(run.number, signal_number(self.config.stop_signal))
            case events.RunStopCommand():
                self._host.spawner.terminate(self.run, 0)
                self._host.run_stop_command(self)
            case events.KillTree(overdue=True) if self.input and self.input.is_terminal:
                self._host.spawner.terminate(self.run, SIGHUP)
                asyncio.get_running_loop().call_later(HANG_UP_DELAY, self._host.spawner.kill, self.run)
            case events.KillTree():
                if run := self._run_of(effect.generation):
                    self._host.spawner.kill(run.number)
            case events.SetTimer():
                self._set_timer(effect.generation, effect.seconds)
            case events.Warn():
                logger.warning("%s %s", self.id, effect.text)

    def _spawn(self, generation: int) -> None:
        self._failure_reason = ""
        self.log.start_run(self.run_count)
        before, self.current = self.current, Run(generation, self.run_count)
        self.current.prepared = before.prepared  # for display, until there is a newer one
        if self.config.install is None and not self.config.env_sources:
            self.execute(generation)
        else:
            self._host.install(self)

    def execute(self, generation: int) -> None:
        """Spawn the run, now that nothing is missing any more."""
        run = self.current
        try:
            run.number, run.prepared = self._host.launcher.prepare(self)
        except ConfigError as error:
            self.handle(events.SpawnFailed(generation, str(error)))
        else:
            run.ports = self.ports
            self.command_line = redact(shlex.join(run.prepared.launch.argv), run.prepared.env)
            launch = msgspec.structs.replace(run.prepared.launch, terminal_size=self.terminal.size)
            self._host.spawner.spawn(run.number, launch, partial(self.handle_report, run))

    def _spawn_second(self, generation: int) -> None:
        """Spawn the next run beside the current one, with the values that the current one was given."""
        self._failure_reason = self.roll_error = ""
        run = self.second = Run(generation, self.run_count)
        try:
            run.number, run.prepared, run.ports = self._host.launcher.prepare_second(self)
        except ConfigError as error:
            self.handle(events.SpawnFailed(generation, str(error)))
            self._forget_second(run)
        else:
            self.log.start_run(self.run_count)
            launch = msgspec.structs.replace(run.prepared.launch, terminal_size=self.terminal.size)
            self._host.spawner.spawn(run.number, launch, partial(self.handle_report, run))

    def _set_timer(self, generation: int, seconds: float) -> None:
        for known in [*self._timers]:
            if known == generation or known not in (run.generation for run in self.runs):
                self._timers.pop(known).cancel()
        if generation == self.state.generation:
            self.retry_at = now_ms() + int(seconds * 1000)
        expired = events.TimerExpired(generation)
        self._timers[generation] = asyncio.get_running_loop().call_later(seconds, self.handle, expired)
