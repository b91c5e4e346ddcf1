"""`pmtui list`: the processes as a table."""

import argparse
import shutil
import sys
import time
from collections.abc import Sequence

import msgspec

from pmtui.cli.base import DONE, FAILURE, complain
from pmtui.cli.output import Ink
from pmtui.cli.session import PATTERNS, ask, matching, rows_of, verb_parser
from pmtui.cli.table import table
from pmtui.client.http_client import Client
from pmtui.control import Snapshot

PERIOD = 1.0
HOME, REST_OF_LINE, REST_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"


def parser() -> argparse.ArgumentParser:
    made = verb_parser(
        "list",
        "The processes of the manager that runs for this config, as a table that fits the terminal.",
        "pmtui list",
        "pmtui list @workers 'web-*'",
        "pmtui list --watch                    again every second, until Ctrl-C",
        "pmtui list --json | jq -r '.[] | select(.status != \"running\") | .id'",
    )
    made.add_argument("ids", nargs="*", metavar="ID", help=PATTERNS)
    made.add_argument("--json", action="store_true", help="what GET /api/pm/list answers")
    made.add_argument("-w", "--watch", action="store_true", help="again every second")
    return made


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    return ask(options, lambda client: watch(client, options) if options.watch else show(client, options))


def show(client: Client, options: argparse.Namespace) -> int:
    rows, lost = matching(rows_of(client), options.ids)
    if rows or not lost or options.json:
        sys.stdout.write("".join(f"{line}\n" for line in lines_of(rows, options.json, Ink())))
    return complain(f"no process matches '{lost[0]}'", FAILURE) if lost else DONE


def watch(client: Client, options: argparse.Namespace) -> int:
    """Draws over what it drew before; what is no terminal gets one list after the other."""
    while True:
        ink = Ink()
        rows, _ = matching(rows_of(client), options.ids)
        lines = lines_of(rows, options.json, ink)
        if ink.on_terminal and not options.json:
            sys.stdout.write(on_screen(lines, ink))
        else:
            sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()
        time.sleep(PERIOD)


def lines_of(rows: Sequence[Snapshot], as_json: bool, ink: Ink) -> list[str]:
    if as_json:
        return [msgspec.json.encode(rows).decode()]
    return table(rows, ink, time.time())


def on_screen(lines: list[str], ink: Ink) -> str:
    """As much as there is room for, over what was there before."""
    height = shutil.get_terminal_size().lines - 1
    if len(lines) > height:
        lines = [*lines[: height - 1], f"{ink.glyphs.ellipsis} and {len(lines) - height + 1} more"]
    return HOME + "".join(f"{line}{REST_OF_LINE}\n" for line in lines) + REST_OF_SCREEN
