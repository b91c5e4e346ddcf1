"""Describe processes to agents, in few words."""

from collections.abc import Iterator, Mapping

from pmtui.control import Detail, RunExit, Snapshot, Status, explain, matches
from pmtui.text.formatting import duration, memory, plural, printable

MAX_EXITS = 3
MAX_EXIT_LINES = 10


def row_text(row: Snapshot) -> str:
    """Describe a process on one line."""
    parts = [row.id, row.status]
    if row.health and row.health != row.status:
        parts.append(row.health)
    if row.pid:
        parts.append(f"up {duration(row.uptime_seconds)}, {memory(row.memory)}")
    if row.restart_count:
        parts.append(plural(row.restart_count, "restart", "restarts"))
    if row.origin == "adhoc":
        parts.append("ad hoc")
    parts += [*row.urls] or [f"port {port}" for port in row.ports]
    why = printable(explain(row) or (row.last_error if row.status is not Status.RUNNING else ""))
    return " ".join(parts) + (f": {why}" if why else "")


def selected(rows: Mapping[str, Snapshot], pattern: str) -> list[Snapshot]:
    return [row for row in rows.values() if matches(row, pattern)]


def explanation(detail: Detail, rows: Mapping[str, Snapshot]) -> Iterator[str]:
    """Say why a process is in its state: its dependencies, checks and last runs."""
    yield row_text(detail)
    if detail.last_error and detail.last_error not in explain(detail):
        yield f"last error: {printable(detail.last_error)}"
    if detail.next_start:
        yield f"next start: {detail.next_start}"
    yield f"command: {printable(detail.command)} (in {printable(detail.cwd)})"
    for name in detail.config.get("dependsOn") or ():
        if name in rows:
            yield f"depends on {row_text(rows[name])}"
    yield from _root(detail, rows)
    failed = [probe for probe in detail.probes if not probe.ok]
    if failed:
        yield f"last failed check, of {len(failed)} in {len(detail.probes)}: {printable(failed[-1].message)}"
    for number, ended in enumerate([*detail.exits][-MAX_EXITS:][::-1]):
        yield exit_text(ended)
        if number == 0 and (ended.reason or detail.status is not Status.RUNNING):
            yield from (f"  {printable(line)}" for line in ended.lines[-MAX_EXIT_LINES:])


def exit_text(ended: RunExit) -> str:
    how = ended.signal or f"exit code {ended.code}"
    why = f": {printable(ended.reason)}" if ended.reason else ""
    return f"run {ended.run} ended at {ended.time} with {how} after {duration(ended.uptime_seconds)}{why}"


def _root(row: Snapshot, rows: Mapping[str, Snapshot]) -> Iterator[str]:
    """Name the process at the end of the chain of those that are waited for."""
    seen = {row.id}
    root = row
    while (following := rows.get(root.blocked_by or "")) and following.id not in seen:
        seen.add(following.id)
        root = following
    if root.id != row.id:
        yield f"root cause: {row_text(root)}"
