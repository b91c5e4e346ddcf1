"""`pmtui start`, `stop` and `restart`: an operation on several processes, and what came of it."""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence

from pmtui.cli.base import DONE, FAILURE
from pmtui.cli.output import Output, fit
from pmtui.cli.session import PATTERNS, duration_option, fetch_snapshots, verb_parser, with_client
from pmtui.client.http_client import HttpClient
from pmtui.control import Operation, Result, Results, Snapshot, Status, explain

OUTCOME_STATES = frozenset({Status.RUNNING, Status.CRASHED, Status.FAILED, Status.STOPPED, Status.COMPLETED})
SUCCESS_STATES: dict[Operation, frozenset[Status]] = {
    "start": frozenset({Status.RUNNING, Status.COMPLETED}),
    "restart": frozenset({Status.RUNNING, Status.COMPLETED}),
    "stop": frozenset({Status.STOPPED, Status.COMPLETED, Status.FAILED}),
}
MIN_UPTIME = 0.5
"""Seconds that a process has to stay alive: most that cannot run end sooner."""
MIN_POLL_INTERVAL, MAX_POLL_INTERVAL = 0.02, 0.25
"""Seconds between two looks, first and in the end."""


def operation_parser(verb: Operation, description: str, *examples: str) -> argparse.ArgumentParser:
    made = verb_parser(verb, description, *examples)
    made.add_argument("ids", nargs="*", metavar="ID", help=PATTERNS)
    made.add_argument("-a", "--all", action="store_true", help="all processes")
    if verb != "stop":
        made.add_argument("--no-wait", action="store_true", help="do not wait for what comes of it")
        made.add_argument("--timeout", type=duration_option, metavar="TIME", help="wait no longer, such as 30s")
    return made


def operate(verb: Operation, parser: argparse.ArgumentParser, argv: Sequence[str]) -> int:
    options = parser.parse_args(argv)
    if bool(options.ids) == options.all:
        parser.error(f"name what to {verb}: ids, globs or @groups, or --all")
    return with_client(options, lambda client: run_operation(client, verb, options))


def run_operation(client: HttpClient, verb: Operation, options: argparse.Namespace) -> int:
    results = client.post(f"/api/pm/{verb}", Results, {"ids": options.ids or ["*"]}).results
    ink = Output()
    failed = [result for result in results if not result.ok]
    for result in failed:
        sys.stdout.write(f"{ink.paint(ink.glyphs.bad, 'bad')} {result.message}\n")
    chosen = [result.id for result in results if result.ok]
    if verb != "stop" and options.no_wait:
        sys.stdout.write("".join(f"{process_id}: {verb} asked for\n" for process_id in chosen))
        return FAILURE if failed else DONE
    timeout = None if verb == "stop" else options.timeout
    width = max(map(len, chosen), default=0)
    for row in wait_outcomes(client, chosen, timeout):
        is_good = row.status in SUCCESS_STATES[verb]
        sys.stdout.write(format_result(row, is_good, width, ink) + "\n")
        sys.stdout.flush()
        if not is_good:
            failed.append(Result(id=row.id, ok=False, message=row.reason))
    return FAILURE if failed else DONE


def wait_outcomes(client: HttpClient, ids: Sequence[str], timeout: float | None) -> Iterator[Snapshot]:
    """Each of the processes as soon as it is clear what has become of it; after `timeout`, as it is then."""
    waiting = set(ids)
    deadline = None if timeout is None else time.monotonic() + timeout
    pause = MIN_POLL_INTERVAL
    while waiting:
        rows = {row.id: row for row in fetch_snapshots(client)}
        is_late = deadline is not None and time.monotonic() >= deadline
        for process_id in [process_id for process_id in ids if process_id in waiting]:
            row = rows.get(process_id)
            if row is None:
                waiting.discard(process_id)
            elif is_late or has_outcome(row):
                waiting.discard(process_id)
                yield row
        if waiting:
            time.sleep(pause)
            pause = min(MAX_POLL_INTERVAL, pause * 1.5)


def has_outcome(row: Snapshot) -> bool:
    """Whether it is clear what has become of the process, for the time being."""
    if row.status is Status.RUNNING:
        return row.health is not None or row.uptime_seconds >= MIN_UPTIME
    return row.status in OUTCOME_STATES


def format_result(row: Snapshot, is_good: bool, width: int, ink: Output) -> str:
    sign = ink.paint(ink.glyphs.good, "good") if is_good else ink.paint(ink.glyphs.bad, "bad")
    told = f"pid {row.pid}" if row.status is Status.RUNNING else explain(row)
    told = fit(told, ink.width and max(20, ink.width - width - 14), ink.glyphs.ellipsis)
    return f"{sign} {row.id:<{width}}  {ink.status(row.status)}{'  ' if told else ''}{ink.paint(told, 'dim')}"
