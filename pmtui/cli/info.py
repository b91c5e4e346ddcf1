"""`pmtui info`: show the details of a process."""

import argparse
import shlex
import sys
from collections.abc import Iterator, Sequence

import msgspec

from pmtui.cli.base import DONE
from pmtui.cli.output import Output
from pmtui.cli.session import verb_parser, with_client
from pmtui.client.http_client import HttpClient, process_path
from pmtui.control import Detail, RunExit, explain
from pmtui.text.formatting import duration, memory, percent, printable
from pmtui.wording import log_problem_text, wanted_by_text

MAX_EXITS = 5


def parser() -> argparse.ArgumentParser:
    command = verb_parser(
        "info",
        "Show the details of a process: status, command, directory, environment, and how its last runs ended. Values "
        "that look secret are masked.",
        "pmtui info web",
        "pmtui info web --json | jq -r .env.PATH",
    )
    command.add_argument("id", metavar="ID")
    command.add_argument("--json", action="store_true", help="print what GET /api/pm/ID returns")
    return command


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)

    def show(client: HttpClient) -> int:
        if options.json:
            text = client.read("GET", process_path(options.id)).decode()
        else:
            text = "\n".join(format_detail(client.get(process_path(options.id), Detail), Output()))
        sys.stdout.write(f"{text}\n")
        return DONE

    return with_client(options, show)


def format_detail(detail: Detail, output: Output) -> Iterator[str]:
    for name, value in detail_fields(detail, output):
        if value:
            yield f"{output.paint(f'{name:<12}', 'dim')}{value}"
    yield from section("last exits", format_exits(detail.exits[-MAX_EXITS:], output), output)
    origins = {field.split(".")[0]: f"  # {place}" for field, place in reversed(detail.origins.items())}
    settings = [
        f"{name} = {printable(msgspec.json.encode(value).decode())}{printable(origins.get(name, ''))}"
        for name, value in detail.config.items()
    ]
    yield from section("config", settings, output)
    yield from section("env", [printable(f"{name}={text}") for name, text in sorted(detail.env.items())], output)


def section(title: str, lines: Sequence[str], output: Output) -> Iterator[str]:
    if lines:
        yield output.paint(title, "dim")
    yield from (f"  {line}" for line in lines)


def format_exits(exits: Sequence[RunExit], output: Output) -> list[str]:
    lines = []
    for ended in exits:
        lines.append(f"{ended.time}  {ended.signal or f'exit {ended.code}'} after {duration(ended.uptime_seconds)}")
        lines += [f"  {output.paint(printable(line), 'dim')}" for line in ended.lines]
    return lines


def detail_fields(detail: Detail, output: Output) -> Iterator[tuple[str, str]]:
    reason = printable(explain(detail))
    last = f", last reason: {detail.restart_reason}" if detail.restart_reason else ""
    yield "id", detail.id
    yield "status", output.status(detail.status) + (f"  {reason}" if reason else "")
    yield "wanted by", wanted_by_text(detail)
    yield "pid", str(detail.pid or "")
    yield "started", f"{detail.start_time}, {duration(detail.uptime_seconds)} ago" if detail.start_time else ""
    yield "restarts", f"{detail.restart_count}{last}"
    yield "next start", detail.next_start or ""
    yield "cpu", f"{percent(detail.cpu)} % of a core" if detail.pid else ""
    yield "memory", memory(detail.memory) if detail.pid else ""
    yield "health", detail.health or ""
    yield "log files", output.paint(printable(log_problem_text([detail])), "bad")
    yield "ports", ", ".join(map(str, detail.ports))
    yield "urls", ", ".join(output.link(url, url) for url in detail.urls)
    yield "group", detail.group or ""
    yield "command", printable(shlex.join(detail.argv) or detail.command)
    yield "interpreter" if detail.interpreter else "program", printable(detail.found or detail.interpreter or "")
    yield "cwd", printable(detail.cwd)
