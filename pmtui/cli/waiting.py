"""How commands wait: each outcome as soon as it is known, what is still waited for, and the root cause of a failure."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum, auto
from typing import NamedTuple

import msgspec

from pmtui.cli.base import DONE, FAILURE, TIMED_OUT, fail
from pmtui.cli.output import fit, terminal_width
from pmtui.cli.session import fetch_snapshots
from pmtui.client.http_client import HttpClient, process_path
from pmtui.control import INACTIVE_STATES, Detail, LogLine, Snapshot, Status, explain
from pmtui.text.formatting import duration, printable
from pmtui.wording import requester_text

Rows = Mapping[str, Snapshot]
STARTED_STATES = frozenset({Status.RUNNING, Status.COMPLETED})
ENDED_STATES = frozenset({Status.CRASHED, Status.FAILED, Status.SCHEDULED})
MIN_UPTIME = 0.5
"""Seconds that a process has to stay alive: most that cannot run end sooner."""
MIN_POLL_INTERVAL, MAX_POLL_INTERVAL = 0.02, 0.25
"""Seconds between two requests; grows from the first to the second."""
PROGRESS_DELAY = 0.3
"""Seconds until a terminal shows what is waited for."""
PROGRESS_INTERVAL = 10.0
"""Seconds between two reports of what is waited for, without a terminal."""
MAX_SHOWN = 5
MAX_LAST_LINES = 10
CLEAR_LINE = "\r\x1b[K"


class Kind(Enum):
    GOOD = auto()
    BAD = auto()
    LATE = auto()


class Verdict(NamedTuple):
    """What became of a process; `text` says so if its status does not."""

    kind: Kind
    text: str = ""


class Outcome(msgspec.Struct, frozen=True):
    """What became of one process, for programs; `status` is None if that is not known."""

    id: str
    ok: bool
    status: Status | None
    message: str


Judge = Callable[[Snapshot, Rows], Verdict | None]
"""Returns None while the outcome is open."""
GOOD, BAD, LATE = map(Verdict, Kind)


def judge_start(row: Snapshot, rows: Rows) -> Verdict | None:
    if row.rolling and row.rolling.stage != "stopping":
        return None
    if row.roll_error:
        return Verdict(Kind.BAD, f"the new run failed, the old one goes on: {row.roll_error}")
    if row.status is Status.RUNNING:
        return GOOD if row.health is not None or row.uptime_seconds >= MIN_UPTIME else None
    if row.status is Status.COMPLETED:
        return GOOD
    if row.status is Status.SCHEDULED:
        return BAD if row.reason else GOOD
    if row.status in (Status.CRASHED, Status.FAILED):
        return BAD
    return Verdict(Kind.BAD, text) if (text := overruled_start(row, rows)) else None


def judge_stop(row: Snapshot, rows: Rows) -> Verdict | None:
    if row.wanted_by and row.status not in INACTIVE_STATES:
        return Verdict(Kind.BAD, started_again(row))
    return GOOD if row.status in INACTIVE_STATES else None


def overruled_start(row: Snapshot, rows: Rows) -> str:
    """Say what keeps the process from coming up; empty if nothing does."""
    if row.wanted_by is None:
        return "stopped by the user"
    root = root_cause(row, rows)
    if root.status is Status.STOPPED and root.wanted_by is None:
        return f"waits for {root.id}, which is stopped; start {root.id}"
    return ""


def started_again(row: Snapshot) -> str:
    return f"started again {requester_text(row.wanted_by, row.wanted_for)}"


def root_cause(row: Snapshot, rows: Rows) -> Snapshot:
    """Return the process at the end of the chain of dependencies that this one waits for, or failed because of."""
    seen = set[str]()
    while row.id not in seen:
        seen.add(row.id)
        row = rows.get(row.blocked_by or "", row)
    return row


class Watch:
    """Yields each process with its outcome, in the order in which they are known; those still open are LATE at the end.

    `select` chooses the processes when they are first listed. One that is removed from the config has the outcome
    `removed`. A timeout of 0 looks once.
    """

    def __init__(
        self,
        client: HttpClient,
        select: Callable[[Sequence[Snapshot]], Iterable[str]],
        judge: Judge,
        timeout: float | None,
        removed: Kind = Kind.BAD,
    ) -> None:
        self.rows: dict[str, Snapshot] = {}
        self._client, self._select, self._judge, self._timeout = client, select, judge, timeout
        self._removed = Verdict(removed, "removed from the config")

    def __iter__(self) -> Iterator[tuple[Snapshot, Verdict]]:
        deadline = None if self._timeout is None else time.monotonic() + self._timeout
        pause, progress = MIN_POLL_INTERVAL, Progress()
        snapshots = fetch_snapshots(self._client)
        self.rows |= {row.id: row for row in snapshots}
        left = {name: None for name in self._select(snapshots) if name in self.rows}
        while True:
            latest = {row.id: row for row in snapshots}
            verdicts = {name: self._judge(latest[name], latest) if name in latest else self._removed for name in left}
            self.rows |= latest
            for name, verdict in verdicts.items():
                if verdict:
                    del left[name]
                    progress.clear()
                    yield self.rows[name], verdict
            if not left or (deadline is not None and time.monotonic() >= deadline):
                break
            progress.show([self.rows[name] for name in left])
            time.sleep(pause if deadline is None else max(0.0, min(pause, deadline - time.monotonic())))
            pause = min(MAX_POLL_INTERVAL, pause * 1.5)
            snapshots = fetch_snapshots(self._client)
        progress.clear()
        yield from ((self.rows[name], LATE) for name in left)


class Progress:
    """Shows on stderr what is waited for: in place on a terminal, else now and then."""

    def __init__(self) -> None:
        self._in_place = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._started_at = self._last = time.monotonic()
        self._is_shown = False

    def show(self, rows: Sequence[Snapshot]) -> None:
        now = time.monotonic()
        text = f"waiting for {duration(now - self._started_at)}: {summary(rows)}"
        if self._in_place and now - self._last >= PROGRESS_DELAY:
            sys.stderr.write(f"{CLEAR_LINE}{fit(text, (terminal_width(sys.stderr) or 80) - 1)}")
            self._is_shown = True
        elif not self._in_place and now - self._last >= PROGRESS_INTERVAL:
            sys.stderr.write(f"pmtui: {printable(text)}\n")
            self._last = now
        sys.stderr.flush()

    def clear(self) -> None:
        """Make way for other output; without a terminal, the next report is as far away as after one."""
        if self._is_shown:
            sys.stderr.write(CLEAR_LINE)
            sys.stderr.flush()
        self._is_shown = False
        if not self._in_place:
            self._last = time.monotonic()


def summary(rows: Sequence[Snapshot]) -> str:
    """Say of each process what it does: `web is waiting (waits for db), db is starting (waiting for health)`."""
    more = f" and {len(rows) - MAX_SHOWN} more" if len(rows) > MAX_SHOWN else ""
    texts = [f"{row.id} is {row.status}{f' ({why})' if (why := printable(explain(row))) else ''}" for row in rows]
    return ", ".join(texts[:MAX_SHOWN]) + more


def exit_code(kinds: Iterable[Kind]) -> int:
    found = {*kinds}
    return FAILURE if Kind.BAD in found else TIMED_OUT if Kind.LATE in found else DONE


def tell_causes(client: HttpClient, failed: Sequence[Snapshot], rows: Rows) -> None:
    """Write the root causes to stderr, each with its last lines; processes that only depend on one are left out."""
    roots = {root.id: root for row in failed if (root := root_cause(row, rows))}
    for root in [*roots.values()][:MAX_SHOWN]:
        detail = client.get(process_path(root.id), Detail)
        why = printable(explain(root))
        if root.health == "starting" and detail.probes:
            why += f", last check: {printable(detail.probes[-1].message)}"
        fail(f"{root.id} is {root.status}{': ' if why else ''}{why}", FAILURE)
        write_last_lines(client, detail)
    if len(roots) > MAX_SHOWN:
        fail(f"and {len(roots) - MAX_SHOWN} more", FAILURE)


def write_last_lines(client: HttpClient, detail: Detail) -> None:
    for line in last_lines(client, detail)[-MAX_LAST_LINES:]:
        sys.stderr.write(f"  {printable(line)}\n")


def last_lines(client: HttpClient, detail: Detail) -> Sequence[str]:
    """Return the last lines of the current run, or of the one that ended last."""
    if detail.pid:
        path = process_path(detail.id, "logs")
        return [line.text for line in client.get(path, list[LogLine], run="current", lines=MAX_LAST_LINES)]
    return detail.exits[-1].lines if detail.exits and detail.status in ENDED_STATES else ()
