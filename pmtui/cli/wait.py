"""`pmtui wait`: wait until processes have reached a condition."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence

from pmtui.cli.base import DONE, FAILURE, fail
from pmtui.cli.operations import MAX_POLL_INTERVAL, MIN_POLL_INTERVAL
from pmtui.cli.session import PATTERNS, duration_option, fetch_matching, verb_parser, with_client
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
"""States in which the condition is not reached unless somebody starts the process."""
MAX_SHOWN = 5


def parser() -> argparse.ArgumentParser:
    command = verb_parser(
        "wait",
        "Wait until processes are healthy (running, if they have no health check), running, stopped or completed. "
        "Exit code 0: all of them are; 1: one of them cannot be any more, or the timeout is over. Without ids: all "
        "processes that have not been stopped or completed.",
        "pmtui wait --timeout 60s && ./run-tests.sh",
        "pmtui wait migrate --for completed",
        "pmtui wait @workers --for stopped",
    )
    command.add_argument("ids", nargs="*", metavar="ID", help=PATTERNS)
    command.add_argument(
        "--for", dest="aim", choices=tuple(CONDITIONS), default="healthy", help="what to wait for (default: healthy)"
    )
    command.add_argument(
        "--timeout", type=duration_option, metavar="TIME", help="wait at most this long, such as 30s or 2m"
    )
    return command


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    return with_client(options, lambda client: wait(client, options))


def wait(client: HttpClient, options: argparse.Namespace) -> int:
    deadline = None if options.timeout is None else time.monotonic() + options.timeout
    pause = MIN_POLL_INTERVAL
    while remaining := fetch_remaining(client, options):
        for row in remaining:
            if reason := blocking_reason(client, row, options.aim):
                return fail(f"{row.id} cannot be {options.aim}: {reason}", FAILURE)
        if deadline is not None and time.monotonic() >= deadline:
            return fail(f"not {options.aim} after {options.timeout:g} s: {summary(remaining)}", FAILURE)
        sys.stdout.flush()
        time.sleep(pause if deadline is None else max(0.0, min(pause, deadline - time.monotonic())))
        pause = min(MAX_POLL_INTERVAL, pause * 1.5)
    return DONE


def fetch_remaining(client: HttpClient, options: argparse.Namespace) -> list[Snapshot]:
    """Return the processes that are still to be waited for."""
    rows = [row for row in fetch_matching(client, options.ids) if not CONDITIONS[options.aim](row)]
    return [row for row in rows if options.ids or not is_at_rest(row, options.aim)]


def is_at_rest(row: Snapshot, aim: str) -> bool:
    """Return whether a process that was not named has ended on purpose."""
    return row.status is Status.STOPPED or (row.status is Status.COMPLETED and aim != "stopped")


def blocking_reason(client: HttpClient, row: Snapshot, aim: str) -> str:
    """Return why the process cannot reach the condition; empty if it can."""
    if row.status in IMPOSSIBLE_STATES[aim]:
        return f"it is {row.status}" + (f", {printable(explain(row))}" if explain(row) else "")
    if aim == "completed" and row.status is Status.RUNNING:
        policy = client.get(process_path(row.id), Detail).config.get("restart", "always")
        return "it is restarted whenever it ends (restart = always)" if policy == "always" else ""
    return ""


def summary(rows: Sequence[Snapshot]) -> str:
    texts = [
        f"{row.id} is {row.status}" + (f" ({printable(explain(row))})" if explain(row) else "")
        for row in rows[:MAX_SHOWN]
    ]
    return ", ".join(texts) + (f" and {len(rows) - MAX_SHOWN} more" if len(rows) > MAX_SHOWN else "")
