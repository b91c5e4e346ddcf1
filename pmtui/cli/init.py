"""`pmtui init`: write a first config, based on what this directory contains."""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pmtui.cli.base import DONE, FAILURE, command_parser, current_directory, fail
from pmtui.cli.output import as_json
from pmtui.runtime.files import write_new

if TYPE_CHECKING:
    from pmtui.importers.scan import FoundProcess, Scan

CONFIG_NAME = "pmtui.toml"
CONFIG_HEADER = """\
# Processes of this directory: 'pmtui' runs them, 'pmtui check' reports errors in this file.
# Each process needs a script or a command; the most common fields are:
#   script = "app.py"          run by its interpreter, such as .venv/bin/python
#   command = "sleep 5"        any other program; with shell = true, a shell command
#   args, cwd, env, envFile    arguments, working directory, environment
#   dependsOn = ["db"]         start once that process is healthy
#   restart = "on-failure"     or "never"; the default is "always"
#   devMode = true             restart when files change
"""
EXAMPLE = """
# Nothing to run was found in this directory; this example runs everywhere.
[process.clock]
command = "while :; do date; sleep 5; done"
shell = true

# Uncomment this to run a program of your own.
# [process.web]
# script = "app.py"
# args = ["--port", "8001"]
# env = { LOG_LEVEL = "debug" }
# health = { http = "http://127.0.0.1:8001/health" }
# maxMemory = "512MB"
"""
FIELDS = ("script", "command", "args", "cwd", "port", "health", "install", "envFile", "env", "stopTimeout")
"""The order in which fields are written; others follow."""


def parser() -> argparse.ArgumentParser:
    command = command_parser(
        "init",
        "Write a commented pmtui.toml, based on what this directory and two levels below it contain: Procfile, "
        "package.json, FastAPI, Flask, Django, Celery, Vite, Next.js, Express, main.py and others. Ports, health "
        "checks and installation are guessed, and what is guessed is said. Nothing is overwritten.",
        "cd my-project && pmtui init && pmtui check && pmtui",
        codes="exit codes: 0 written, 1 there is a config already, or it cannot be written, 2 bad usage",
    )
    command.add_argument("--json", action="store_true", help="print an object: config, processes with notes, hints")
    return command


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    from pmtui.config.discovery import find_config, locate_config
    from pmtui.importers.scan import scan_project

    folder = current_directory()
    if existing := find_config(folder):
        return fail(f"{existing} already exists and is never overwritten; 'pmtui' runs it", FAILURE)
    scan = scan_project(folder)
    if above := locate_config(folder):
        scan.hints.append(f"{above} was used here so far; in this directory, the new config replaces it")
    path = folder / CONFIG_NAME
    try:
        write_new(path, format_config(scan))
    except OSError as error:
        return fail(f"cannot write {path}: {error.strerror}", FAILURE)
    sys.stdout.write(as_json(described(scan, path)) + "\n" if options.json else summary(scan, path))
    return DONE


def format_config(scan: "Scan") -> str:
    """Return the text of the config, with comments about what was found and guessed."""
    if not scan.processes:
        return CONFIG_HEADER + EXAMPLE + containers(scan)
    sections = [defaults(scan.defaults)] if scan.defaults else []
    sections += [format_process(found) for found in scan.processes]
    sections += [format_profile(name, tables) for name, tables in scan.profiles.items()]
    return f"{CONFIG_HEADER}\n" + "\n\n".join(sections) + "\n" + containers(scan)


def defaults(fields: dict[str, Any]) -> str:
    return "\n".join(["# These hold for all processes that do not say otherwise.", "[defaults]", *assignments(fields)])


def format_process(found: "FoundProcess") -> str:
    from pmtui.config.parsing.problems import join

    lines = [*comments([found.origin, *found.notes])]
    lines += [f"[{join('process', found.id)}]", *assignments(found.fields)]
    return "\n".join([*lines, *comments(found.suggestions)])


def comments(texts: Iterable[str]) -> Iterator[str]:
    """Yield each text as one comment, whatever names of files are in it."""
    from pmtui.text.formatting import printable

    return (f"# {printable(text)}" for text in texts)


def format_profile(name: str, tables: dict[str, dict[str, Any]]) -> str:
    from pmtui.config.parsing.problems import join

    lines = [f"# 'pmtui --profile {name}' lays this over the processes."]
    for process_id, fields in tables.items():
        lines += [f"[{join(f'profile.{name}.process', process_id)}]", *assignments(fields), ""]
    return "\n".join(lines).rstrip()


def containers(scan: "Scan") -> str:
    from pmtui.importers.scan.compose import section

    if not scan.compose.containers:
        return ""
    lines = ["", f"# Containers of {scan.compose.name}; uncomment a section to run one beside the processes."]
    for container in scan.compose.containers:
        lines += [*comments(section(container)), ""]
    return "\n".join(lines)


def assignments(fields: dict[str, Any]) -> Iterator[str]:
    """Yield `name = value` for each field, the usual ones first."""
    from pmtui.config.show import format_value

    for name in sorted(fields, key=lambda name: FIELDS.index(name) if name in FIELDS else len(FIELDS)):
        yield f"{name} = {format_value(fields[name])}"


def described(scan: "Scan", path: Path) -> dict[str, object]:
    """Return what was written, for programs."""
    processes = [{"id": found.id, "origin": found.origin, "notes": [*found.notes]} for found in scan.processes]
    return {"config": str(path), "processes": processes, "profiles": [*scan.profiles], "hints": [*scan.hints]}


def summary(scan: "Scan", path: Path) -> str:
    from pmtui.text.formatting import printable

    lines = []
    for found in scan.processes:
        lines += [f"{found.id}: {found.origin}", *(f"  {note}" for note in found.notes)]
    lines = lines or ["nothing to run was found; wrote an example"]
    lines += [f"defaults: {', '.join(scan.defaults)}"] if scan.defaults else []
    lines += [f"profile {name}: {', '.join(tables)}" for name, tables in scan.profiles.items()]
    lines += [f"hint: {hint}" for hint in scan.hints]
    end = f"wrote {path}\nnext: review it, then run 'pmtui check' and 'pmtui'\n"
    return "".join(f"{printable(line)}\n" for line in lines) + end
