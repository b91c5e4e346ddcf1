"""`pmtui history`: draw what a process used, and list what happened to it."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime

from pmtui.cli.base import DONE
from pmtui.cli.events import format_event
from pmtui.cli.logs import line_count
from pmtui.cli.output import Output, fit
from pmtui.cli.session import verb_parser, with_client
from pmtui.client.errors import decode_response
from pmtui.client.http_client import HttpClient, process_path
from pmtui.control import PastEvent, UsageHistory
from pmtui.history.chart import chart_height, chart_width, usage_rows
from pmtui.text.formatting import duration, epoch_seconds

WIDTH = 80
"""Columns of a chart that is not printed on a terminal."""
BAR_ROWS = 5
MAX_POINTS = 300
MAX_SHOWN_WORDS = 5


def parser() -> argparse.ArgumentParser:
    command = verb_parser(
        "history",
        "Draw CPU, memory and probe latency of a process, and list its last events: how runs ended, and what crashed "
        "ones wrote last. Includes what earlier managers recorded; settings.history says how much is kept.",
        "pmtui history web                     the last hour",
        "pmtui history web --since 1d",
        "pmtui history web --since 2026-11-20T03:00:00Z --until 2026-11-20T03:30:00Z",
        "pmtui history web --json | jq '.events[] | select(.to == \"crashed\")'",
    )
    command.add_argument("id", metavar="ID")
    command.add_argument(
        "--since",
        default="1h",
        metavar="TIME",
        help="RFC 3339, or a duration before now such as 7d (default: 1h)",
    )
    command.add_argument("--until", metavar="TIME", help="the same (default: now)")
    command.add_argument(
        "-n", "--lines", type=line_count, default=10, metavar="N", help="show the last N events (default: 10)"
    )
    command.add_argument("--json", action="store_true", help="print the answer of GET /api/pm/ID/history")
    return command


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)

    def show(client: HttpClient) -> int:
        output = Output()
        width = output.width or WIDTH
        points = MAX_POINTS if options.json else chart_width(width)
        body = client.read(
            "GET", process_path(options.id, "history"), since=options.since, until=options.until, points=points
        )
        if options.json:
            text = body.decode()
        else:
            usage = decode_response(body, UsageHistory)
            text = "\n".join(format_history(options.id, usage, options.lines, width, output))
        sys.stdout.write(f"{text}\n")
        return DONE

    return with_client(options, show)


def format_history(process_id: str, usage: UsageHistory, count: int, width: int, output: Output) -> Iterator[str]:
    since = epoch_seconds(usage.since)
    edges = [f"{datetime.fromtimestamp(at):%d %b %H:%M}" for at in (since, since + usage.step * len(usage.cpu))]
    step = f"a value every {duration(usage.step)}"
    yield f"{output.paint(process_id, 'bold')}  {output.paint(f'{edges[0]} to {edges[1]}, {step}', 'dim')}"
    for row in usage_rows(usage, width, chart_height(usage, BAR_ROWS), output.glyphs):
        yield "".join(output.paint(span.text, span.tone) for span in row).rstrip()
    for event in usage.events[-count:] if count else []:
        yield format_event(event, output)
        yield from last_words(event, output)


def last_words(event: PastEvent, output: Output) -> Iterator[str]:
    if isinstance(event.last_words, list) and event.is_crash:
        for line in event.last_words[-MAX_SHOWN_WORDS:]:
            yield f"    {output.paint(fit(line, output.width and output.width - 4), 'dim')}"
