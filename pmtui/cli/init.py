"""`pmtui init`: a first config, made of what this folder holds."""

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
# The processes of this folder; pmtui runs them, pmtui check tells what is wrong here.
# Each field has a default; these are the ones to know:
#   script = "app.py"          run by its interpreter: .venv/bin/python where there is one
#   command = "sleep 5"        any other program; shell = true where it is for a shell
#   args, cwd, env, envFile    its words, its folder, its environment
#   dependsOn = ["db"]         start after that one, once it is healthy
#   restart = "on-failure"     or "never"; always otherwise
#   devMode = true             restart it when its files change
"""
EXAMPLE = """
# Nothing was found here that could be run, so this is an example that runs everywhere.
[process.clock]
command = "while :; do date; sleep 5; done"
shell = true

# Take the signs of a comment away to run a program of your own beside it.
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
        "Looks at this folder (Procfile, package.json, pyproject.toml, main.py and the like) and writes a commented "
        "pmtui.toml. Overwrites nothing.",
        "cd my-project && pmtui init && pmtui check && pmtui",
    )


def run(argv: Sequence[str]) -> int:
    parser().parse_args(argv)
    from pmtui.config.load import find_config
    from pmtui.importers.scan import scan_project

    folder = Path.cwd()
    there = find_config(folder)
    if there:
        return fail(f"{there} is there already, and is never overwritten: pmtui runs it", FAILURE)
    findings, hints = scan_project(folder)
    path = folder / CONFIG_NAME
    try:
        write_new(path, CONFIG_HEADER + ("".join(map(format_section, findings)) or EXAMPLE))
    except OSError as error:
        return fail(f"{path} cannot be written: {error.strerror}", FAILURE)
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

    lines = [f"{finding.id}: {finding.origin}" for finding in findings] or ["nothing to run was found: an example"]
    lines += [f"hint: {hint}" for hint in hints]
    end = f"{path} is written\nnext: look at it, then pmtui check, then pmtui\n"
    return "".join(f"{printable(line)}\n" for line in lines) + end
