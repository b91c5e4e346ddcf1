"""`pmtui config`: show the config in force, and where each value comes from."""

import argparse
import json
import sys
from collections.abc import Sequence

from pmtui.cli.base import BAD_USAGE, DONE, add_config, add_profile, command_parser, profiles_of, require_config
from pmtui.text.formatting import printable


def parser() -> argparse.ArgumentParser:
    command = command_parser(
        "config",
        "Show the config in force: defaults, included files, extends, profiles and pmtui.local.toml combined. Secrets "
        "are masked; values that pmtui itself assumes are not listed.",
        "pmtui config show",
        "pmtui config show --origin --profile prod     with the file and line of each value",
        "pmtui config show --json",
        "pmtui config keys                            what [keys] in ui.toml can change",
        codes="exit codes: 0 shown, 2 the config has errors (they are on stderr) or does not exist",
    )
    command.add_argument("what", choices=("show", "keys"), help="show the config, or list the keys of the dashboard")
    add_config(command)
    add_profile(command)
    command.add_argument("--origin", action="store_true", help="append the file and line of each value")
    command.add_argument(
        "--json", action="store_true", help="print JSON: value, file and line of each field, or the keys"
    )
    return command


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    return show_keys(options) if options.what == "keys" else show_config(options)


def show_keys(options: argparse.Namespace) -> int:
    """Print every action of the dashboard, its keys and what it does."""
    from pmtui.dashboard.keys import customized, key_lines
    from pmtui.dashboard.preferences import load_preferences

    preferences = load_preferences()
    if options.json:
        actions = customized(preferences.keys)
        shown = [{"name": one.name, "keys": one.all_keys, "help": one.help} for one in actions]
        sys.stdout.write(json.dumps(shown) + "\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in key_lines(preferences.keys)))
    sys.stderr.write("".join(f"{printable(error)}\n" for error in preferences.errors))
    return BAD_USAGE if preferences.errors else DONE


def show_config(options: argparse.Namespace) -> int:
    import msgspec

    from pmtui.config.show import format_config
    from pmtui.config.show import show_config as combine
    from pmtui.importers.foreign import foreign_reader

    profiles = profiles_of(options)
    path, loaded = require_config(options.config, profiles)
    for problem in loaded.errors:
        sys.stderr.write(f"{printable(problem.located)}\n")
    if not loaded.files:
        return BAD_USAGE
    shown = combine(loaded, profiles, foreign_reader(path))
    if options.json:
        text = msgspec.json.format(msgspec.json.encode(shown)).decode()
    else:
        text = "\n".join(printable(line) for line in format_config(shown, with_origin=options.origin).split("\n"))
    sys.stdout.write(f"{text}\n")
    return BAD_USAGE if loaded.errors else DONE
