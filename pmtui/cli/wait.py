"""`pmtui wait`: until something is so of processes."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence

from pmtui.cli.base import DONE, FAILURE, complain
from pmtui.cli.operations import LONGEST, SHORTEST
from pmtui.cli.session import PATTERNS, ask, duration_option, matching, rows_of, verb_parser
from pmtui.client.http_client import Client, path_of
from pmtui.control import Detail, Snapshot, Status
from pmtui.text.formatting import harmless
from pmtui.why import why

GONE = (Status.STOPPED, Status.COMPLETED, Status.FAILED)
IS_SO: dict[str, Callable[[Snapshot], bool]] = {
    "healthy": lambda row: row.status is Status.RUNNING and row.ready,
    "running": lambda row: row.status is Status.RUNNING,
    "stopped": lambda row: row.status in GONE,
    "completed": lambda row: row.status is Status.COMPLETED,
}
NEVER = {
    "healthy": GONE,
    "running": GONE,
    "stopped": (),
    "completed": (Status.STOPPED, Status.FAILED),
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
    made.add_argument("--for", dest="aim", choices=tuple(IS_SO), default="healthy", help="what to wait for (healthy)")
    made.add_argument("--timeout", type=duration_option, metavar="TIME", help="wait no longer, such as 30s or 2m")
    return made


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    return ask(options, lambda client: wait(client, options))


def wait(client: Client, options: argparse.Namespace) -> int:
    deadline = None if options.timeout is None else time.monotonic() + options.timeout
    pause = SHORTEST
    while True:
        rows, lost = matching(rows_of(client), options.ids)
        if lost:
            return complain(f"no process matches '{lost[0]}'", FAILURE)
        left = [row for row in rows if not IS_SO[options.aim](row) and (options.ids or not rests(row, options.aim))]
        if not left:
            return DONE
        for row in left:
            if obstacle := hindrance(client, row, options.aim):
                return complain(f"{row.id} cannot be {options.aim}: {obstacle}", FAILURE)
        if deadline is not None and time.monotonic() >= deadline:
            return complain(f"not {options.aim} after {options.timeout:g} s: {summary(left)}", FAILURE)
        sys.stdout.flush()
        time.sleep(pause if deadline is None else max(0.0, min(pause, deadline - time.monotonic())))
        pause = min(LONGEST, pause * 1.5)


def rests(row: Snapshot, aim: str) -> bool:
    """Whether the process is not meant where nobody names one: it has done its work, or is not to run."""
    return row.status is Status.STOPPED or (row.status is Status.COMPLETED and aim != "stopped")


def hindrance(client: Client, row: Snapshot, aim: str) -> str:
    """Why it cannot come true; empty as long as it can."""
    if row.status in NEVER[aim]:
        return f"it is {row.status}" + (f", {harmless(why(row))}" if why(row) else "")
    if aim == "completed" and row.status is Status.RUNNING:
        policy = client.get(path_of(row.id), Detail).config.get("restart", "always")
        return "it is restarted whenever it ends (restart = always)" if policy == "always" else ""
    return ""


def summary(rows: Sequence[Snapshot], most: int = 5) -> str:
    said = [f"{row.id} is {row.status}" + (f" ({harmless(why(row))})" if why(row) else "") for row in rows[:most]]
    return ", ".join(said) + (f" and {len(rows) - most} more" if len(rows) > most else "")
