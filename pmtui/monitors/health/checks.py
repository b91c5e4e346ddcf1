"""Whether a process is well: asked over and over for as long as a run lasts.

Until its first success a run is asked every second, then at the interval. Checks of one run never overlap. After the
machine or the manager was asleep a check is skipped, and one that was under way meanwhile counts only if it succeeded.
"""

import asyncio
import time
import zlib
from collections.abc import Callable
from enum import Enum, auto
from functools import partial
from typing import Literal

from msgspec.structs import replace

from pmtui.config.model import Health
from pmtui.control import ProbeResult, Reason
from pmtui.logs.capture.pipe_reader import PipeReader
from pmtui.monitors.health.probes import Probe, ProbeError, error_text, probe_for
from pmtui.spawner.client import Spawner
from pmtui.supervisor import events
from pmtui.supervisor.process import Process
from pmtui.supervisor.state_machine import ACTIVE_STATES
from pmtui.text.timestamps import now_ms, rfc3339

HealthStatus = Literal["starting", "healthy", "unhealthy"]
STARTUP_INTERVAL = 1.0
"""Seconds between two checks until the first success, if the interval is not shorter."""
MAX_START_DELAY = 0.25
"""Seconds over which the checks of processes that were started together are spread out."""
SUSPEND_THRESHOLD = 1.0
"""Seconds later than asked for at which a wake-up tells that everything stood still."""


class Verdict(Enum):
    """What a result changes."""

    READY = auto()
    RECOVERED = auto()  # again, after it was unhealthy
    UNHEALTHY = auto()


class HealthTracker:
    """Counts the results of one run that was spawned at `born`; `was_ill`: the run before was ended as unhealthy."""

    def __init__(self, health: Health, born: float, was_ill: bool = False) -> None:
        self._health = health
        self._spawned_at = born
        self._was_unhealthy = was_ill
        self._successes = 0
        self._failures = 0
        self.is_ready = False
        self.status: HealthStatus = "starting"

    @property
    def interval(self) -> float:
        """Seconds from one check to the next."""
        return self._health.interval if self.is_ready else min(STARTUP_INTERVAL, self._health.interval)

    @property
    def failure_summary(self) -> str:
        """What is wrong with an unhealthy process, in front of what the last check says."""
        if not self.is_ready:
            return f"not ready after {self._health.start_period:g} s"
        return f"{self._failures} failed check{'s in a row' if self._failures > 1 else ''}"

    def record(self, good: bool, now: float) -> Verdict | None:
        """Takes the result of a check that ended at `now`."""
        return self._record_success() if good else self._record_failure(now)

    def _record_success(self) -> Verdict | None:
        self._failures = 0
        self._successes += 1
        was_ready, self.is_ready = self.is_ready, True
        self._was_unhealthy = self._was_unhealthy and self._successes < self._health.success_threshold
        before, self.status = self.status, "unhealthy" if self._was_unhealthy else "healthy"
        if not was_ready:
            return Verdict.READY
        return Verdict.RECOVERED if self.status != before else None

    def _record_failure(self, now: float) -> Verdict | None:
        self._successes = 0
        if now - self._spawned_at < self._health.start_period:
            return None
        self._failures += 1
        if self._failures < self._health.failure_threshold:
            return None
        self.status = "unhealthy"
        return Verdict.UNHEALTHY


class HealthMonitor:
    """The checkup of every run that is to have one. `changed` is told when a process is well again."""

    def __init__(self, spawner: Spawner, pump: PipeReader, changed: Callable[[Process], None]) -> None:
        self._spawner = spawner
        self._pipe_reader = pump
        self._on_change = changed
        self._checks: dict[str, tuple[int, HealthCheck]] = {}

    def process_changed(self, process: Process) -> None:
        """To be called whenever the state of the process has changed."""
        state = process.state
        health = process.config.health if state.is_alive and state.status in ACTIVE_STATES else None
        generation, checkup = self._checks.get(process.id, (0, None))
        if checkup and (health is None or generation != state.generation):
            checkup.close()
            del self._checks[process.id]
            process.health, checkup = None, None
        if health and not checkup:
            self._start_check(process, health)

    def close(self) -> None:
        for _, checkup in self._checks.values():
            checkup.close()
        self._checks.clear()

    def _start_check(self, process: Process, health: Health) -> None:
        rules, state = effective_rules(health), process.state
        probe = probe_for(process, health, self._spawner, self._pipe_reader)
        judge = HealthTracker(rules, state.spawned_at or 0.0, was_ill=state.restart_reason is Reason.HEALTH)
        process.health = judge.status
        tell = partial(self._record, process, state.generation, judge)
        self._checks[process.id] = state.generation, HealthCheck(process.id, rules, probe, judge, tell)

    def _record(
        self, process: Process, generation: int, judge: HealthTracker, result: ProbeResult, verdict: Verdict | None
    ) -> None:
        process.probes.append(result)
        process.health = judge.status
        match verdict:
            case Verdict.READY:
                process.handle(events.Ready(generation))
            case Verdict.UNHEALTHY:
                process.handle(events.Unhealthy(generation, f"{judge.failure_summary}: {result.message}"))
            case Verdict.RECOVERED:
                self._on_change(process)


def effective_rules(health: Health) -> Health:
    """Silence needs no second proof, and is looked for often enough to be noticed in time."""
    if health.silence is None:
        return health
    return replace(health, failure_threshold=1, interval=min(health.interval, health.silence / 2))


class HealthCheck:
    """Asks one run until it is closed; `tell` gets every result and what it changes, if anything."""

    def __init__(
        self,
        name: str,
        health: Health,
        probe: Probe,
        judge: HealthTracker,
        tell: Callable[[ProbeResult, Verdict | None], None],
    ) -> None:
        self.tracker = judge
        self._timeout = health.timeout
        self._probe = probe
        self._on_result = tell
        is_listener = health.log is not None or health.silence is not None
        self._offset = (
            0.0 if is_listener else zlib.crc32(name.encode()) / (1 << 32) * min(MAX_START_DELAY, judge.interval)
        )
        self._task = asyncio.create_task(self._run(), name=f"health of {name}")

    def close(self) -> None:
        """There are no more results from now on."""
        self._probe.close()
        self._task.cancel()

    async def _run(self) -> None:
        due = time.monotonic() + self._offset
        while True:
            if not await slept_through_suspend(due - time.monotonic()):
                self._on_result(*await self._check())
            due = next_due(due, self.tracker.interval, time.monotonic())

    async def _check(self) -> tuple[ProbeResult, Verdict | None]:
        at, began, asked = now_ms(), time.perf_counter(), boottime()
        good = False
        try:
            async with asyncio.timeout(self._timeout):
                message, good = await self._probe.check(), True
        except TimeoutError:
            message = f"no answer within {self._timeout:g} s"
        except OSError as error:
            message = error_text(error)
        except (ProbeError, ValueError) as error:
            message = str(error)
        latency = round((time.perf_counter() - began) * 1000, 1)
        slept_through = boottime() - asked > self._timeout + SUSPEND_THRESHOLD
        if slept_through and not good:
            message += "; not counted, for the machine or the manager was asleep"
        result = ProbeResult(time=rfc3339(at), ok=good, latency_ms=latency, message=message)
        return result, None if slept_through and not good else self.tracker.record(good, time.monotonic())


async def slept_through_suspend(seconds: float) -> bool:
    """Waits; whether that took so much longer that the machine or the manager must have been asleep."""
    began = boottime()
    await asyncio.sleep(max(seconds, 0.0))
    return boottime() - began > max(seconds, 0.0) + SUSPEND_THRESHOLD


def boottime() -> float:
    """Seconds since the machine was started, with those for which it was suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def next_due(due: float, period: float, now: float) -> float:
    """The first moment from `now` on that is a whole number of periods after `due`; turns that were missed are gone."""
    missed = max(0, int((now - due) // period))
    return due + (missed + 1) * period
