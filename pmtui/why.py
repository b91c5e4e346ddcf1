"""Why a process is what it is, in the words in which every front tells it."""

from pmtui.control import Reason, Snapshot, Status

RESTART_TEXTS: dict[str, str] = {
    Reason.CRASH: "restarted after a crash",
    Reason.EXIT: "restarted after its end",
    Reason.USER: "restarted by user",
    Reason.WATCH: "restarted: a file changed",
    Reason.MEMORY: "restarted: too much memory",
    Reason.HEALTH: "restarted: unhealthy",
    Reason.CONFIG: "restarted: config changed",
}


def explain(row: Snapshot) -> str:
    """What it is doing, what it waits for, or what made it so; empty where there is nothing to tell."""
    if row.status is Status.STARTING:
        return (row.stage or "spawning").replace("-", " ")
    return RESTART_TEXTS.get(row.reason, row.reason)
