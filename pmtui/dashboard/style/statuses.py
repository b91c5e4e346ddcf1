"""What a status looks like: symbol, words and tone, in the dashboard and in `pmtui list`."""

from enum import StrEnum
from typing import NamedTuple

from pmtui.control import Snapshot, Status
from pmtui.dashboard.style.glyphs import STATUS_TONES, Glyphs, Tone
from pmtui.text.formatting import countdown, duration, epoch_seconds


class Label(NamedTuple):
    """`text` includes the symbol."""

    text: str
    tone: Tone


class Problem(StrEnum):
    """What a status alone does not say."""

    UNHEALTHY = "unhealthy"
    RETRYING = "retrying"
    BLOCKED = "blocked"


def problem_of(row: Snapshot) -> Problem | None:
    if row.status is Status.CRASHED:
        return Problem.RETRYING
    if row.status is Status.FAILED:
        return Problem.BLOCKED if row.blocked else None
    return Problem.UNHEALTHY if row.health == "unhealthy" and row.pid else None


def is_problem(row: Snapshot) -> bool:
    """Return whether a process has crashed, has failed, or runs but is unhealthy; or is a job that failed last time."""
    return row.status is Status.FAILED or problem_of(row) is not None or has_failed_last(row)


def has_failed_last(row: Snapshot) -> bool:
    """Return whether a job that waits for its time was given up last time."""
    return row.status is Status.SCHEDULED and bool(row.reason)


def status_label(
    row: Snapshot, now: float, glyphs: Glyphs, *, short: bool = False, stopping_since: float | None = None
) -> Label:
    """Return the status as it is shown: at most 14 cells if `short`, else 22."""
    problem = problem_of(row)
    if problem is Problem.UNHEALTHY:
        return Label(f"{glyphs.unhealthy} {problem}", "warn")
    if row.rolling and row.rolling.stage != "stopping":
        text = "new run" if short else "new run starting"
        return Label(f"{glyphs.status[Status.STARTING]} {text}", STATUS_TONES[Status.STARTING])
    symbol, tone = glyphs.status[row.status], STATUS_TONES[row.status]
    if problem is Problem.RETRYING and row.next_start:
        return Label(f"{symbol} {_retry_text(row, now, short)}", tone)
    if row.status is Status.STOPPING and stopping_since is not None and now - stopping_since >= 1:
        return Label(f"{symbol} {row.status} {duration(now - stopping_since)}", tone)
    return Label(f"{symbol} {problem or row.status}", "warn" if has_failed_last(row) else tone)


def _retry_text(row: Snapshot, now: float, short: bool) -> str:
    left = countdown(epoch_seconds(row.next_start or "") - now)
    if short:
        return f"retry in {left}"
    if row.exit_code == 0:
        return f"exit 0, again in {left}"
    limit = f"/{row.max_retries}" if row.max_retries >= 0 else ""
    return f"retry in {left} ({row.failures}{limit})"
