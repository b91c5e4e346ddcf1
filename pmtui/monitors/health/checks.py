"""Check the health of processes, for as long as a run lasts.

Until its first success a run is checked every second, then at the interval. Checks of one run never overlap. After the
machine or the manager was suspended one check is skipped; a check in progress meanwhile counts only if it succeeded.
"""

import asyncio
import time
import zlib
from collections.abc import Callable
from enum import Enum, auto
from functools import partial
from typing import Literal

from msgspec.structs import replace

from pmtui.config.model import MIN_CHECK_INTERVAL, Health
from pmtui.control import ProbeResult, Reason
from pmtui.monitors.health.probes import Probe, ProbeError, error_text, probe_for
from pmtui.monitors.monitor import Monitor
from pmtui.supervisor import events
from pmtui.supervisor.process import Process
from pmtui.supervisor.run import Run
from pmtui.supervisor.state import ACTIVE_STATES
from pmtui.supervisor.supervisor import Supervisor
from pmtui.text.timestamps import now_ms, rfc3339

HealthStatus = Literal["starting", "healthy", "unhealthy"]
STARTUP_INTERVAL = 1.0
"""Seconds between two checks before the first success, unless the interval is shorter."""
MAX_START_DELAY = 0.25
"""Seconds over which the first checks of processes are spread."""
SUSPEND_THRESHOLD = 1.0
"""Seconds a wake-up must be late to count as a suspend."""


class Verdict(Enum):
    READY = auto()
    RECOVERED = auto()  # after it was unhealthy
    UNHEALTHY = auto()


class HealthTracker:
    """Counts the results of one run; `was_unhealthy` if the run before was stopped as unhealthy."""

    def __init__(self, health: Health, spawned_at: float, was_unhealthy: bool = False) -> None:
        self._health = health
        self._spawned_at = spawned_at
        self._was_unhealthy = was_unhealthy
        self._successes = 0
        self._failures = 0
        self.is_ready = False
        self.status: HealthStatus = "starting"

    @property
    def interval(self) -> float:
        return self._health.interval if self.is_ready else min(STARTUP_INTERVAL, self._health.interval)

    @property
    def failure_summary(self) -> str:
        if not self.is_ready:
            return f"not ready after {self._health.start_period:g} s"
        return f"{self._failures} failed check{'s in a row' if self._failures > 1 else ''}"

    def record(self, ok: bool, now: float) -> Verdict | None:
        return self._record_success() if ok else self._record_failure(now)

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


class HealthMonitor(Monitor):
    """Runs one `HealthCheck` for each run of a process that is configured for it."""

    def __init__(self, supervisor: Supervisor) -> None:
        super().__init__(supervisor)
        self._checks: dict[str, dict[int, HealthCheck]] = {}  # by process and generation

    def process_changed(self, process: Process) -> None:
        checks = self._checks.get(process.id, {})
        checked = self._checked_runs(process)
        for generation in checks.keys() - checked.keys():
            checks.pop(generation).close()
        if process.state.generation not in checked:
            process.health = None
        for generation in checked.keys() - checks.keys():
            self._start_check(process, *checked[generation])
        if (current := checks.get(process.state.generation)) is not None:
            process.health = current.tracker.status
        if not checked:
            self._checks.pop(process.id, None)

    def _checked_runs(self, process: Process) -> dict[int, tuple[Run, Health, float]]:
        """Return the runs to check by generation, with their rules and when they were spawned."""
        state, found = process.state, dict[int, tuple[Run, Health, float]]()
        if process.config.health and state.is_alive and state.status in ACTIVE_STATES:
            found[state.generation] = process.current, self._rules(process.current, process), state.spawned_at or 0.0
        second = state.second
        if process.config.health and process.second and second and second.is_next and second.spawned_at is not None:
            found[second.generation] = process.second, self._rules(process.second, process), second.spawned_at
        return found

    def _rules(self, run: Run, process: Process) -> Health:
        """Return the health check of the run, without references to ports."""
        health = (run.prepared and run.prepared.config.health) or process.config.health
        assert health
        return health

    async def close(self) -> None:
        for checks in self._checks.values():
            for check in checks.values():
                check.close()
        self._checks.clear()

    def _start_check(self, process: Process, run: Run, health: Health, spawned_at: float) -> None:
        rules, state = effective_rules(health), process.state
        probe = probe_for(process, run, health, self.supervisor)
        is_current = run is process.current
        tracker = HealthTracker(rules, spawned_at, is_current and state.restart_reason is Reason.HEALTH)
        if is_current:
            process.health = tracker.status
        on_result = partial(self._record, process, run.generation, tracker)
        check = HealthCheck(process.id, rules, probe, tracker, on_result)
        self._checks.setdefault(process.id, {})[run.generation] = check

    def _record(
        self, process: Process, generation: int, tracker: HealthTracker, result: ProbeResult, verdict: Verdict | None
    ) -> None:
        process.probes.append(result)
        if generation == process.state.generation:
            process.health = tracker.status
        match verdict:
            case Verdict.READY:
                process.handle(events.Ready(generation))
            case Verdict.UNHEALTHY:
                process.handle(events.Unhealthy(generation, f"{tracker.failure_summary}: {result.message}"))
            case Verdict.RECOVERED:
                self.supervisor.process_changed(process)


def effective_rules(health: Health) -> Health:
    """Fail a process that is too quiet at the first check, and check often enough, but not all the time."""
    if health.silence is not None:
        health = replace(health, failure_threshold=1, interval=min(health.interval, health.silence / 2))
    if health.notify:
        health = replace(health, failure_threshold=1, interval=health.interval / 2)
    return replace(health, interval=max(health.interval, MIN_CHECK_INTERVAL))


class HealthCheck:
    """Checks one run until closed; `on_result` receives every result and what it changes, if anything."""

    def __init__(
        self,
        name: str,
        health: Health,
        probe: Probe,
        tracker: HealthTracker,
        on_result: Callable[[ProbeResult, Verdict | None], None],
    ) -> None:
        self.tracker = tracker
        self._timeout = health.timeout
        self._probe = probe
        self._on_result = on_result
        self._start_delay = 0.0
        if health.log is None and health.silence is None and not health.notify:  # the others send something
            self._start_delay = zlib.crc32(name.encode()) / (1 << 32) * min(MAX_START_DELAY, tracker.interval)
        self._task = asyncio.create_task(self._run(), name=f"health of {name}")

    def close(self) -> None:
        self._probe.close()
        self._task.cancel()

    async def _run(self) -> None:
        due = time.monotonic() + self._start_delay
        while True:
            if not await sleep_was_suspended(due - time.monotonic()):
                self._on_result(*await self._check())
            due = next_due(due, self.tracker.interval, time.monotonic())

    async def _check(self) -> tuple[ProbeResult, Verdict | None]:
        at, started, booted = now_ms(), time.perf_counter(), boottime()
        ok = False
        try:
            async with asyncio.timeout(self._timeout):
                message, ok = await self._probe.check(), True
        except TimeoutError:
            message = f"no answer within {self._timeout:g} s"
        except OSError as error:
            message = error_text(error)
        except (ProbeError, ValueError) as error:
            message = str(error)
        latency = round((time.perf_counter() - started) * 1000, 1)
        is_ignored = not ok and boottime() - booted > self._timeout + SUSPEND_THRESHOLD
        if is_ignored:
            message += "; not counted: the machine or the manager was suspended"
        result = ProbeResult(time=rfc3339(at), ok=ok, latency_ms=latency, message=message)
        return result, None if is_ignored else self.tracker.record(ok, time.monotonic())


async def sleep_was_suspended(seconds: float) -> bool:
    """Sleep; return whether it took so long that the machine or the manager must have been suspended."""
    started = boottime()
    await asyncio.sleep(max(seconds, 0.0))
    return boottime() - started > max(seconds, 0.0) + SUSPEND_THRESHOLD


def boottime() -> float:
    """Seconds since boot, including time spent suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def next_due(due: float, period: float, now: float) -> float:
    """Return the first time after `now` that is a whole number of periods after `due`; missed turns are skipped."""
    missed = max(0, int((now - due) // period))
    return due + (missed + 1) * period
