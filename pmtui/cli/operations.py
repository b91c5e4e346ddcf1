"""`pmtui start`, `stop` and `restart`: run an operation on several processes, and report the outcome of each."""

import argparse
import shlex
import sys
from collections.abc import Sequence

import msgspec

from pmtui.cli.base import DONE, FAILURE, duration_option, fail
from pmtui.cli.job_wait import JobWait
from pmtui.cli.output import Output, as_json, fit
from pmtui.cli.session import PATTERNS, fetch_snapshots, no_match, select_matching, verb_parser, with_client
from pmtui.cli.waiting import Kind, Outcome, Verdict, Watch, exit_code, judge_start, judge_stop, tell_causes
from pmtui.client.http_client import HttpClient, process_path
from pmtui.control import ConflictError, Operation, Result, Results, Snapshot, Status, explain
from pmtui.text.formatting import printable


def operation_parser(verb: Operation, description: str, *examples: str) -> argparse.ArgumentParser:
    command = verb_parser(verb, description, *examples)
    command.add_argument("ids", nargs="*", metavar="ID", help=PATTERNS)
    command.add_argument("-a", "--all", action="store_true", help=f"{verb} all processes")
    command.add_argument("--json", action="store_true", help="print an array with the outcome of each process")
    command.add_argument("--no-wait", action="store_true", help="return at once, without the outcome")
    command.add_argument(
        "--timeout", type=duration_option, metavar="TIME", help="wait at most this long, such as 30s; 0: look once"
    )
    return command


def operate(verb: Operation, parser: argparse.ArgumentParser, argv: Sequence[str]) -> int:
    options = parser.parse_args(argv)
    if bool(options.ids) == options.all:
        parser.error(f"give the processes to {verb}: ids, globs or @groups, or else --all")
    if verb == "start" and options.wait and options.no_wait:
        parser.error("--wait and --no-wait exclude each other")
    words = shlex.join(["pmtui", "-d", *options.ids])
    starts = f" ({words!r} starts it with {'these' if options.ids else 'all'} processes)" if verb != "stop" else ""
    return with_client(options, lambda client: run_operation(client, verb, options), starts)


def run_operation(client: HttpClient, verb: Operation, options: argparse.Namespace) -> int:
    jobs = JobWait(client, fetch_snapshots(client)) if verb == "start" and options.wait else None
    if verb == "restart" and options.rolling:
        results = request_rolling(client, options.ids)
    else:
        results = client.post(f"/api/pm/{verb}", Results, {"ids": options.ids or ["*"]}, wait="false").results
        results = explain_unmatched(client, results)
    if options.json:
        return run_as_json(client, verb, results, options, jobs)
    output = Output()
    chosen = [result.id for result in results if result.ok]
    for result in results:
        if not result.ok:
            sys.stdout.write(f"{output.sign(is_good=False)} {result.message}\n")
        elif result.message:
            sys.stdout.write(f"{output.paint(f'note: {printable(result.message)}', 'dim')}\n")
    if options.no_wait:
        sys.stdout.write("".join(f"{process_id}: {verb} requested\n" for process_id in chosen))
        return DONE if len(chosen) == len(results) else FAILURE
    sys.stdout.flush()
    kinds = report(watch_of(client, verb, chosen, options, jobs), client, output, chosen)
    code = jobs.exit_code(kinds) if jobs else exit_code(kinds)
    return code if code or len(chosen) == len(results) else FAILURE


def explain_unmatched(client: HttpClient, results: Sequence[Result]) -> Sequence[Result]:
    """Add the known ids to the results that say that no process matches."""
    if not any(result.message.startswith("No process matches") for result in results):
        return results
    rows = fetch_snapshots(client)
    return [
        msgspec.structs.replace(result, message=no_match(result.id, rows))
        if result.message.startswith("No process matches")
        else result
        for result in results
    ]


def watch_of(
    client: HttpClient, verb: Operation, ids: Sequence[str], options: argparse.Namespace, jobs: JobWait | None
) -> Watch:
    judge, removed = (judge_stop, Kind.GOOD) if verb == "stop" else (jobs.judge if jobs else judge_start, Kind.BAD)
    return Watch(client, lambda rows: ids, judge, options.timeout, removed)


def run_as_json(
    client: HttpClient,
    verb: Operation,
    results: Sequence[Result],
    options: argparse.Namespace,
    jobs: JobWait | None,
) -> int:
    """Print the outcome of each process as JSON, once all are known."""
    chosen = [result.id for result in results if result.ok]
    outcomes = [Outcome(result.id, False, None, result.message) for result in results if not result.ok]
    kinds = list[Kind]()
    if options.no_wait:
        outcomes += [Outcome(name, True, None, f"{verb} requested") for name in chosen]
    else:
        for row, verdict in watch_of(client, verb, chosen, options, jobs):
            kinds.append(verdict.kind)
            outcomes.append(Outcome(row.id, verdict.kind is Kind.GOOD, row.status, verdict.text or explain(row)))
    sys.stdout.write(as_json(outcomes) + "\n")
    code = jobs.exit_code(kinds) if jobs else exit_code(kinds)
    return code if code or len(chosen) == len(results) else FAILURE


def request_rolling(client: HttpClient, patterns: list[str]) -> Sequence[Result]:
    rows = fetch_snapshots(client)
    chosen, unmatched = select_matching(rows, patterns)
    results = [Result(id=pattern, ok=False, message=no_match(pattern, rows)) for pattern in unmatched]
    for row in chosen:
        try:
            client.read("POST", process_path(row.id, "restart"), rolling="true")
            results.append(Result(id=row.id, ok=True, message=""))
        except ConflictError as error:
            results.append(Result(id=row.id, ok=False, message=str(error)))
    return results


def report(watch: Watch, client: HttpClient, output: Output, ids: Sequence[str] = ()) -> Sequence[Kind]:
    """Print each outcome as soon as it is known, then the causes of failures."""
    kinds, failed = list[Kind](), list[Snapshot]()
    for row, verdict in watch:
        width = max(map(len, ids or watch.rows), default=0)
        sys.stdout.write(format_result(row, verdict, width, output) + "\n")
        sys.stdout.flush()
        kinds.append(verdict.kind)
        if verdict.text:
            fail(f"{row.id}: {verdict.text}", FAILURE)
        elif verdict.kind is not Kind.GOOD:
            failed.append(row)
    tell_causes(client, failed, watch.rows)
    return kinds


def format_result(row: Snapshot, verdict: Verdict, width: int, output: Output) -> str:
    is_good = verdict.kind is Kind.GOOD
    detail = verdict.text or (f"pid {row.pid}" if is_good and row.status is Status.RUNNING else explain(row))
    detail = fit(detail, output.width and max(20, output.width - width - 14), output.glyphs.ellipsis)
    head = f"{output.sign(is_good)} {row.id:<{width}}  {output.status(row.status)}"
    return f"{head}{'  ' if detail else ''}{output.paint(detail, 'dim')}"
