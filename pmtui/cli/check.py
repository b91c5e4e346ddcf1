"""`pmtui check`: report all errors of the config."""

import argparse
import os
import sys
from collections.abc import Sequence

from pmtui.cli.base import BAD_USAGE, DONE, add_config, add_profile, command_parser, profiles_of, require_config


def parser() -> argparse.ArgumentParser:
    command = command_parser(
        "check",
        "Report all errors and warnings of the config, each with its line and what was expected. Nothing is run.",
        "pmtui check",
        "pmtui check -c deploy/pmtui.toml && pmtui reload",
        codes="exit codes: 0 no errors (there may be warnings), 2 errors",
    )
    add_config(command)
    add_profile(command)
    command.add_argument("--json", action="store_true", help="print an object with all problems")
    return command


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    from pmtui.config.check import check, report, report_json
    from pmtui.importers.foreign import foreign_reader

    profiles = profiles_of(options)
    path, loaded = require_config(options.config, profiles)
    found = check(loaded, os.environ, profiles, foreign_reader(path))
    sys.stdout.write((report_json if options.json else report)(found) + "\n")
    return BAD_USAGE if found.errors else DONE
