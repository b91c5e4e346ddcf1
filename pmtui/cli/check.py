"""`pmtui check`: everything that is wrong with the config."""

import argparse
import os
import sys
from collections.abc import Sequence

from pmtui.cli.base import BAD_USAGE, DONE, add_config, command_parser, require_config


def parser() -> argparse.ArgumentParser:
    made = command_parser(
        "check",
        "Says everything that is wrong with the config, each with its line and what was expected. Runs nothing.",
        "pmtui check",
        "pmtui check -c deploy/pmtui.toml && pmtui reload",
        codes="Exit codes: 0 nothing that matters is wrong, 2 something is.",
    )
    add_config(made)
    return made


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    from pmtui.config.check import check, report

    _, loaded = require_config(options.config)
    found = check(loaded, os.environ)
    sys.stdout.write(report(found) + "\n")
    return BAD_USAGE if found.errors else DONE
