"""`pmtui init`: write a first config, based on what this directory contains."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pmtui.cli.base import DONE, FAILURE, command_parser, fail
from pmtui.runtime.files import write_new

if TYPE_CHECKING:
    from pmtui.importers.scan import FoundProcess

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


def parser() -> argparse.ArgumentParser:
    return command_parser(
        "init",
        "Write a commented pmtui.toml, based on what this directory contains (Procfile, package.json, pyproject.toml, "
        "main.py and others). Nothing is overwritten.",
        "cd my-project && pmtui init && pmtui check && pmtui",
    )


def run(argv: Sequence[str]) -> int:
    parser().parse_args(argv)
    from pmtui.config.load import find_config
    from pmtui.importers.scan import scan_project

    folder = Path.cwd()
    if existing := find_config(folder):
        return fail(f"{existing} already exists and is never overwritten; 'pmtui' runs it", FAILURE)
    findings, hints = scan_project(folder)
    path = folder / CONFIG_NAME
    try:
        write_new(path, CONFIG_HEADER + ("".join(map(format_section, findings)) or EXAMPLE))
    except OSError as error:
        return fail(f"cannot write {path}: {error.strerror}", FAILURE)
    sys.stdout.write(summary(findings, hints, path))
    return DONE


def format_section(finding: "FoundProcess") -> str:
    import tomli_w

    text = tomli_w.dumps({"process": {finding.id: finding.fields}})
    own, separator, tables = text.partition("\n\n")
    lines = "".join(f"\n# {line}" for line in finding.suggestions)
    return f"\n# {finding.origin}\n{own.rstrip()}{lines}\n{separator[1:]}{tables}"


def summary(findings: Sequence["FoundProcess"], hints: Sequence[str], path: Path) -> str:
    from pmtui.text.formatting import printable

    lines = [f"{finding.id}: {finding.origin}" for finding in findings] or [
        "nothing to run was found; wrote an example"
    ]
    lines += [f"hint: {hint}" for hint in hints]
    end = f"wrote {path}\nnext: review it, then run 'pmtui check' and 'pmtui'\n"
    return "".join(f"{printable(line)}\n" for line in lines) + end
