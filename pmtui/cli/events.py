"""`pmtui events`: what happened to processes."""

import argparse
import sys
from collections.abc import Collection, Sequence
from datetime import datetime
from fnmatch import fnmatchcase

import msgspec

from pmtui.cli.base import DONE, FAILURE, fail
from pmtui.cli.logs import line_count
from pmtui.cli.output import Output, fit
from pmtui.cli.session import PATTERNS, fetch_snapshots, follow_stream, select_matching, verb_parser, with_client
from pmtui.client.http_client import HttpClient, process_path
from pmtui.client.sse import EventStreamParser
from pmtui.control import ProcessEvent


def parser() -> argparse.ArgumentParser:
    made = verb_parser(
        "events",
        "The last changes of state, each with its reason.",
        "pmtui events                          the last 100 of all processes",
        "pmtui events web -n 5",
        "pmtui events -f --json | jq 'select(.to == \"failed\")'",
    )
    made.add_argument("ids", nargs="*", metavar="ID", help=f"{PATTERNS} (all processes)")
    made.add_argument("-n", "--lines", type=line_count, default=100, metavar="N", help="the last N (100)")
    made.add_argument("-f", "--follow", action="store_true", help="go on with what comes, until Ctrl-C")
    made.add_argument("--json", action="store_true", help="an object a line: seq, id, from, to, reason, time")
    return made


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    return with_client(options, lambda client: show(client, options))


def show(client: HttpClient, options: argparse.Namespace) -> int:
    rows, lost = select_matching(fetch_snapshots(client), options.ids)
    if lost:
        return fail(f"no process matches '{lost[0]}'", FAILURE)
    found = [event for row in rows for event in client.get(process_path(row.id, "events"), list[ProcessEvent])]
    found.sort(key=lambda event: event.seq)
    ink = Output()
    write_events(found[-options.lines :] if options.lines else [], options.json, ink)
    if not options.follow:
        return DONE
    return follow(client, options, EventStreamParser(str(found[-1].seq if found else 0)), ink)


def follow(client: HttpClient, options: argparse.Namespace, events: EventStreamParser, ink: Output) -> int:
    """All behind what was told already, also of a manager that comes after this one."""
    known = {row.id for row in select_matching(fetch_snapshots(client), options.ids)[0]}
    for batch in follow_stream(client, options, "/api/pm/events", events):
        told = [msgspec.json.decode(one.data, type=ProcessEvent) for one in batch if one.kind == "message"]
        write_events([one for one in told if is_wanted(one, options.ids, known)], options.json, ink)
    return DONE


def is_wanted(event: ProcessEvent, patterns: Sequence[str], known: Collection[str]) -> bool:
    """Whether it is about a process that is meant, be it new."""
    return not patterns or event.id in known or any(fnmatchcase(event.id, pattern) for pattern in patterns)


def write_events(events: Sequence[ProcessEvent], as_json: bool, ink: Output) -> None:
    lines = [msgspec.json.encode(event).decode() if as_json else format_event(event, ink) for event in events]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def format_event(event: ProcessEvent, ink: Output) -> str:
    """`17:00:00.123  web  ● running  watch: agent.py changed`."""
    moment = datetime.fromisoformat(event.time).astimezone()
    time = f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03}"
    status = ink.status(event.to)
    reason = fit(event.reason, None)
    return f"{ink.paint(time, 'dim')}  {ink.name(event.id, event.id):<12}  {status:<10}  {reason}".rstrip()
