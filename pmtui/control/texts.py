"""Words for people about what a manager says, and which processes a pattern selects."""

import time
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pmtui.control.models import JobRun, Reason, Snapshot, Status
from pmtui.text.formatting import coming_time, countdown, epoch_seconds

if TYPE_CHECKING:
    from pmtui.config.model import ProcessConfig

RESTART_TEXTS: dict[str, str] = {
    Reason.CRASH: "restarted after a crash",
    Reason.EXIT: "restarted after it exited",
    Reason.USER: "restarted by user",
    Reason.WATCH: "restarted: a file changed",
    Reason.MEMORY: "restarted: too much memory",
    Reason.HEALTH: "restarted: unhealthy",
    Reason.CONFIG: "restarted: config changed",
    Reason.DEPENDENCY: "restarted after a dependency",
    Reason.SCHEDULE: "started by schedule",
    Reason.CATCH_UP: "started late: it was missed",
    Reason.DEADLINE: "restarted: it took too long",
}

END_TEXTS = {
    "deadline": "ended at its deadline after",
    "replaced": "replaced after",
    "user": "stopped after",
    "shutdown": "ended with the manager after",
    Reason.HEALTH: "ended as unhealthy after",
    Reason.MEMORY: "ended for its memory after",
    Reason.WATCH: "restarted after",
    Reason.CONFIG: "ended by a new config after",
    Reason.DEPENDENCY: "restarted after",
}
"""What ended a run that did not end by itself."""


def explain(row: Snapshot, now: float | None = None) -> str:
    """Say what the process is doing, waiting for, or why it is in its state; empty if there is nothing to say."""
    if row.status is Status.STARTING:
        return (row.stage or "spawning").replace("-", " ")
    if row.status is Status.SCHEDULED:
        return schedule_text(row, time.time() if now is None else now)
    if row.reason.startswith(f"{Reason.USER}: "):  # how the run before ended is not why this one began
        return RESTART_TEXTS[Reason.USER]
    return RESTART_TEXTS.get(row.reason, row.reason)


def schedule_text(row: Snapshot, now: float) -> str:
    """Say when a job is started next, and how its last run ended: `next 02:00 (in 3h12m) · last ok 00:04:11`."""
    last = last_run_text(row.last_run, row.reason) if row.last_run else row.reason
    if not row.next_start:
        return last
    start = epoch_seconds(row.next_start)
    when = f"next {coming_time(start, now)} (in {countdown(start - now)})"
    return f"{when} · {last}" if last else when


def last_run_text(run: JobRun, why: str) -> str:
    """Say how a run ended and how long it took; `why` it failed, if that is known."""
    taken = f"{int(run.duration) // 3600:02}:{int(run.duration) // 60 % 60:02}:{int(run.duration) % 60:02}"
    if not run.reason or run.reason in END_TEXTS:
        return f"last {END_TEXTS.get(run.reason, 'ok')} {taken}"
    return f"last failed {taken}: {why or run.reason}"


def matches(process: "ProcessConfig | Snapshot", pattern: str) -> bool:
    """Return whether the pattern (an id, a glob, `@group` or `@label`) selects the process."""
    if pattern.startswith("@"):
        return pattern[1:] in (process.group, *process.labels)
    return fnmatchcase(process.id, pattern)
