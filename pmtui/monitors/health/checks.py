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
from pmtui.logs.capture.pipe_reader import Pump
from pmtui.monitors.health.probes import Probe, ProbeError, in_words, probe_for
from pmtui.spawner.runs import Runs
from pmtui.supervisor import events
from pmtui.supervisor.process import Process
from pmtui.supervisor.state_machine import LIVE
from pmtui.text.timestamps import now_ms, rfc3339

Word = Literal["starting", "healthy", "unhealthy"]
HURRY = 1.0
"""Seconds between two checks until the first success, if the interval is not shorter."""
SPREAD = 0.25
"""Seconds over which the checks of processes that were started together are spread out."""
ASLEEP = 1.0
"""Seconds later than asked for at which a wake-up tells that everything stood still."""


class Verdict(Enum):
    """What a result changes."""

    READY = auto()
    WELL = auto()  # again, after it was unhealthy
    ILL = auto()


class Judge:
    """Counts the results of one run that was spawned at `born`; `was_ill`: the run before was ended as unhealthy."""

    def __init__(self, health: Health, born: float, was_ill: bool = False) -> None:
        self._health = health
        self._born = born
        self._was_ill = was_ill
        self._successes = 0
        self._failures = 0
        self.is_ready = False
        self.word: Word = "starting"

    @property
    def period(self) -> float:
        """Seconds from one check to the next."""
        return self._health.interval if self.is_ready else min(HURRY, self._health.interval)

    @property
    def complaint(self) -> str:
        """What is wrong with an unhealthy process, in front of what the last check says."""
        if not self.is_ready:
            return f"not ready after {self._health.start_period:g} s"
        return f"{self._failures} failed check{'s in a row' if self._failures > 1 else ''}"

    def take(self, good: bool, now: float) -> Verdict | None:
        """Takes the result of a check that ended at `now`."""
        return self._take_success() if good else self._take_failure(now)

    def _take_success(self) -> Verdict | None:
        self._failures = 0
        self._successes += 1
        was_ready, self.is_ready = self.is_ready, True
        self._was_ill = self._was_ill and self._successes < self._health.success_threshold
        before, self.word = self.word, "unhealthy" if self._was_ill else "healthy"
        if not was_ready:
            return Verdict.READY
        return Verdict.WELL if self.word != before else None

    def _take_failure(self, now: float) -> Verdict | None:
        self._successes = 0
        if now - self._born < self._health.start_period:
            return None
        self._failures += 1
        if self._failures < self._health.failure_threshold:
            return None
        self.word = "unhealthy"
        return Verdict.ILL


class Checkups:
    """The checkup of every run that is to have one. `changed` is told when a process is well again."""

    def __init__(self, runs: Runs, pump: Pump, changed: Callable[[Process], None]) -> None:
        self._runs = runs
        self._pump = pump
        self._changed = changed
        self._open: dict[str, tuple[int, Checkup]] = {}

    def look(self, process: Process) -> None:
        """To be called whenever the state of the process has changed."""
        state = process.state
        health = process.config.health if state.is_alive and state.status in LIVE else None
        generation, checkup = self._open.get(process.id, (0, None))
        if checkup and (health is None or generation != state.generation):
            checkup.close()
            del self._open[process.id]
            process.health, checkup = None, None
        if health and not checkup:
            self._begin(process, health)

    def close(self) -> None:
        for _, checkup in self._open.values():
            checkup.close()
        self._open.clear()

    def _begin(self, process: Process, health: Health) -> None:
        rules, state = rules_of(health), process.state
        probe = probe_for(process, health, self._runs, self._pump)
        judge = Judge(rules, state.spawned_at or 0.0, was_ill=state.started_for is Reason.HEALTH)
        process.health = judge.word
        tell = partial(self._take, process, state.generation, judge)
        self._open[process.id] = state.generation, Checkup(process.id, rules, probe, judge, tell)

    def _take(
        self, process: Process, generation: int, judge: Judge, result: ProbeResult, verdict: Verdict | None
    ) -> None:
        process.probes.append(result)
        process.health = judge.word
        match verdict:
            case Verdict.READY:
                process.feed(events.Ready(generation))
            case Verdict.ILL:
                process.feed(events.Unhealthy(generation, f"{judge.complaint}: {result.message}"))
            case Verdict.WELL:
                self._changed(process)


def rules_of(health: Health) -> Health:
    """Silence needs no second proof, and is looked for often enough to be noticed in time."""
    if health.silence is None:
        return health
    return replace(health, failure_threshold=1, interval=min(health.interval, health.silence / 2))


class Checkup:
    """Asks one run until it is closed; `tell` gets every result and what it changes, if anything."""

    def __init__(
        self, name: str, health: Health, probe: Probe, judge: Judge, tell: Callable[[ProbeResult, Verdict | None], None]
    ) -> None:
        self.judge = judge
        self._timeout = health.timeout
        self._probe = probe
        self._tell = tell
        is_listener = health.log is not None or health.silence is not None
        self._offset = 0.0 if is_listener else zlib.crc32(name.encode()) / (1 << 32) * min(SPREAD, judge.period)
        self._task = asyncio.create_task(self._ask_for_ever(), name=f"health of {name}")

    def close(self) -> None:
        """There are no more results from now on."""
        self._probe.close()
        self._task.cancel()

    async def _ask_for_ever(self) -> None:
        due = time.monotonic() + self._offset
        while True:
            if not await slept(due - time.monotonic()):
                self._tell(*await self._ask())
            due = next_turn(due, self.judge.period, time.monotonic())

    async def _ask(self) -> tuple[ProbeResult, Verdict | None]:
        at, began, asked = now_ms(), time.perf_counter(), awake_and_asleep()
        good = False
        try:
            async with asyncio.timeout(self._timeout):
                message, good = await self._probe.ask(), True
        except TimeoutError:
            message = f"no answer within {self._timeout:g} s"
        except OSError as error:
            message = in_words(error)
        except (ProbeError, ValueError) as error:
            message = str(error)
        latency = round((time.perf_counter() - began) * 1000, 1)
        slept_through = awake_and_asleep() - asked > self._timeout + ASLEEP
        if slept_through and not good:
            message += "; not counted, for the machine or the manager was asleep"
        result = ProbeResult(time=rfc3339(at), ok=good, latency_ms=latency, message=message)
        return result, None if slept_through and not good else self.judge.take(good, time.monotonic())


async def slept(seconds: float) -> bool:
    """Waits; whether that took so much longer that the machine or the manager must have been asleep."""
    began = awake_and_asleep()
    await asyncio.sleep(max(seconds, 0.0))
    return awake_and_asleep() - began > max(seconds, 0.0) + ASLEEP


def awake_and_asleep() -> float:
    """Seconds since the machine was started, with those for which it was suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def next_turn(due: float, period: float, now: float) -> float:
    """The first moment from `now` on that is a whole number of periods after `due`; turns that were missed are gone."""
    missed = max(0, int((now - due) // period))
    return due + (missed + 1) * period
