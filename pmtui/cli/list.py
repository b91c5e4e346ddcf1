"""`pmtui list`: the processes as a table."""

import argparse
import shutil
import sys
import time
from collections.abc import Sequence

import msgspec

from pmtui.cli.base import DONE, FAILURE, fail
from pmtui.cli.output import Output
from pmtui.cli.session import PATTERNS, fetch_snapshots, select_matching, verb_parser, with_client
from pmtui.cli.table import table
from pmtui.client.http_client import HttpClient
from pmtui.control import Snapshot

REFRESH_INTERVAL = 1.0
CURSOR_HOME, CLEAR_LINE, CLEAR_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"


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
    return with_client(options, lambda client: watch(client, options) if options.watch else show(client, options))


def show(client: HttpClient, options: argparse.Namespace) -> int:
    rows, lost = select_matching(fetch_snapshots(client), options.ids)
    if rows or not lost or options.json:
        sys.stdout.write("".join(f"{line}\n" for line in format_lines(rows, options.json, Output())))
    return fail(f"no process matches '{lost[0]}'", FAILURE) if lost else DONE


def watch(client: HttpClient, options: argparse.Namespace) -> int:
    """Draws over what it drew before; what is no terminal gets one list after the other."""
    while True:
        ink = Output()
        rows, _ = select_matching(fetch_snapshots(client), options.ids)
        lines = format_lines(rows, options.json, ink)
        if ink.on_terminal and not options.json:
            sys.stdout.write(format_screen(lines, ink))
        else:
            sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()
        time.sleep(REFRESH_INTERVAL)


def format_lines(rows: Sequence[Snapshot], as_json: bool, ink: Output) -> list[str]:
    if as_json:
        return [msgspec.json.encode(rows).decode()]
    return table(rows, ink, time.time())


def format_screen(lines: list[str], ink: Output) -> str:
    """As much as there is room for, over what was there before."""
    height = shutil.get_terminal_size().lines - 1
    if len(lines) > height:
        lines = [*lines[: height - 1], f"{ink.glyphs.ellipsis} and {len(lines) - height + 1} more"]
    return CURSOR_HOME + "".join(f"{line}{CLEAR_LINE}\n" for line in lines) + CLEAR_BELOW
