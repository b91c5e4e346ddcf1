"""The guardian's workers, and which processes belong to which of them; standard library only."""

import os
import time

from pmtui.spawner.process_tree import descendants, mark_of
from pmtui.spawner.procfs import children, start_ticks

SCAN_PAUSE_FACTOR = 4
"""A scan is followed by a pause so many times as long. Why: it looks at every child, and when thousands end together, a
scan after each of them would take a time that grows with the square of their number."""
HANG_UP_DELAY = 1.0
"""Seconds between SIGHUP and SIGKILL for what outlives the first process of a terminal."""


class WorkerRun:
    """A worker: its first process, which leads a session, and what is known of its end."""

    __slots__ = (
        *("ended", "hung_up_at", "is_detached", "killed", "leader", "number"),
        *("seen", "terminal", "terminating"),
    )

    def __init__(self, number: int, leader: int, terminal: int | None = None, is_detached: bool = False) -> None:
        self.number = number
        self.leader = leader
        self.terminal = terminal  # kept open, so that output is not at its end while something of the run is left
        self.is_detached = is_detached  # what the leader leaves behind at a good end is left until it is asked to end
        self.hung_up_at: float | None = None
        self.ended = False  # the leader is reaped
        self.terminating = False  # asked to end: what outlives the leader is left until `kill`
        self.seen: set[tuple[int, int]] = set()  # pid and start of those that were seen below the leader
        self.killed: list[str] = []  # "pid name" of those that had to be killed

    def may_be_killed(self, now: float) -> bool:
        """Whether what has outlived the leader has to go: at once, or a second after its terminal has hung up."""
        if self.hung_up_at is not None:
            return now >= self.hung_up_at + HANG_UP_DELAY
        return not self.terminating


class RunTable:
    """All runs of which a process may be left, by number and by leader."""

    def __init__(self, base: int) -> None:
        self._base = base
        self._runs: dict[int, WorkerRun] = {}
        self._leaders: dict[int, WorkerRun] = {}  # whose leader is not reaped
        self._sessions: dict[int, WorkerRun] = {}
        self._seen: dict[tuple[int, int], WorkerRun] = {}
        self._orphans: dict[WorkerRun | None, list[int]] = {}
        self._next_scan = 0.0

    def add(self, run: WorkerRun) -> None:
        self._runs[run.number] = self._leaders[run.leader] = self._sessions[run.leader] = run

    def get(self, number: int) -> WorkerRun | None:
        return self._runs.get(number)

    def take_leader(self, pid: int) -> WorkerRun | None:
        """Return the run that this process leads; it is about to be reaped."""
        return self._leaders.pop(pid, None)

    def remove(self, run: WorkerRun) -> None:
        del self._runs[run.number]
        if self._sessions.get(run.leader) is run:  # else its pid is that of a newer leader
            del self._sessions[run.leader]
        for identity in run.seen:
            self._seen.pop(identity, None)
        if run.terminal is not None:
            os.close(run.terminal)

    def members(self, run: WorkerRun) -> list[int]:
        """Return every process of the run but its leader."""
        below = [] if run.ended else descendants([run.leader])[1:]
        seen = {(pid, start_ticks(pid)) for pid in below}
        run.seen |= seen
        self._seen |= dict.fromkeys(seen, run)
        if self.scan_delay() <= 0:
            self.scan()
        return below + descendants(self._orphans.get(run, []))

    def scan(self) -> dict[WorkerRun | None, list[int]]:
        """Return the children that the guardian did not spawn, whose parents have ended, by run."""
        started = time.monotonic()
        self._orphans = {}
        for pid in children(os.getpid()):
            if pid not in self._leaders:
                self._orphans.setdefault(self._run_of(pid), []).append(pid)
        ended = time.monotonic()
        self._next_scan = ended + (ended - started) * SCAN_PAUSE_FACTOR
        return self._orphans

    def scan_delay(self) -> float:
        """Return the seconds until the next scan is due."""
        return self._next_scan - time.monotonic()

    def _run_of(self, pid: int) -> WorkerRun | None:
        """Find the run by the mark; if the process has changed it, by its session or by having been seen before."""
        if run := self._runs.get(mark_of(pid) - self._base):
            return run
        try:
            session = os.getsid(pid)
        except OSError:
            return None
        return self._sessions.get(session) or self._seen.get((pid, start_ticks(pid)))
