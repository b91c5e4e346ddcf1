"""`pmtui logs`: show the output of processes."""

import argparse
import heapq
import sys
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from pmtui.cli.base import BAD_USAGE, DONE, fail
from pmtui.cli.log_lines import JsonLines, LineFormat, RawLines, TerminalLines
from pmtui.cli.output import Output
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
from pmtui.client.sse import EventStreamParser, ServerSentEvent
from pmtui.control import MAX_LINES, ControlError, DroppedLines, LogLine, RawLogLine
from pmtui.text.formatting import plural

STREAM_PATH = "/api/pm/logs/stream"
QUERY_OPTIONS = ("lines", "since", "until", "grep", "field", "search", "level", "stream")
LEVELS = ("trace", "debug", "info", "warn", "error", "fatal")


def parser() -> argparse.ArgumentParser:
    command = verb_parser(
        "logs",
        "Show the last lines of processes, from memory and log files, ordered by time. On a terminal, control "
        "characters are removed; a pipe or file receives the original bytes.",
        "pmtui logs web                        the last 100 lines",
        "pmtui logs -f                         follow all processes",
        "pmtui logs web --prev --stream stderr    errors of the run before the last restart",
        "pmtui logs @workers --since 10m --level error",
        "pmtui logs web -n 10000 --grep 'timeout|refused' > lines.txt",
        "pmtui logs api --field route=/v1/* --field status=500",
        "pmtui logs --json | jq -r .text",
    )
    add = command.add_argument
    add("ids", nargs="*", metavar="ID", help=f"{PATTERNS} (default: all)")
    add("-n", "--lines", type=line_count, default=100, metavar="N", help="show the last N lines (default: 100)")
    add("-f", "--follow", action="store_true", help="also show new lines, until Ctrl-C")
    add("--since", metavar="TIME", help="only lines from this time on: 5m, 2h or 2026-11-20T17:00:00Z")
    add("--until", metavar="TIME", help="only lines up to this time")
    add("--grep", metavar="REGEX", help="only lines that match this regular expression")
    add("--field", action="append", metavar="KEY=VALUE", help="only JSON or logfmt lines with this field; * matches")
    add(
        "--search",
        metavar="TERMS",
        help="only lines that match a search as in the dashboard",
    )
    add("--level", choices=LEVELS, help="only lines of this level or a more severe one")
    add("--stream", choices=("stdout", "stderr"), help="only this stream")
    add("--prev", action="store_true", help="show the previous run")
    add("--run", type=line_count, metavar="N", help="show run N, such as one of a job")
    add("-t", "--times", action="store_true", help="show the time of each line, also if the output is not a terminal")
    add("--json", action="store_true", help="print one object per line: seq, time, stream, text, run, id")
    return command


def line_count(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"invalid number '{text}'; expected a whole number from 0 on")
    return int(text)


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    if options.follow and options.lines > MAX_LINES:
        return fail(f"-f shows at most {MAX_LINES:,} earlier lines; reduce -n, or omit -f", BAD_USAGE)
    return with_client(
        options, lambda client: follow(client, options) if options.follow else show_last(client, options)
    )


def log_query(options: argparse.Namespace) -> dict[str, object]:
    wanted = {name: getattr(options, name) for name in QUERY_OPTIONS}
    return wanted | {"run": "previous" if options.prev else options.run, "raw": None if options.json else "true"}


def show_last(client: HttpClient, options: argparse.Namespace) -> int:
    """Print the last lines of all selected processes together."""
    rows = fetch_matching(client, options.ids)
    found = [fetch_lines(client, row.id, log_query(options), options) for row in rows]
    merged = [*heapq.merge(*found, key=lambda line: line.time)]
    printer = LogPrinter(options, [row.id for row in rows])
    printer.write_lines(merged[-options.lines :] if options.lines else [])
    printer.finish()
    return DONE


def fetch_lines(
    client: HttpClient, process_id: str, query: Mapping[str, object], options: argparse.Namespace
) -> list[LogLine]:
    """Return the last lines of one process, oldest first, in as many requests as needed."""
    form: type[Sequence[LogLine]] = list[LogLine] if options.json else list[RawLogLine]
    pages: list[Sequence[LogLine]] = []
    left, before = options.lines, None
    while True:
        page = client.get(process_path(process_id, "logs"), form, **{**query, "lines": left, "before": before})
        pages.append(page)
        if len(page) < MAX_LINES or left == MAX_LINES:
            return [line for page in reversed(pages) for line in page]
        left, before = left - MAX_LINES, page[0].seq


def follow(client: HttpClient, options: argparse.Namespace) -> int:
    """Print the last lines and all new ones, also those of a restarted manager."""
    printer = LogPrinter(options, [row.id for row in select_matching(fetch_snapshots(client), options.ids)[0]])
    query = log_query(options) | {"ids": ",".join(options.ids) or None}
    try:
        for batch in follow_stream(client, options, STREAM_PATH, EventStreamParser(), **query):
            printer.write_events(batch)
    finally:
        printer.finish()
    return DONE


class LogPrinter:
    """Writes lines for a terminal, a pipe or a program that reads JSON."""

    def __init__(self, options: argparse.Namespace, ids: Sequence[str]) -> None:
        output = Output()
        is_one = len(options.ids) == 1 and options.ids == [*ids]
        width = 0 if is_one else min(24, max(map(len, ids), default=0))
        self.as_json: bool = options.json
        self.format: LineFormat = RawLines(options.times, width > 0)
        if options.json:
            self.format = JsonLines()
        elif output.on_terminal:
            self.format = TerminalLines(output, width)

    def write_events(self, batch: Iterable[ServerSentEvent]) -> None:
        lines = []
        for event in batch:
            if event.kind == "message":
                lines.append(msgspec.json.decode(event.data, type=LogLine if self.as_json else RawLogLine))
                continue
            self.write_lines(lines)
            lines = []
            if event.kind == "missed":
                dropped = msgspec.json.decode(event.data, type=DroppedLines)
                sys.stderr.write(
                    f"pmtui: skipped {plural(dropped.lines, 'line', 'lines')} of {dropped.id}: read too slowly\n"
                )
            elif event.kind == "error":
                raise ControlError(msgspec.json.decode(event.data)["message"])
        self.write_lines(lines)

    def write_lines(self, lines: Sequence[LogLine]) -> None:
        sys.stdout.buffer.write(self.format.format(lines))
        sys.stdout.flush()

    def finish(self) -> None:
        sys.stdout.buffer.write(self.format.finish())
        sys.stdout.flush()
