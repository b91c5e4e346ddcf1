"""Report crashes, failures, alarms and recoveries to programs (JSON on stdin) and webhooks (JSON by POST)."""

import asyncio
import logging
import os
import time

import msgspec

from pmtui.config.model import MIN_HEALTHY_UPTIME, HookEvent
from pmtui.control import Alarm, Reason, Status
from pmtui.monitors.helper import HelperProcess, run_helper
from pmtui.monitors.monitor import Monitor
from pmtui.spawner.client import Launch
from pmtui.spawner.usage import NO_USAGE
from pmtui.supervisor.process import Process
from pmtui.supervisor.snapshot import snapshot
from pmtui.supervisor.supervisor import Supervisor
from pmtui.text.timestamps import now_ms, rfc3339

logger = logging.getLogger(__name__)
MIN_HOOK_INTERVAL = 10.0
"""Seconds between two calls for the same process and event; calls held back are counted in the next one."""
HOOK_TIMEOUT = 10.0
MAX_CONCURRENT_HOOKS = 8
STDIN_SCRIPT = 'printf "%s\\n" "$PMTUI_PAYLOAD" | "$@"'
"""Pipes the payload to a program. Why: the guardian starts programs without stdin."""

Target = str | list[str]


class HookState:
    """What the last call knew of one process."""

    def __init__(self) -> None:
        self.status = Status.STOPPED
        self.crashes = self.job_failures = self.missed = 0
        self.unhealthy_generation = 0  # the last one found unhealthy
        self.has_open_problem = False
        self.timer: asyncio.TimerHandle | None = None

    def new_events(self, process: Process, now: float) -> list[HookEvent]:
        state, found = process.state, list[HookEvent]()
        if (
            state.next_restart_reason is Reason.HEALTH
            and state.status is Status.STOPPING
            and self.unhealthy_generation != state.generation
        ):
            self.unhealthy_generation = state.generation
            found.append("unhealthy")
        if process.crashes > self.crashes:
            found.append("crash")
        if state.status is Status.FAILED and self.status is not Status.FAILED:
            found.append("failed")
        if process.job.failures > self.job_failures:
            found.append("jobFailed")
        has_problem = bool(found)
        if process.job.missed > self.missed:
            found.append("jobMissed")
        self.status, self.crashes = state.status, process.crashes
        self.job_failures, self.missed = process.job.failures, process.job.missed
        if self.has_open_problem and not found and is_recovered(process, now):
            self.has_open_problem = False
            return ["recovered"]
        self.has_open_problem = self.has_open_problem or has_problem
        return found


def is_recovered(process: Process, now: float) -> bool:
    """Whether it is healthy or, without a health check, has run long enough to reset its failures.

    A job has recovered once a run has succeeded.
    """
    if process.policy.is_job:
        return process.status is Status.SCHEDULED and not process.state.detail
    if process.status is not Status.RUNNING:
        return False
    if process.config.health:
        return process.health == "healthy"
    return process.state.spawned_at is not None and process.policy.is_healthy_run(now - process.state.spawned_at)


class RateLimiter:
    """Admits one event per process and kind in each interval, and counts the others."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._last: dict[tuple[str, HookEvent], float] = {}
        self._suppressed: dict[tuple[str, HookEvent], int] = {}

    def admit(self, process_id: str, event: HookEvent, now: float) -> int | None:
        """Return how many were held back since the last one, or None if this one is held back too."""
        kind = process_id, event
        if kind in self._last and now - self._last[kind] < self._interval:
            self._suppressed[kind] = self._suppressed.get(kind, 0) + 1
            return None
        self._last[kind] = now
        return self._suppressed.pop(kind, 0)


class Hooks(Monitor):
    """Calls what the settings name for an event. Processes never wait for it."""

    def __init__(self, supervisor: Supervisor) -> None:
        super().__init__(supervisor)
        self._environment = {name: value for name, value in supervisor.environment.items() if name != "PMTUI_TOKEN"}
        self._states: dict[str, HookState] = {}
        self._limiter = RateLimiter(MIN_HOOK_INTERVAL)
        self._calls: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(MAX_CONCURRENT_HOOKS)
        self._last_errors: dict[HookEvent, str] = {}

    def process_changed(self, process: Process) -> None:
        hooks = self.supervisor.settings.hooks
        if not hooks or process.state.is_cleaning_up:
            return
        state = self._states.setdefault(process.id, HookState())
        now = time.monotonic()
        for event in state.new_events(process, now):
            if event in hooks and (held := self._limiter.admit(process.id, event, now)) is not None:
                self._call(event, hooks[event], process, held)
        if state.timer:
            state.timer.cancel()
        if state.has_open_problem and process.status is Status.RUNNING and not process.config.health:
            loop = asyncio.get_running_loop()
            delay = max(process.policy.healthy_after, MIN_HEALTHY_UPTIME) + 0.01
            state.timer = loop.call_later(delay, self.process_changed, process)

    def alarm_changed(self, alarm: Alarm) -> None:
        event: HookEvent = "recovered" if alarm.is_over else "alarm"
        hooks = self.supervisor.settings.hooks
        if event in hooks:
            body = msgspec.json.encode({"event": event, "time": rfc3339(now_ms())} | msgspec.to_builtins(alarm))
            source = self.supervisor.source
            directory = str(source.loaded.path.parent) if source and source.loaded.path else os.getcwd()
            self._start_call(event, hooks[event], "", directory, body)

    async def close(self) -> None:
        for state in self._states.values():
            if state.timer:
                state.timer.cancel()
        for call in self._calls:
            call.cancel()

    def _call(self, event: HookEvent, target: Target, process: Process, held: int) -> None:
        row = msgspec.to_builtins(snapshot(process, NO_USAGE))
        body = msgspec.json.encode({"event": event, "time": rfc3339(now_ms()), "heldBack": held} | row)
        directory = process.config.root or process.config.folder or process.config.cwd
        self._start_call(event, target, process.id, directory, body)

    def _start_call(self, event: HookEvent, target: Target, process_id: str, directory: str, body: bytes) -> None:
        call = asyncio.create_task(self._deliver(event, target, process_id, directory, body), name=f"hook {event}")
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    async def _deliver(self, event: HookEvent, target: Target, process_id: str, directory: str, body: bytes) -> None:
        async with self._slots:
            try:
                async with asyncio.timeout(HOOK_TIMEOUT):
                    if isinstance(target, str):
                        why = await post(target, body)
                    else:
                        why = await self._run(event, target, process_id, directory, body)
            except TimeoutError:
                why = f"not finished within {HOOK_TIMEOUT:g} s"
        if why and why != self._last_errors.get(event):
            logger.warning("hook for %s%s: %s", event, f" of {process_id}" if process_id else "", why)
        self._last_errors[event] = why

    async def _run(self, event: HookEvent, argv: list[str], process_id: str, directory: str, body: bytes) -> str:
        own = {"PMTUI_ID": process_id, "PMTUI_EVENT": event, "PMTUI_PAYLOAD": body.decode()}
        launch = Launch(["/bin/sh", "-c", STDIN_SCRIPT, "sh", *argv], directory, self._environment | own)
        result = await run_helper(HelperProcess(self.supervisor.spawner, self.supervisor.pipe_reader, launch))
        return result.failure()


async def post(url: str, body: bytes) -> str:
    """Post JSON, and return the error, without the URL: it may be a secret."""
    from pmtui.monitors.health import http
    from pmtui.monitors.health.probes import error_text, status_text

    try:
        status = await http.fetch_status(http.post(url, body))
    except TimeoutError:
        raise
    except OSError as error:
        return error_text(error)
    except (http.ResponseError, ValueError) as error:
        return str(error)
    return "" if 200 <= status < 300 else status_text(status)
