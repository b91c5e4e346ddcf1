"""`pmtui events`: what happened to processes."""

import argparse
import sys
from collections.abc import Collection, Sequence
from datetime import datetime
from fnmatch import fnmatchcase

import msgspec

from pmtui.cli.base import DONE, FAILURE, complain
from pmtui.cli.logs import count
from pmtui.cli.output import Ink, fitted
from pmtui.cli.session import PATTERNS, ask, following, matching, rows_of, verb_parser
from pmtui.client.http_client import Client, path_of
from pmtui.client.sse import Events
from pmtui.control import Event


def parser() -> argparse.ArgumentParser:
    made = verb_parser(
        "events",
        "The last changes of state, each with its reason.",
        "pmtui events                          the last 100 of all processes",
        "pmtui events web -n 5",
        "pmtui events -f --json | jq 'select(.to == \"failed\")'",
    )
    made.add_argument("ids", nargs="*", metavar="ID", help=f"{PATTERNS} (all processes)")
    made.add_argument("-n", "--lines", type=count, default=100, metavar="N", help="the last N (100)")
    made.add_argument("-f", "--follow", action="store_true", help="go on with what comes, until Ctrl-C")
    made.add_argument("--json", action="store_true", help="an object a line: seq, id, from, to, reason, time")
    return made


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    return ask(options, lambda client: show(client, options))


def show(client: Client, options: argparse.Namespace) -> int:
    rows, lost = matching(rows_of(client), options.ids)
    if lost:
        return complain(f"no process matches '{lost[0]}'", FAILURE)
    found = [event for row in rows for event in client.get(path_of(row.id, "events"), list[Event])]
    found.sort(key=lambda event: event.seq)
    ink = Ink()
    write(found[-options.lines :] if options.lines else [], options.json, ink)
    if not options.follow:
        return DONE
    return follow(client, options, Events(str(found[-1].seq if found else 0)), ink)


def follow(client: Client, options: argparse.Namespace, events: Events, ink: Ink) -> int:
    """All behind what was told already, also of a manager that comes after this one."""
    known = {row.id for row in matching(rows_of(client), options.ids)[0]}
    for batch in following(client, options, "/api/pm/events", events):
        told = [msgspec.json.decode(one.data, type=Event) for one in batch if one.kind == "message"]
        write([one for one in told if is_wanted(one, options.ids, known)], options.json, ink)
    return DONE


def is_wanted(event: Event, patterns: Sequence[str], known: Collection[str]) -> bool:
    """Whether it is about a process that is meant, be it new."""
    return not patterns or event.id in known or any(fnmatchcase(event.id, pattern) for pattern in patterns)


def write(events: Sequence[Event], as_json: bool, ink: Ink) -> None:
    lines = [msgspec.json.encode(event).decode() if as_json else shown(event, ink) for event in events]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def shown(event: Event, ink: Ink) -> str:
    """`17:00:00.123  web  ● running  watch: agent.py changed`."""
    moment = datetime.fromisoformat(event.time).astimezone()
    time = f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03}"
    status = ink.status(event.to)
    reason = fitted(event.reason, None)
    return f"{ink.paint(time, 'dim')}  {ink.name(event.id, event.id):<12}  {status:<10}  {reason}".rstrip()
