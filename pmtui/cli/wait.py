"""`pmtui wait`: until something is so of processes."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence

from pmtui.cli.base import DONE, FAILURE, fail
from pmtui.cli.operations import MAX_POLL_INTERVAL, MIN_POLL_INTERVAL
from pmtui.cli.session import PATTERNS, duration_option, fetch_snapshots, select_matching, verb_parser, with_client
from pmtui.client.http_client import HttpClient, process_path
from pmtui.control import INACTIVE_STATES, Detail, Snapshot, Status, explain
from pmtui.text.formatting import printable

CONDITIONS: dict[str, Callable[[Snapshot], bool]] = {
    "healthy": lambda row: row.status is Status.RUNNING and row.ready,
    "running": lambda row: row.status is Status.RUNNING,
    "stopped": lambda row: row.status in INACTIVE_STATES,
    "completed": lambda row: row.status is Status.COMPLETED,
}
IMPOSSIBLE_STATES = {
    "healthy": INACTIVE_STATES,
    "running": INACTIVE_STATES,
    "stopped": frozenset(),
    "completed": INACTIVE_STATES - {Status.COMPLETED},
}
"""Where it does not come true unless somebody does something."""


def parser() -> argparse.ArgumentParser:
    made = verb_parser(
        "wait",
        "Waits until processes are healthy (running, where there is no health check), running, stopped or completed. "
        "Exit code 0: all of them are; 1: one cannot be any more, or the time is over. Without ids: all but those "
        "that rest on purpose.",
        "pmtui wait --timeout 60s && ./run-tests.sh",
        "pmtui wait migrate --for completed",
        "pmtui wait @workers --for stopped",
    )
    made.add_argument("ids", nargs="*", metavar="ID", help=PATTERNS)
    made.add_argument(
        "--for", dest="aim", choices=tuple(CONDITIONS), default="healthy", help="what to wait for (healthy)"
    )
    made.add_argument("--timeout", type=duration_option, metavar="TIME", help="wait no longer, such as 30s or 2m")
    return made


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    return with_client(options, lambda client: wait(client, options))


def wait(client: HttpClient, options: argparse.Namespace) -> int:
    deadline = None if options.timeout is None else time.monotonic() + options.timeout
    pause = MIN_POLL_INTERVAL
    while True:
        rows, lost = select_matching(fetch_snapshots(client), options.ids)
        if lost:
            return fail(f"no process matches '{lost[0]}'", FAILURE)
        left = [
            row
            for row in rows
            if not CONDITIONS[options.aim](row) and (options.ids or not is_resting(row, options.aim))
        ]
        if not left:
            return DONE
        for row in left:
            if obstacle := blocking_reason(client, row, options.aim):
                return fail(f"{row.id} cannot be {options.aim}: {obstacle}", FAILURE)
        if deadline is not None and time.monotonic() >= deadline:
            return fail(f"not {options.aim} after {options.timeout:g} s: {summary(left)}", FAILURE)
        sys.stdout.flush()
        time.sleep(pause if deadline is None else max(0.0, min(pause, deadline - time.monotonic())))
        pause = min(MAX_POLL_INTERVAL, pause * 1.5)


def is_resting(row: Snapshot, aim: str) -> bool:
    """Whether the process is not meant where nobody names one: it has done its work, or is not to run."""
    return row.status is Status.STOPPED or (row.status is Status.COMPLETED and aim != "stopped")


def blocking_reason(client: HttpClient, row: Snapshot, aim: str) -> str:
    """Why it cannot come true; empty as long as it can."""
    if row.status in IMPOSSIBLE_STATES[aim]:
        return f"it is {row.status}" + (f", {printable(explain(row))}" if explain(row) else "")
    if aim == "completed" and row.status is Status.RUNNING:
        policy = client.get(process_path(row.id), Detail).config.get("restart", "always")
        return "it is restarted whenever it ends (restart = always)" if policy == "always" else ""
    return ""


def summary(rows: Sequence[Snapshot], most: int = 5) -> str:
    said = [
        f"{row.id} is {row.status}" + (f" ({printable(explain(row))})" if explain(row) else "") for row in rows[:most]
    ]
    return ", ".join(said) + (f" and {len(rows) - most} more" if len(rows) > most else "")
