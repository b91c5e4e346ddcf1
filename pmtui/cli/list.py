"""`pmtui list`: list processes."""

import argparse
import shutil
import sys
import time
from collections.abc import Sequence

import msgspec

from pmtui.cli.base import DONE, FAILURE, fail
from pmtui.cli.output import Output, fit
from pmtui.cli.session import PATTERNS, fetch_snapshots, no_match, select_matching, verb_parser, with_client
from pmtui.cli.table import table
from pmtui.client.http_client import HttpClient
from pmtui.control import Snapshot
from pmtui.wording import log_problem_text

REFRESH_INTERVAL = 1.0
CURSOR_HOME, CLEAR_LINE, CLEAR_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"


def parser() -> argparse.ArgumentParser:
    command = verb_parser(
        "list",
        "List the processes of the manager that runs for this config, in a table that fits the terminal.",
        "pmtui list",
        "pmtui list @workers 'web-*'",
        "pmtui list --watch                    refresh every second, until Ctrl-C",
        "pmtui list --json | jq -r '.[] | select(.status != \"running\") | .id'",
    )
    command.add_argument("ids", nargs="*", metavar="ID", help=f"{PATTERNS} (default: all)")
    command.add_argument("--json", action="store_true", help="print what GET /api/pm/list returns")
    command.add_argument("-w", "--watch", action="store_true", help="refresh every second")
    return command


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    return with_client(options, lambda client: watch(client, options) if options.watch else show(client, options))


def show(client: HttpClient, options: argparse.Namespace) -> int:
    snapshots = fetch_snapshots(client)
    rows, unmatched = select_matching(snapshots, options.ids)
    if rows or not unmatched or options.json:
        sys.stdout.write("".join(f"{line}\n" for line in format_lines(rows, options.json, Output())))
    return fail(no_match(unmatched[0], snapshots), FAILURE) if unmatched else DONE


def watch(client: HttpClient, options: argparse.Namespace) -> int:
    """Redraw the table every second on a terminal; otherwise write one table after the other."""
    while True:
        output = Output()
        rows, _ = select_matching(fetch_snapshots(client), options.ids)
        lines = format_lines(rows, options.json, output)
        if output.on_terminal and not options.json:
            sys.stdout.write(format_screen(lines, output))
        else:
            sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()
        time.sleep(REFRESH_INTERVAL)


def format_lines(rows: Sequence[Snapshot], as_json: bool, output: Output) -> list[str]:
    if as_json:
        return [msgspec.json.encode(rows).decode()]
    alarm = log_problem_text(rows)
    alarms = [output.paint(fit(f"{output.glyphs.bad} {alarm}", output.width, output.glyphs.ellipsis), "bad")]
    return [*table(rows, output, time.time()), *(alarms if alarm else [])]


def format_screen(lines: list[str], output: Output) -> str:
    """Return as many lines as fit, with the codes that draw them over the previous screen."""
    height = shutil.get_terminal_size().lines - 1
    if len(lines) > height:
        lines = [*lines[: height - 1], f"{output.glyphs.ellipsis} and {len(lines) - height + 1} more"]
    return CURSOR_HOME + "".join(f"{line}{CLEAR_LINE}\n" for line in lines) + CLEAR_BELOW
