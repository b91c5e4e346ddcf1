"""One supervised process: applies the state machine, carries out its effects, and keeps what people ask about."""

import asyncio
import logging
import shlex
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from signal import SIGHUP
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
from pmtui.supervisor.launch import PreparedLaunch
from pmtui.supervisor.notice import Notice
from pmtui.supervisor.state_machine import Policy, State, is_crash, transition
from pmtui.supervisor.terminal import ProcessTerminal
from pmtui.text.formatting import printable
from pmtui.text.timestamps import now_ms, rfc3339
from pmtui.text.units import signal_number

if TYPE_CHECKING:
    from pmtui.config.sockets import SocketAddress

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
    install: Callable[["Process"], None]
    """Install what the process needs, then call `execute`, or report a failed spawn."""
    run_stop_command: Callable[["Process"], None]
    """Run the stop command, and handle StopCommandEnded."""

    def prepare(self, process: "Process") -> tuple[int, PreparedLaunch]:
        """Number a new run and build its launch. Raises ConfigError."""

    def check_dependencies(self, process: "Process") -> None:
        """Answer with an event, now or later."""

    def follow(self, process: "Process", outputs: Sequence[int]) -> None:
        """Read the output of the new run: stdout and stderr, or its terminal."""

    def drain_output(self, outputs: Sequence[int], done: Callable[[], None]) -> None:
        """Read the rest of a run's output, close it, and call `done`."""

    def process_changed(self, process: "Process") -> None:
        """Publish the new state now, and notify observers soon."""


class Process:
    """Owns the state of one process: everything that happens reaches it as an event, on the loop's thread."""

    def __init__(self, config: ProcessConfig, log: ProcessLog, host: ProcessHost) -> None:
        self.reconfigure(config)
        self.log = log
        self.origin: Origin = "config"
        self.state = State()
        self.last_published = self.state
        self.events: deque[ProcessEvent] = deque(maxlen=MAX_EVENTS)
        self.blocked_by: str | None = None  # the unmet dependency
        self.blocked_reason = ""
        self.prepared: PreparedLaunch | None = None
        self.command_line = config.command or config.script or ""  # for display, with secrets masked
        self.run = 0
        self.pid = 0
        self.started_at = 0  # wall clock in milliseconds, for display
        self.retry_at = 0
        self.ports: Mapping[str, int] = {}  # by name; auto ones included, whether it runs or not
        self.sockets: Mapping[str, SocketAddress] = {}  # by name
        self.notice = Notice()  # of the current run
        self.input: ProcessInput | None = None
        self.terminal = ProcessTerminal()
        self.killed: Sequence[str] = ()  # "pid name" of what needed SIGKILL when the last run ended
        self.exits: deque[RunExit] = deque(maxlen=MAX_EXITS)
        self.last_error = ""
        self._gave_up = False
        self._failure_reason = ""  # of the last run, in its own words
        self.crashes = 0
        self.installing = False
        self.fetched: Mapping[str, Secret] = {}  # values of env that are kept elsewhere, for the next run
        self.first_line = 0  # number of the first line the current run can have printed
        self.health: str | None = None  # "starting", "healthy" or "unhealthy" while it is checked
        self.probes: deque[ProbeResult] = deque(maxlen=MAX_PROBES)
        self._host = host
        self._outputs: Sequence[int] = ()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def id(self) -> str:
        return self.config.id

    @property
    def status(self) -> Status:
        return self.state.status

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
        self.policy = Policy(
            restart=config.restart or "always",
            success_exit_codes=frozenset(config.success_exit_codes),
            max_retries=config.max_retries,
            backoff=config.backoff,
            max_backoff=config.max_backoff,
            healthy_after=config.healthy_after,
            stop_timeout=config.stop_timeout,
            has_health_check=config.health is not None,
            has_stop_command=config.stop_command is not None,
            is_detached=config.detached,
        )

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
        if self.status in (Status.CRASHED, Status.FAILED) and is_new_failure:
            self.last_error = self._error_message()
        self._host.process_changed(self)  # before the effects: they may already cause the next change
        for effect in effects:
            self._run_effect(effect)

    def handle_report(self, report: Report) -> None:
        generation = self.state.generation
        match report:
            case client.WorkerSpawned():
                self.pid, self.started_at = report.pid, now_ms()
                self._outputs = report.outputs
                if report.stdin is not None:
                    self.input = ProcessInput(report.stdin, is_terminal=len(report.outputs) == 1)
                    if self.input.is_terminal:
                        self.terminal.start_run(self.state.starts, self.input)
                self.first_line = self.log.ring.end
                self._host.follow(self, self._outputs)
                self.handle(events.Spawned(generation))
            case client.WorkerSpawnFailed():
                self.handle(events.SpawnFailed(generation, report.error, report.transient))
            case client.WorkerExited():
                self.handle(events.Exited(generation, events.ExitStatus(report.code)))
                if self.state.is_alive:  # detached
                    self.pid = 0
            case client.WorkerTreeExited():
                self.killed = report.killed
                if self.input:
                    self.input.close()
                    self.input = None
                    self.terminal.end_run()
                outputs, self._outputs = self._outputs, ()
                self._host.drain_output(outputs, partial(self._finish_run, generation))

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

    def _finish_run(self, generation: int) -> None:
        self.pid = 0
        self._failure_reason = self._read_failure_reason() if self._gave_up else ""
        self._record_exit()
        self.handle(events.TreeExited(generation))

    def _read_failure_reason(self) -> str:
        return printable(self._redacted(self.log.failure_reason()))[:MAX_REASON_LENGTH]

    def _error_message(self) -> str:
        why = self.state.detail
        if self._failure_reason:
            why = f"{self._failure_reason} ({why})"
        hint = self._hint()
        return f"{why} ({hint})" if hint and why else why

    def _hint(self) -> str:
        if self.prepared is None:
            return ""
        output = self.log.tail(MAX_EXIT_LINES)
        return self.prepared.hint or exit_hint(self.state, self.config, self.prepared.launch.env, output)

    def _redacted(self, text: str) -> str:
        return redact(text, self.prepared.env) if self.prepared else text

    def _record_exit(self) -> None:
        exit = self.state.exit
        self.exits.append(
            RunExit(
                run=self.state.starts,
                time=rfc3339(now_ms()),
                code=exit.code if exit and exit.code >= 0 else None,
                signal=exit.signal if exit else None,
                uptime_seconds=round(self.state.lifetime, 3),
                lines=[self._redacted(line) for line in self.log.tail(MAX_EXIT_LINES)],
                reason=self._failure_reason,
            )
        )

    def _run_effect(self, effect: events.Effect) -> None:
        match effect:
            case events.AwaitDependencies():
                self._host.check_dependencies(self)
            case events.Spawn():
                self._spawn(effect.generation)
            case events.TerminateTree():
                self._host.spawner.terminate(self.run, signal_number(self.config.stop_signal))
            case events.RunStopCommand():
                self._host.spawner.terminate(self.run, 0)
                self._host.run_stop_command(self)
            case events.KillTree(overdue=True) if self.input and self.input.is_terminal:
                self._host.spawner.terminate(self.run, SIGHUP)
                asyncio.get_running_loop().call_later(HANG_UP_DELAY, self._host.spawner.kill, self.run)
            case events.KillTree():
                self._host.spawner.kill(self.run)
            case events.SetTimer():
                self._set_timer(effect.generation, effect.seconds)
            case events.Warn():
                logger.warning("%s %s", self.id, effect.text)

    def _spawn(self, generation: int) -> None:
        self._failure_reason = ""
        self.log.start_run(self.state.starts)
        if self.config.install is None and not self.config.env_sources:
            self.execute(generation)
        else:
            self._host.install(self)

    def execute(self, generation: int) -> None:
        """Spawn the run, now that nothing is missing any more."""
        try:
            self.run, self.prepared = self._host.prepare(self)
        except ConfigError as error:
            self.handle(events.SpawnFailed(generation, str(error)))
        else:
            self.notice = Notice()
            self.command_line = redact(shlex.join(self.prepared.launch.argv), self.prepared.env)
            launch = msgspec.structs.replace(self.prepared.launch, terminal_size=self.terminal.size)
            self._host.spawner.spawn(self.run, launch, self.handle_report)

    def _set_timer(self, generation: int, seconds: float) -> None:
        if self._timer:
            self._timer.cancel()
        self.retry_at = now_ms() + int(seconds * 1000)
        self._timer = asyncio.get_running_loop().call_later(seconds, self.handle, events.TimerExpired(generation))
