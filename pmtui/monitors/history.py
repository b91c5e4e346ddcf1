"""Record what processes use and what happens to them."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress

from pmtui.control import NotFoundError, PastEvent, ProcessEvent, RunExit, Status, UsageHistory
from pmtui.history import access
from pmtui.history.columns import STEP, Sample
from pmtui.history.recorder import Recorder
from pmtui.history.records import EventRecord, RunEnd, Tick
from pmtui.monitors.monitor import Monitor
from pmtui.spawner.usage import NO_READING, UsageReading
from pmtui.supervisor.process import Process
from pmtui.supervisor.supervisor import Supervisor
from pmtui.text.timestamps import epoch_ms

EVENT_DELAY = 0.5
"""Seconds for which events are collected, so that a burst is one write and launching is not delayed."""
SAMPLE_OFFSET = 0.2
"""Seconds into each step when its sample is taken, so that a clock correction does not skip a step."""
MAX_WORD_LENGTH = 500
"""Characters kept of each of the last lines of a run."""


class HistoryMonitor(Monitor):
    """Passes samples and events to a `Recorder`, which has its own thread, and answers from it."""

    def __init__(self, supervisor: Supervisor) -> None:
        super().__init__(supervisor)
        self._recorder = make_recorder(supervisor)
        self._changed: dict[str, Process] = {}
        self._recorded: dict[str, tuple[int, RunExit | None]] = {}  # last event and last exit recorded, by process
        self._reading = NO_READING
        self._timer: asyncio.TimerHandle | None = None
        self._sampling: asyncio.Task[None] | None = None

    def process_changed(self, process: Process) -> None:
        if self._recorder is None:
            return
        self._changed[process.id] = process
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(EVENT_DELAY, self._record_events)
        if self._sampling is None:
            self._sampling = asyncio.create_task(self._sample_periodically(), name="history")

    async def close(self) -> None:
        if self._sampling:
            self._sampling.cancel()
        if self._recorder:
            self._record_events()
            await asyncio.to_thread(self._recorder.close)

    async def usage(self, process: Process, since: str, until: str, points: int) -> UsageHistory:
        """Return the values of a process over time. Raises NotFoundError without a history."""
        if self._recorder is None:
            raise NotFoundError("There is no history: settings.history is false.")
        self._record_events()
        return await access.usage_history(self._recorder, process.id, since, until, points)

    async def past_events(self, process: Process, since: str, until: str, limit: int) -> Sequence[PastEvent]:
        """Return past events; without a history, only those of this manager."""
        if self._recorder is None:
            return access.recent_events(process.events, since, until, limit)
        self._record_events()
        return await access.past_events(self._recorder, process.id, since, until, limit)

    async def sample(self) -> None:
        """Record what all processes use now."""
        if self._recorder and any(process.pid for process in self.supervisor.processes.values()):
            reading = await self.supervisor.sampler.read()
            self._recorder.record([Tick(int(time.time()), self._samples(reading))])
            self._reading = reading

    async def _sample_periodically(self) -> None:
        while True:
            await asyncio.sleep(STEP - (time.time() - SAMPLE_OFFSET) % STEP)
            with suppress(RuntimeError):  # no thread can be started
                await self.sample()

    def _record_events(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        changed, self._changed = self._changed, {}
        for process in changed.values():
            if self._recorder:
                self._recorder.record([*self._new_events(process)])

    def _new_events(self, process: Process) -> Iterator[EventRecord]:
        last, last_exit = self._recorded.get(process.id, (0, None))
        exits = exits_after(process, last_exit)
        for event in process.events:
            if event.seq > last:
                ended = exits.pop(0) if exits and ends_run(event, exits[0]) else None
                yield record_of(event, ended)
        if process.state.removed:
            self._recorded.pop(process.id, None)
        elif process.events:
            self._recorded[process.id] = process.events[-1].seq, process.exits[-1] if process.exits else None

    def _samples(self, reading: UsageReading) -> dict[str, Sample]:
        return {
            process.id: Sample(
                reading.cpu_percent(process.run, self._reading), reading.totals[process.run].memory, latency(process)
            )
            for process in self.supervisor.processes.values()
            if process.pid and process.run in reading.totals
        }


def make_recorder(supervisor: Supervisor) -> Recorder | None:
    """Return None without a data directory, or if `settings.history` is false."""
    directory, wanted = supervisor.logs.directory, supervisor.settings.history
    if directory is None or wanted is False:
        return None
    return Recorder(directory.parent / "history.db", max_size=wanted.max_size, keep=wanted.keep)


def latency(process: Process) -> float | None:
    """Return the duration of the last health check in milliseconds, or None if it failed."""
    probe = process.probes[-1] if process.health and process.probes else None
    return probe.latency_ms if probe and probe.ok else None


def exits_after(process: Process, last: RunExit | None) -> list[RunExit]:
    """Return the exits after that one, oldest first."""
    exits = [*process.exits]
    known = next((place for place, found in enumerate(exits) if found is last), -1)
    return exits[known + 1 :]


def ends_run(event: ProcessEvent, ended: RunExit) -> bool:
    """Whether this event, the first one after the exit, is the one that ended the run."""
    return event.time >= ended.time and event.to not in (Status.RUNNING, Status.STOPPING)


def record_of(event: ProcessEvent, ended: RunExit | None) -> EventRecord:
    end = None
    if ended:
        words = tuple(line[:MAX_WORD_LENGTH] for line in ended.lines)
        end = RunEnd(ended.code, ended.signal, words)
    return EventRecord(event.id, epoch_ms(event.time), event.seq, event.from_, event.to, event.reason, end)
