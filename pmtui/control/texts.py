"""Words for people about what a manager says, and which processes a pattern selects."""

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pmtui.control.models import Reason, Snapshot, Status

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


def explain(row: Snapshot) -> str:
    """Say what the process is doing, waiting for, or why it is in its state; empty if there is nothing to say."""
    if row.status is Status.STARTING:
        return (row.stage or "spawning").replace("-", " ")
    return RESTART_TEXTS.get(row.reason, row.reason)


def matches(process: "ProcessConfig | Snapshot", pattern: str) -> bool:
    """Return whether the pattern (an id, a glob, `@group` or `@label`) selects the process."""
    if pattern.startswith("@"):
        return pattern[1:] in (process.group, *process.labels)
    return fnmatchcase(process.id, pattern)
