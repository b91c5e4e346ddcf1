"""One supervised process: carries out what states.py decides, and keeps what people ask about it."""

import asyncio
import shlex
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from pmtui.config.model import ConfigError, ProcessConfig
from pmtui.config.secrets import redact
from pmtui.control import Event, ProbeResult, Stage, Status
from pmtui.control import Exit as PastExit
from pmtui.logs.process_log import ProcessLog
from pmtui.spawner import client
from pmtui.spawner.client import Report, Spawner
from pmtui.supervisor import events
from pmtui.supervisor.launch import Prepared
from pmtui.supervisor.state_machine import Policy, State, is_crash, transition
from pmtui.text.formatting import harmless
from pmtui.text.signals import signal_number
from pmtui.text.timestamps import now_ms, rfc3339

EVENTS_KEPT = 100
EXITS_KEPT = 10
PROBES_KEPT = 50
LAST_WORDS = 20
LONGEST_WORDS = 200
"""Characters of the last line that stands in an explanation."""


class Surroundings(Protocol):
    """What a process needs of the manager around it."""

    spawner: Spawner

    def prepare(self, process: "Process") -> tuple[int, Prepared]:
        """The number of a new run, whose reports come to the process, and what to execute; raises ConfigError."""

    def look_for_dependencies(self, process: "Process") -> None:
        """Answers by an event, now or later."""

    def install(self, process: "Process") -> None:
        """Sees to it that what the process depends on is there, and then calls `execute`, or says why not."""

    def follow(self, process: "Process", stdout: int, stderr: int) -> None:
        """Reads the output of the new run."""

    def read_rest(self, outputs: Sequence[int], done: Callable[[], None]) -> None:
        """Reads what is left of a run's output, closes it, and calls `done`."""

    def changed(self, process: "Process") -> None:
        """The state has changed: it is told at once, and those who attend to it look soon."""

    def alarm(self, text: str) -> None:
        """Something is wrong that people must know."""


class Process:
    """The one owner of a process's state: whatever happens reaches it as an event, on the loop's thread."""

    def __init__(self, config: ProcessConfig, log: ProcessLog, around: Surroundings) -> None:
        self.reconfigure(config)
        self.log = log
        self.state = State()
        self.told = self.state  # what was published last
        self.events: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self.obstacle = ""  # what keeps it from starting
        self.prepared: Prepared | None = None
        self.command_line = config.command or config.script or ""  # in one line and without secrets
        self.run = 0
        self.pid = 0
        self.started_at = 0  # for display: milliseconds of the wall clock
        self.retry_at = 0
        self.killed: Sequence[str] = ()  # what did not end by itself, at the end of the last run
        self.exits: deque[PastExit] = deque(maxlen=EXITS_KEPT)
        self.last_error = ""
        self._gave_up = False
        self.crashes = 0
        self.installing = False
        self.first_line = 0  # the number of the first line that the present run can have printed
        self.health: str | None = None  # "starting", "healthy" or "unhealthy" while it is asked
        self.probes: deque[ProbeResult] = deque(maxlen=PROBES_KEPT)
        self._around = around
        self._outputs: tuple[int, ...] = ()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def id(self) -> str:
        return self.config.id

    @property
    def status(self) -> Status:
        return self.state.status

    @property
    def is_spawned_first(self) -> bool:
        """Whether its first run is asked for, and not yet there."""
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
        """The next start is by this configuration."""
        self.config = config
        self.policy = Policy(
            restart=config.restart,
            success_exit_codes=frozenset(config.success_exit_codes),
            max_retries=config.max_retries,
            backoff=config.backoff,
            max_backoff=config.max_backoff,
            healthy_after=config.healthy_after,
            stop_timeout=config.stop_timeout,
            has_health_check=config.health is not None,
        )

    def feed(self, event: events.Event) -> None:
        """Lets something happen to the process."""
        before = self.state
        self.state, effects = transition(before, event, self.policy, time.monotonic())
        if self.state is before and not effects:
            return
        crashed = is_crash(before, event, self.policy)
        self.crashes += crashed
        if isinstance(event, events.Exited):
            self._gave_up = crashed and event.exit.code > 0
        if self.status in (Status.CRASHED, Status.FAILED) and (self.status, self.state.why) != (
            before.status,
            before.why,
        ):
            self.last_error = self._explained(isinstance(event, events.Emptied) and self._gave_up)
        self._around.changed(self)  # before the effects, which may be the next change already
        for effect in effects:
            self._carry_out(effect)

    def report(self, report: Report) -> None:
        """Takes what the guardian says about the present run."""
        generation = self.state.generation
        match report:
            case client.Spawned():
                self.pid, self.started_at = report.pid, now_ms()
                self._outputs = (report.stdout, report.stderr)
                self.first_line = self.log.ring.end
                self._around.follow(self, *self._outputs)
                self.feed(events.Spawned(generation))
            case client.SpawnFailed():
                self.feed(events.SpawnFailed(generation, report.why, report.scarce))
            case client.Exited():
                self.feed(events.Exited(generation, events.Exit(report.code)))
            case client.Emptied():
                self.killed = report.killed
                outputs, self._outputs = self._outputs, ()
                self._around.read_rest(outputs, partial(self._conclude, generation))

    def signal(self, number: int) -> None:
        """Signals the main process."""
        self._around.spawner.signal(self.run, number)

    def _conclude(self, generation: int) -> None:
        """The run is over: its tree is gone, its output read."""
        self.pid = 0
        self._remember_exit()
        self.feed(events.Emptied(generation))

    def _explained(self, gave_up: bool) -> str:
        """Why it does not run; what a program said last that gave up by itself is mostly the cause, and comes first."""
        why = self.state.why
        if gave_up and (words := self.log.last_complaint()):
            words = redact(words, self.prepared.launch.env) if self.prepared else words
            why = f"{harmless(words[:LONGEST_WORDS])} ({why})"
        hint = self.prepared.hint if self.prepared else ""
        return f"{why} ({hint})" if hint and why else why

    def _remember_exit(self) -> None:
        exit = self.state.exit
        self.exits.append(
            PastExit(
                run=self.state.starts,
                time=rfc3339(now_ms()),
                code=exit.code if exit and exit.code >= 0 else None,
                signal=exit.signal if exit else None,
                uptime_seconds=round(self.state.lifetime, 3),
                lines=self.log.last_words(LAST_WORDS),
            )
        )

    def _carry_out(self, effect: events.Effect) -> None:
        match effect:
            case events.AwaitDependencies():
                self._around.look_for_dependencies(self)
            case events.Spawn():
                self._spawn(effect.generation)
            case events.EndTree():
                self._around.spawner.terminate(self.run, signal_number(self.config.stop_signal))
            case events.KillTree():
                self._around.spawner.kill(self.run)
            case events.SetTimer():
                self._set_timer(effect.generation, effect.seconds)
            case events.Alarm():
                self._around.alarm(f"{self.id} {effect.text}")

    def _spawn(self, generation: int) -> None:
        self.log.begin(self.state.starts)
        if self.config.install is None:
            self.execute(generation)
        else:
            self._around.install(self)

    def execute(self, generation: int) -> None:
        """Starts the run for which nothing is missing any more."""
        try:
            self.run, self.prepared = self._around.prepare(self)
        except ConfigError as error:
            self.feed(events.SpawnFailed(generation, str(error)))
        else:
            self.command_line = redact(shlex.join(self.prepared.launch.argv), self.prepared.launch.env)
            self._around.spawner.spawn(self.run, self.prepared.launch)

    def _set_timer(self, generation: int, seconds: float) -> None:
        if self._timer:
            self._timer.cancel()
        self.retry_at = now_ms() + int(seconds * 1000)
        self._timer = asyncio.get_running_loop().call_later(seconds, self.feed, events.TimeUp(generation))
