"""`pmtui config`: show the config in force, and where each value comes from."""

import argparse
import sys
from collections.abc import Sequence

from pmtui.cli.base import BAD_USAGE, DONE, add_config, add_profile, command_parser, profiles_of, require_config


def parser() -> argparse.ArgumentParser:
    command = command_parser(
        "config",
        "Show the config in force: defaults, included files, extends, profiles and pmtui.local.toml combined. Secrets "
        "are masked; values that pmtui itself assumes are not listed.",
        "pmtui config show",
        "pmtui config show --origin --profile prod     with the file and line of each value",
        "pmtui config show --json",
        codes="exit codes: 0 shown, 2 the config has errors (they are on stderr) or does not exist",
    )
    command.add_argument("what", choices=("show",), help="what to do")
    add_config(command)
    add_profile(command)
    command.add_argument("--origin", action="store_true", help="append the file and line of each value")
    command.add_argument("--json", action="store_true", help="print JSON: value, file and line of each field")
    return command


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    import msgspec

    from pmtui.config.show import format_config, show_config
    from pmtui.importers.foreign import foreign_reader
    from pmtui.text.formatting import printable

    profiles = profiles_of(options)
    path, loaded = require_config(options.config, profiles)
    for problem in loaded.errors:
        sys.stderr.write(f"{printable(problem.located)}\n")
    if not loaded.files:
        return BAD_USAGE
    shown = show_config(loaded, profiles, foreign_reader(path))
    if options.json:
        text = msgspec.json.format(msgspec.json.encode(shown)).decode()
    else:
        text = "\n".join(printable(line) for line in format_config(shown, with_origin=options.origin).split("\n"))
    sys.stdout.write(f"{text}\n")
    return BAD_USAGE if loaded.errors else DONE
