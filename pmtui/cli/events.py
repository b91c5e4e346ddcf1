"""`pmtui events`: show changes of status."""

import argparse
import sys
from collections.abc import Collection, Sequence
from datetime import datetime
from fnmatch import fnmatchcase

import msgspec

from pmtui.cli.base import DONE
from pmtui.cli.logs import line_count
from pmtui.cli.output import Output, fit
from pmtui.cli.session import (
    PATTERNS,
    fetch_matching,
    fetch_snapshots,
    follow_stream,
    select_matching,
    verb_parser,
    with_client,
)
from pmtui.client.http_client import HttpClient, process_path
from pmtui.client.sse import EventStreamParser
from pmtui.control import ProcessEvent


def parser() -> argparse.ArgumentParser:
    command = verb_parser(
        "events",
        "Show the last changes of status, each with its reason.",
        "pmtui events                          the last 100 of all processes",
        "pmtui events web -n 5",
        "pmtui events -f --json | jq 'select(.to == \"failed\")'",
    )
    command.add_argument("ids", nargs="*", metavar="ID", help=f"{PATTERNS} (default: all)")
    command.add_argument(
        "-n", "--lines", type=line_count, default=100, metavar="N", help="show the last N events (default: 100)"
    )
    command.add_argument("-f", "--follow", action="store_true", help="also show new events, until Ctrl-C")
    command.add_argument(
        "--json", action="store_true", help="print one object per line: seq, id, from, to, reason, time"
    )
    return command


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    return with_client(options, lambda client: show(client, options))


def show(client: HttpClient, options: argparse.Namespace) -> int:
    rows = fetch_matching(client, options.ids)
    events = [event for row in rows for event in client.get(process_path(row.id, "events"), list[ProcessEvent])]
    events.sort(key=lambda event: event.seq)
    output = Output()
    write_events(events[-options.lines :] if options.lines else [], options.json, output)
    if not options.follow:
        return DONE
    return follow(client, options, EventStreamParser(str(events[-1].seq if events else 0)), output)


def follow(client: HttpClient, options: argparse.Namespace, stream: EventStreamParser, output: Output) -> int:
    """Write all later events, also those of a restarted manager."""
    known = {row.id for row in select_matching(fetch_snapshots(client), options.ids)[0]}
    for batch in follow_stream(client, options, "/api/pm/events", stream):
        events = [msgspec.json.decode(one.data, type=ProcessEvent) for one in batch if one.kind == "message"]
        write_events([event for event in events if is_selected(event, options.ids, known)], options.json, output)
    return DONE


def is_selected(event: ProcessEvent, patterns: Sequence[str], known: Collection[str]) -> bool:
    """Return whether the event is about a selected process, which may be new."""
    return not patterns or event.id in known or any(fnmatchcase(event.id, pattern) for pattern in patterns)


def write_events(events: Sequence[ProcessEvent], as_json: bool, output: Output) -> None:
    lines = [msgspec.json.encode(event).decode() if as_json else format_event(event, output) for event in events]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def format_event(event: ProcessEvent, output: Output) -> str:
    """Return a line such as `2026-11-20 17:00:00.123  web  ● running  watch: agent.py changed`."""
    moment = datetime.fromisoformat(event.time).astimezone()
    time = f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03}"
    status = output.status(event.to)
    reason = fit(event.reason, None)
    return f"{output.paint(time, 'dim')}  {output.name(event.id, event.id):<12}  {status:<10}  {reason}".rstrip()
