"""Start each job when it is due, with one timer for all of them."""

import asyncio
import logging
from functools import partial
from heapq import heapify, heappop, heappush
from itertools import count

from pmtui.config.schedule import Cron
from pmtui.control import Reason, Status
from pmtui.monitors.jobs.clock import Clock, Moment
from pmtui.monitors.jobs.deadlines import Deadlines
from pmtui.monitors.jobs.journal import Journal
from pmtui.monitors.jobs.runs import describe_run
from pmtui.monitors.jobs.timetable import CORRECTION, Entry, entry_of, key_of
from pmtui.monitors.monitor import Monitor
from pmtui.supervisor import events
from pmtui.supervisor.process import Process
from pmtui.supervisor.state import State
from pmtui.supervisor.supervisor import Supervisor

logger = logging.getLogger(__name__)
LOOK_INTERVAL = 1.0
"""Seconds after which the wall clock is looked at again."""
MIN_JUMP = 0.5
"""Seconds by which the wall clock moves at least if it is set, or if the machine has slept."""
MAX_SLIP = 0.005
"""Seconds by which the wall clock may slip before the times of all jobs are computed again."""
TOLERANCE = 0.0005


class JobScheduler(Monitor):
    """The wall clock says when a job is due; the wait for that is monotonic. What jumps is looked at again."""

    clock = Clock()

    def __init__(self, supervisor: Supervisor) -> None:
        super().__init__(supervisor)
        self._journal: Journal | None = None
        self._entries: dict[str, Entry] = {}
        self._queue: list[tuple[float, int, Process, Entry]] = []  # by monotonic time; see `_push`
        self._tokens, self._numbers = count(), count()
        self._deadlines = Deadlines()
        self._moment = self.clock.read()
        self._timer: asyncio.TimerHandle | None = None

    def processes_changed(self) -> None:
        for process in self.supervisor.processes.values():
            if process.config.schedule and process.job.on_run_end is None:
                self._adopt(process)
            entry = self._entries.get(process.id)
            if entry and process.config.schedule and entry.key != key_of(process.config):
                del self._entries[process.id]
                self._enroll(process)
            elif entry and not process.config.schedule:
                process.job.on_run_end = None
                self._drop(process)

    def process_changed(self, process: Process) -> None:
        if not process.config.schedule:
            return
        self._deadlines.watch(process)
        entry = self._entries.get(process.id)
        is_wanted = process.state.should_run and not process.state.removed
        if is_wanted and entry is None:
            self._enroll(process)
        elif entry and not is_wanted:
            self._drop(process)
        elif entry and entry.is_queued and process.status is Status.SCHEDULED:
            self._start(process, entry, Reason.SCHEDULE)

    async def close(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._deadlines.close()
        if self._journal:
            await self._journal.close()

    # which jobs there are

    @property
    def journal(self) -> Journal:
        if self._journal is None:
            directory = self.supervisor.logs.directory
            self._journal = Journal(directory.parent / "jobs.jsonl" if directory else None)
        return self._journal

    def _adopt(self, process: Process) -> None:
        """Take over the runs under former managers, and continue to count from there."""
        process.job.on_run_end = partial(self._run_ended, process)
        if (record := self.journal.records.get(process.id)) and record.runs:
            process.job.runs.extend(record.runs)
            process.job.earlier_runs = max(0, record.runs[-1].run - process.state.starts)

    def _enroll(self, process: Process) -> None:
        """Put the job on its schedule; find out whether it was missed while the manager was down."""
        if process.job.on_run_end is None:
            self._adopt(process)
        entry, now = entry_of(process.config, next(self._numbers)), self.clock.read()
        record = self.journal.records.get(process.id)
        since = record.due / 1000 if record and record.due and record.key == entry.key else None
        is_missed = since is not None and self._can_miss(process, entry) and entry.was_missed(since, now)
        entry.last_due = since or 0.0
        if since is None or is_missed:
            self.journal.mark_due(process.id, entry.key, round(now.wall * 1000))
        self._entries[process.id] = entry
        self._push(process, entry, now)
        self._arm(now)
        if is_missed:
            self._miss(process, entry, "while the manager was down")

    def _can_miss(self, process: Process, entry: Entry) -> bool:
        """Return whether being down can be a reason to be late: elapsed time only counts while the manager is up."""
        return isinstance(entry.schedule, Cron) or process.config.catch_up

    def _drop(self, process: Process) -> None:
        del self._entries[process.id]
        process.job.due = 0
        if not self.supervisor.is_shutting_down:
            self.journal.mark_stopped(process.id)

    def _run_ended(self, process: Process, before: State) -> None:
        run = describe_run(process, before, is_shutdown=self.supervisor.is_shutting_down)
        process.job.runs.append(run)
        self.journal.mark_end(process.id, run)

    # what is due

    def _push(self, process: Process, entry: Entry, now: Moment) -> None:
        """Wait for the next time of this job. What is in the queue with an older token no longer counts."""
        entry.plan(now)
        entry.token = next(self._tokens)
        process.job.due = round(entry.wall_due_at(now) * 1000)
        heappush(self._queue, (entry.due_at(now), entry.token, process, entry))

    def _is_current(self, process: Process, entry: Entry, token: int) -> bool:
        return entry.token == token and self._entries.get(process.id) is entry

    def _arm(self, now: Moment) -> None:
        while self._queue and not self._is_current(*self._queue[0][2:], self._queue[0][1]):
            heappop(self._queue)
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._queue:
            delay = min(self._queue[0][0] - now.monotonic, LOOK_INTERVAL)
            self._timer = asyncio.get_running_loop().call_later(max(0.0, delay), self._wake)

    def _wake(self) -> None:
        now = self.clock.read()
        try:
            self._follow_clock(now)
            while self._queue and self._queue[0][0] <= now.monotonic + TOLERANCE:
                _, token, process, entry = heappop(self._queue)
                if self._is_current(process, entry, token):
                    self._come_due(process, entry, now)
        finally:
            self._arm(now)

    def _come_due(self, process: Process, entry: Entry, now: Moment) -> None:
        entry.mark_due(now)
        if self._can_miss(process, entry):
            self.journal.mark_due(process.id, entry.key, round(entry.last_due * 1000))
        self._push(process, entry, now)
        self._start(process, entry, Reason.SCHEDULE)

    def _start(self, process: Process, entry: Entry, reason: Reason) -> None:
        if process.status is Status.SCHEDULED or process.config.overlap == "replace":
            entry.is_queued = False
            process.handle(events.Restart(reason))
        else:
            entry.is_queued = process.config.overlap == "queue"

    def _miss(self, process: Process, entry: Entry, why: str) -> None:
        process.job.missed += 1
        if process.config.catch_up:
            logger.warning("%s was due %s; it is started now", process.id, why)
            self._start(process, entry, Reason.CATCH_UP)
        else:
            logger.warning("%s was due %s; it is not started later, since catchUp is false", process.id, why)
        self.supervisor.process_changed(process)

    # clocks that jump

    def _follow_clock(self, now: Moment) -> None:
        """Compute everything again if the wall clock has moved against the monotonic one since the last time."""
        moved, slept = now.ahead - self._moment.ahead, now.slept - self._moment.slept
        if abs(moved) <= MAX_SLIP:
            return
        self._moment = now
        if abs(moved) >= MIN_JUMP:
            for process_id, entry in [*self._entries.items()]:
                self._jump(self.supervisor.processes[process_id], entry, now, moved, has_slept=slept >= MIN_JUMP)
        for process_id, entry in self._entries.items():
            self.supervisor.processes[process_id].job.due = round(entry.wall_due_at(now) * 1000)
        self._queue = [
            (entry.due_at(now), token, process, entry)
            for _, token, process, entry in self._queue
            if self._is_current(process, entry, token)
        ]
        heapify(self._queue)

    def _jump(self, process: Process, entry: Entry, now: Moment, moved: float, *, has_slept: bool) -> None:
        if not isinstance(entry.schedule, Cron) or entry.start <= now.wall - moved:
            return  # it was due before the jump, and is started now
        if entry.start > now.wall:
            if entry.due > now.wall:  # else only its jitter is left to wait for
                entry.plan(now)
        elif has_slept:
            entry.mark_due(now)
            self.journal.mark_due(process.id, entry.key, round(now.wall * 1000))
            entry.plan(now)
            self._miss(process, entry, "while the machine slept")
        elif moved > CORRECTION:
            entry.plan(now)
