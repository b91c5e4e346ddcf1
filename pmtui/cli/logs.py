"""`pmtui logs`: the output of processes."""

import argparse
import heapq
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from pmtui.cli.base import BAD_USAGE, DONE, FAILURE, fail
from pmtui.cli.output import Output
from pmtui.cli.session import PATTERNS, fetch_snapshots, follow_stream, select_matching, verb_parser, with_client
from pmtui.client.http_client import HttpClient, process_path
from pmtui.client.sse import EventStreamParser, ServerSentEvent
from pmtui.control import MAX_LINES, ControlError, DroppedLines, LogLine, RawLogLine
from pmtui.text.formatting import plural
from pmtui.text.sanitize import keep_colors

STREAM_PATH = "/api/pm/logs/stream"


def parser() -> argparse.ArgumentParser:
    made = verb_parser(
        "logs",
        "The last lines of processes, from memory and files, by time. On a terminal they are made harmless; a pipe "
        "or a file gets their bytes as they were written.",
        "pmtui logs web                        the last 100 lines",
        "pmtui logs -f                         all processes, as it comes",
        "pmtui logs web --prev --stream stderr    what it said before it crashed",
        "pmtui logs @workers --since 10m --level error",
        "pmtui logs web -n 10000 --grep 'timeout|refused' > lines.txt",
        "pmtui logs --json | jq -r .text",
    )
    add = made.add_argument
    add("ids", nargs="*", metavar="ID", help=f"{PATTERNS} (all processes)")
    add("-n", "--lines", type=line_count, default=100, metavar="N", help="the last N lines (100)")
    add("-f", "--follow", action="store_true", help="go on with what comes, until Ctrl-C")
    add("--since", metavar="TIME", help="not older: 5m, 2h, or 2026-11-20T17:00:00Z")
    add("--until", metavar="TIME", help="not newer")
    add("--grep", metavar="REGEX", help="only lines in which it is found")
    add("--level", choices=("trace", "debug", "info", "warn", "error", "fatal"), help="of that level or a worse one")
    add("--stream", choices=("stdout", "stderr"), help="of one of the two")
    add("--prev", action="store_true", help="of the run before this one")
    add("-t", "--times", action="store_true", help="a time before each line, also where it is no terminal")
    add("--json", action="store_true", help="an object a line: seq, time, stream, text, run, id")
    return made


def line_count(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"'{text}' is no number of lines")
    return int(text)


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    if options.follow and options.lines > MAX_LINES:
        return fail(f"-f begins with {MAX_LINES:,} lines at most: ask for more without it", BAD_USAGE)
    return with_client(
        options, lambda client: follow(client, options) if options.follow else show_last(client, options)
    )


def log_query(options: argparse.Namespace) -> dict[str, object]:
    wanted = {name: getattr(options, name) for name in ("lines", "since", "until", "grep", "level", "stream")}
    return wanted | {"run": "previous" if options.prev else None, "raw": None if options.json else "true"}


def show_last(client: HttpClient, options: argparse.Namespace) -> int:
    """The last lines of all that are meant, and no more."""
    rows, lost = select_matching(fetch_snapshots(client), options.ids)
    if lost:
        return fail(f"no process matches '{lost[0]}'", FAILURE)
    found = [fetch_lines(client, row.id, log_query(options), options) for row in rows]
    merged = [*heapq.merge(*found, key=lambda line: line.time)]
    LogPrinter(options, [row.id for row in rows]).write_lines(merged[-options.lines :] if options.lines else [])
    return DONE


def fetch_lines(
    client: HttpClient, process_id: str, query: Mapping[str, object], options: argparse.Namespace
) -> list[LogLine]:
    """The last lines of one process, oldest first, however many are asked for."""
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
    """The last lines and all that come, also those of a manager that comes after this one."""
    printer = LogPrinter(options, [row.id for row in select_matching(fetch_snapshots(client), options.ids)[0]])
    query = log_query(options) | {"ids": ",".join(options.ids) or None}
    for batch in follow_stream(client, options, STREAM_PATH, EventStreamParser(), **query):
        printer.write_events(batch)
    return DONE


class LogPrinter:
    """Writes lines as their reader can take them: a terminal, a pipe, a program that reads JSON."""

    def __init__(self, options: argparse.Namespace, ids: Sequence[str]) -> None:
        self.output = Output()
        self.as_json: bool = options.json
        self.has_times = options.times or self.output.on_terminal
        is_one = len(options.ids) == 1 and options.ids == [*ids]
        self.width = 0 if is_one else min(24, max(map(len, ids), default=0))

    def write_events(self, batch: Iterable[ServerSentEvent]) -> None:
        """What a stream tells."""
        lines = []
        for told in batch:
            if told.kind == "message":
                lines.append(msgspec.json.decode(told.data, type=LogLine if self.as_json else RawLogLine))
                continue
            self.write_lines(lines)
            lines = []
            if told.kind == "missed":
                missed = msgspec.json.decode(told.data, type=DroppedLines)
                sys.stderr.write(f"pmtui: {plural(missed.lines, 'line', 'lines')} of {missed.id} went by unread\n")
            elif told.kind == "error":
                raise ControlError(msgspec.json.decode(told.data)["message"])
        self.write_lines(lines)

    def write_lines(self, lines: Sequence[LogLine]) -> None:
        if self.as_json:
            text = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
        else:
            shown = self.format_line if self.output.on_terminal else self.format_raw
            text = b"".join(shown(line) for line in lines if isinstance(line, RawLogLine))
        sys.stdout.buffer.write(text)
        sys.stdout.flush()

    def format_raw(self, line: RawLogLine) -> bytes:
        time = f"{line.time} " if self.has_times else ""
        name = f"[{line.id}] " if self.width else ""
        return b"%s%s%s\n" % (time.encode(), name.encode(), line.data)

    def format_line(self, line: RawLogLine) -> bytes:
        """The time of day here, whose line it is, a mark for stderr, and what it says without all that could harm."""
        ink = self.output
        text = keep_colors(line.data) if ink.has_colors else line.text
        if "\x1b" in text:
            text += "\x1b[0m"
        name = ink.name(line.id, line.id[: self.width].ljust(self.width)) + "  " if self.width else ""
        mark = ink.paint(ink.glyphs.stderr, "warn") if line.stream == "stderr" else " "
        return f"{ink.paint(local_time(line.time), 'dim')} {name}{mark}{text}\n".encode(errors="replace")


def local_time(time: str) -> str:
    """The time of day here; blanks where a line has none."""
    if not time:
        return " " * 12
    moment = datetime.fromisoformat(time).astimezone()
    return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03}"
