"""`pmtui ps`: list all managers of this user on this machine."""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from pmtui.cli.base import DONE, command_parser, fail
from pmtui.text.formatting import printable

FIELDS = ("pid", "config", "url", "version", "startTime")


def parser() -> argparse.ArgumentParser:
    command = command_parser(
        "ps",
        "List the managers of this user that run on this machine, with the config of each.",
        "pmtui ps",
        "pmtui ps --json | jq -r '.[].config'",
        codes="exit codes: 0 success, even if none is running",
    )
    command.add_argument("--json", action="store_true", help="print an array of objects")
    return command


def run(argv: Sequence[str]) -> int:
    from pmtui.runtime import registry

    options = parser().parse_args(argv)
    managers = [{name: facts.get(name) for name in FIELDS} for facts in registry.running()]
    if options.json:
        sys.stdout.write(json.dumps(managers) + "\n")
    elif managers:
        sys.stdout.write("".join(f"{line}\n" for line in table(managers)))
    else:
        fail("no manager of this user is running on this machine", DONE)
    return DONE


def table(managers: Sequence[dict[str, Any]]) -> list[str]:
    rows = [("PID", "SINCE", "URL", "CONFIG"), *map(cells, managers)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]) for row in rows
    ]


def cells(manager: dict[str, Any]) -> tuple[str, str, str, str]:
    since = str(manager["startTime"])[:19].replace("T", " ") + "Z"
    return str(manager["pid"]), since, manager["url"] or "no API", printable(manager["config"] or "no config")
