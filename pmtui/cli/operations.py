"""`pmtui start`, `stop` and `restart`: run an operation on several processes, and report the outcome of each."""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence

from pmtui.cli.base import DONE, FAILURE
from pmtui.cli.output import Output, fit
from pmtui.cli.session import PATTERNS, duration_option, fetch_snapshots, verb_parser, with_client
from pmtui.client.http_client import HttpClient
from pmtui.control import INACTIVE_STATES, Operation, Results, Snapshot, Status, explain

OUTCOME_STATES = INACTIVE_STATES | {Status.RUNNING, Status.CRASHED}
STARTED_STATES = frozenset({Status.RUNNING, Status.COMPLETED})
SUCCESS_STATES: dict[Operation, frozenset[Status]] = {
    "start": STARTED_STATES,
    "restart": STARTED_STATES,
    "stop": INACTIVE_STATES,
}
MIN_UPTIME = 0.5
"""Seconds that a process has to stay alive: most that cannot run end sooner."""
MIN_POLL_INTERVAL, MAX_POLL_INTERVAL = 0.02, 0.25
"""Seconds between two requests; grows from the first to the second."""


def operation_parser(verb: Operation, description: str, *examples: str) -> argparse.ArgumentParser:
    command = verb_parser(verb, description, *examples)
    command.add_argument("ids", nargs="*", metavar="ID", help=PATTERNS)
    command.add_argument("-a", "--all", action="store_true", help=f"{verb} all processes")
    if verb != "stop":
        command.add_argument("--no-wait", action="store_true", help="return at once, without the outcome")
        command.add_argument(
            "--timeout", type=duration_option, metavar="TIME", help="wait at most this long, such as 30s"
        )
    return command


def operate(verb: Operation, parser: argparse.ArgumentParser, argv: Sequence[str]) -> int:
    options = parser.parse_args(argv)
    if bool(options.ids) == options.all:
        parser.error(f"give the processes to {verb}: ids, globs or @groups, or else --all")
    return with_client(options, lambda client: run_operation(client, verb, options))


def run_operation(client: HttpClient, verb: Operation, options: argparse.Namespace) -> int:
    results = client.post(f"/api/pm/{verb}", Results, {"ids": options.ids or ["*"]}).results
    output = Output()
    for result in results:
        if not result.ok:
            sys.stdout.write(f"{output.sign(is_good=False)} {result.message}\n")
    chosen = [result.id for result in results if result.ok]
    is_complete = len(chosen) == len(results)
    if verb != "stop" and options.no_wait:
        sys.stdout.write("".join(f"{process_id}: {verb} requested\n" for process_id in chosen))
        return DONE if is_complete else FAILURE
    outcomes = wait_outcomes(client, chosen, None if verb == "stop" else options.timeout)
    return DONE if report(outcomes, verb, max(map(len, chosen), default=0), output) and is_complete else FAILURE


def report(outcomes: Iterator[Snapshot], verb: Operation, width: int, output: Output) -> bool:
    """Print each outcome as soon as it is known, and return whether all are good."""
    all_good = True
    for row in outcomes:
        is_good = row.status in SUCCESS_STATES[verb]
        all_good &= is_good
        sys.stdout.write(format_result(row, is_good, width, output) + "\n")
        sys.stdout.flush()
    return all_good


def wait_outcomes(client: HttpClient, ids: Sequence[str], timeout: float | None) -> Iterator[Snapshot]:
    """Yield each process as soon as its outcome is known; after `timeout` seconds, as it is then."""
    waiting = list(ids)
    deadline = None if timeout is None else time.monotonic() + timeout
    pause = MIN_POLL_INTERVAL
    while waiting:
        rows = {row.id: row for row in fetch_snapshots(client)}
        is_late = deadline is not None and time.monotonic() >= deadline
        ready = [row for name in waiting if (row := rows.get(name)) and (is_late or has_outcome(row))]
        yield from ready
        done = {row.id for row in ready}
        waiting = [name for name in waiting if name in rows and name not in done]
        if waiting:
            time.sleep(pause)
            pause = min(MAX_POLL_INTERVAL, pause * 1.5)


def has_outcome(row: Snapshot) -> bool:
    """Return whether the start of a process has come to an end, good or bad."""
    if row.status is Status.RUNNING:
        return row.health is not None or row.uptime_seconds >= MIN_UPTIME
    return row.status in OUTCOME_STATES


def format_result(row: Snapshot, is_good: bool, width: int, output: Output) -> str:
    detail = f"pid {row.pid}" if row.status is Status.RUNNING else explain(row)
    detail = fit(detail, output.width and max(20, output.width - width - 14), output.glyphs.ellipsis)
    head = f"{output.sign(is_good)} {row.id:<{width}}  {output.status(row.status)}"
    return f"{head}{'  ' if detail else ''}{output.paint(detail, 'dim')}"
