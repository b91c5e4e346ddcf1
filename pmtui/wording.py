"""Describe for people who wants a process to run, and its log files."""

from collections.abc import Sequence

from pmtui.control import Detail, Requester, Snapshot
from pmtui.text.formatting import local_time, memory, plural

MAX_NAMES = 5
"""Processes that a message names."""


def requester_text(requester: Requester | None, dependent: str | None) -> str:
    """Say by whom a process was started; empty for None."""
    match requester:
        case Requester.USER:
            return "by the user"
        case Requester.CONFIG:
            return "by the config"
        case Requester.DEPENDENT:
            return f"because {dependent} depends on it"
        case None:
            return ""


def wanted_by_text(detail: Detail) -> str:
    """Say who keeps the process up, or would start it again; empty if it is not wanted."""
    if detail.wanted_by is None:
        return ""
    names = {Requester.USER: "you", Requester.CONFIG: "the config"}
    dependents = dict.fromkeys([*filter(None, [detail.wanted_for]), *detail.required_by])
    whom = [names[detail.wanted_by]] if detail.wanted_by in names else []
    return ", ".join([*whom, *(f"{name} (depends on it)" for name in dependents)])


def log_problem_text(rows: Sequence[Snapshot]) -> str:
    """Describe the problem of these processes with their log files; empty if there is none."""
    found = {row.id: row.log_problem for row in rows if row.log_problem}
    if not found:
        return ""
    first = min(found.values(), key=lambda problem: problem.since)
    lines, size = sum(one.missing_lines for one in found.values()), sum(one.missing_bytes for one in found.values())
    missing = f"{plural(lines, 'line', 'lines')} ({memory(size)}) missing" if lines else "nothing is missing yet"
    names = ", ".join([*found][:MAX_NAMES]) + (f" and {len(found) - MAX_NAMES} more" if len(found) > MAX_NAMES else "")
    return f"{first.message}, since {local_time(first.since)}; {missing} in the log files of {names}"
