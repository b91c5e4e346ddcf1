"""`pmtui info`: one process and all that explains it."""

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

MAX_EXITS = 5


def parser() -> argparse.ArgumentParser:
    made = verb_parser(
        "info",
        "All that is known of a process: state, command, folder, environment, how its last runs ended. Values that "
        "look secret are masked.",
        "pmtui info web",
        "pmtui info web --json | jq -r .env.PATH",
    )
    made.add_argument("id", metavar="ID")
    made.add_argument("--json", action="store_true", help="what GET /api/pm/ID answers")
    return made


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


def format_detail(detail: Detail, ink: Output) -> Iterator[str]:
    for name, value in detail_fields(detail, ink):
        if value:
            yield f"{ink.paint(f'{name:<12}', 'dim')}{value}"
    if detail.exits:
        yield ink.paint("last exits", "dim")
    for ended in detail.exits[-MAX_EXITS:]:
        yield f"  {ended.time}  {format_exit(ended)} after {duration(ended.uptime_seconds)}"
        yield from (f"    {ink.paint(printable(line), 'dim')}" for line in ended.lines)
    if detail.config:
        yield ink.paint("config", "dim")
    for name, setting in detail.config.items():
        yield f"  {name} = {printable(msgspec.json.encode(setting).decode())}"
    if detail.env:
        yield ink.paint("env", "dim")
    for name, text in sorted(detail.env.items()):
        yield f"  {printable(name)}={printable(text)}"


def detail_fields(detail: Detail, ink: Output) -> Iterator[tuple[str, str]]:
    reason = printable(explain(detail))
    yield "id", detail.id
    yield "status", ink.status(detail.status) + (f"  {reason}" if reason else "")
    yield "pid", str(detail.pid or "")
    yield "started", f"{detail.start_time}, {duration(detail.uptime_seconds)} ago" if detail.start_time else ""
    yield (
        "restarts",
        f"{detail.restart_count}" + (f", the last for {detail.restart_reason}" * bool(detail.restart_reason)),
    )
    yield "next try", detail.next_start or ""
    yield "cpu", f"{percent(detail.cpu)} % of a core" if detail.pid else ""
    yield "memory", memory(detail.memory) if detail.pid else ""
    yield "health", detail.health or ""
    yield "ports", ", ".join(map(str, detail.ports))
    yield "group", detail.group or ""
    yield "command", printable(shlex.join(detail.argv) or detail.command)
    yield "interpreter", printable(detail.interpreter or "")
    yield "cwd", printable(detail.cwd)


def format_exit(ended: RunExit) -> str:
    return ended.signal or f"exit {ended.code}"
