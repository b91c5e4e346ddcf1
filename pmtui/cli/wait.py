"""`pmtui wait`: wait until processes have reached a condition."""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial

from pmtui.cli.base import DONE, FAILURE, TIMED_OUT, duration_option, fail
from pmtui.cli.output import as_json
from pmtui.cli.session import PATTERNS, no_match, select_matching, verb_parser, with_client
from pmtui.cli.waiting import (
    GOOD,
    Kind,
    Outcome,
    Rows,
    Verdict,
    Watch,
    overruled_start,
    root_cause,
    started_again,
    summary,
    tell_causes,
    write_last_lines,
)
from pmtui.client.http_client import HttpClient, process_path
from pmtui.control import INACTIVE_STATES, Detail, NotFoundError, Snapshot, Status, explain
from pmtui.text.formatting import printable

CONDITIONS: dict[str, Callable[[Snapshot], bool]] = {
    "healthy": lambda row: row.status is Status.RUNNING and row.ready,
    "running": lambda row: row.status is Status.RUNNING,
    "stopped": lambda row: row.status in INACTIVE_STATES,
    "completed": lambda row: row.status is Status.COMPLETED,
}


def parser() -> argparse.ArgumentParser:
    command = verb_parser(
        "wait",
        "Wait until processes are healthy (running, if they have no health check), running, stopped or completed. "
        "Exit code 0: all of them are; 1: one of them cannot be any more; 124: the timeout is over. Without ids: all "
        "processes that have not been stopped or completed, and are no jobs that wait for their time.",
        "pmtui wait --timeout 60s && ./run-tests.sh",
        "pmtui wait migrate --for completed",
        "pmtui wait @workers --for stopped",
    )
    command.add_argument("ids", nargs="*", metavar="ID", help=PATTERNS)
    command.add_argument(
        "--for", dest="aim", choices=tuple(CONDITIONS), default="healthy", help="what to wait for (default: healthy)"
    )
    command.add_argument(
        "--timeout",
        type=duration_option,
        metavar="TIME",
        help="wait at most this long, such as 30s; 0: look once",
    )
    command.add_argument("--json", action="store_true", help="print an array with the outcome of each process")
    return command


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    return with_client(options, lambda client: wait(client, options))


def wait(client: HttpClient, options: argparse.Namespace) -> int:
    aim = Aim(client, options.aim, are_named=bool(options.ids))
    watch = Watch(client, partial(chosen, options.ids), aim.judge, options.timeout, aim.if_removed)
    found = list[tuple[Snapshot, Verdict]]()
    for row, verdict in watch:
        found.append((row, verdict))
        if verdict.kind is Kind.BAD:
            break
    if options.json:
        outcomes = [
            Outcome(row.id, verdict.kind is Kind.GOOD, row.status, verdict.text or explain(row))
            for row, verdict in found
        ]
        sys.stdout.write(f"{as_json(outcomes)}\n")
    return report(client, options, watch.rows, found)


def report(
    client: HttpClient, options: argparse.Namespace, rows: Rows, found: Sequence[tuple[Snapshot, Verdict]]
) -> int:
    """Say what did not come true, and why, and return the exit code."""
    for row, verdict in found:
        if verdict.kind is Kind.BAD:
            root = root_cause(row, rows)
            fail(f"{row.id} cannot be {options.aim}: {verdict.text}", FAILURE)
            if root.id != row.id and root.status is Status.FAILED:
                tell_causes(client, [row], rows)
            elif row.status is Status.FAILED:
                write_last_lines(client, client.get(process_path(row.id), Detail))
            return FAILURE
    late = [row for row, verdict in found if verdict.kind is Kind.LATE]
    if not late:
        return DONE
    fail(f"not {options.aim} after {options.timeout:g} s: {summary(late)}", TIMED_OUT)
    if options.aim != "stopped":
        tell_causes(client, late, rows)
    return TIMED_OUT


def chosen(patterns: list[str], rows: Sequence[Snapshot]) -> list[str]:
    """Return the ids that the patterns select. Raises NotFoundError if a pattern selects none."""
    found, unmatched = select_matching([*rows], patterns)
    if unmatched:
        raise NotFoundError(no_match(unmatched[0], [*rows]))
    return [row.id for row in found]


class Aim:
    """A condition to wait for, and when it cannot come true any more."""

    def __init__(self, client: HttpClient, name: str, *, are_named: bool) -> None:
        self._client, self._name, self._are_named = client, name, are_named
        self._being_stopped: set[str] = set()
        self._policies: dict[str, str] = {}
        self.if_removed = Kind.GOOD if name == "stopped" else Kind.BAD

    def judge(self, row: Snapshot, rows: Rows) -> Verdict | None:
        if CONDITIONS[self._name](row):
            return GOOD
        if not self._are_named and is_at_rest(row, self._name):
            return GOOD
        text = self._stopped_problem(row) if self._name == "stopped" else self._start_problem(row, rows)
        return Verdict(Kind.BAD, text) if text else None

    def _stopped_problem(self, row: Snapshot) -> str:
        """A stop that was under way is overruled by a start."""
        if row.wanted_by is None:
            self._being_stopped.add(row.id)
        return started_again(row) if row.wanted_by and row.id in self._being_stopped else ""

    def _start_problem(self, row: Snapshot, rows: Rows) -> str:
        if row.status in INACTIVE_STATES:
            return f"it is {row.status}" + (f", {printable(explain(row))}" if explain(row) else "")
        if text := overruled_start(row, rows):
            return text
        if self._name == "completed" and row.schedule:
            return "it is a job, which is scheduled again after each run"
        is_endless = self._name == "completed" and self._policy(row.id) == "always"
        return "it is restarted whenever it ends (restart = always)" if is_endless else ""

    def _policy(self, process_id: str) -> str:
        if process_id not in self._policies:
            config = self._client.get(process_path(process_id), Detail).config
            self._policies[process_id] = config.get("restart") or "always"
        return self._policies[process_id]


def is_at_rest(row: Snapshot, aim: str) -> bool:
    """Return whether a process that was not named has ended on purpose."""
    return row.status is Status.STOPPED or (row.status in (Status.COMPLETED, Status.SCHEDULED) and aim != "stopped")
