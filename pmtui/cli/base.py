"""What all commands share: exit codes, parsers, error messages and finding the config."""

import argparse
import os
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pmtui.config.discovery import CONFIG_NAMES, LOCAL_NAME, locate_config
from pmtui.text.formatting import printable

if TYPE_CHECKING:
    from pmtui.config.load import Loaded

DONE, FAILURE, BAD_USAGE, NO_MANAGER, TIMED_OUT = 0, 1, 2, 3, 124
CONFIGS = f"{', '.join(CONFIG_NAMES[:-1])} or {CONFIG_NAMES[-1]}"


class CommandHelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Wraps a description of one paragraph, keeps the layout of examples, and names the value of an option once."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if "\n" in text:
            return super()._fill_text(text, width, indent)
        return argparse.HelpFormatter._fill_text(self, text, width, indent)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = self._format_args(action, self._get_default_metavar_for_optional(action))
        return f"{', '.join(action.option_strings)} {value}"


def command_parser(name: str, description: str, *examples: str, codes: str = "") -> argparse.ArgumentParser:
    """Return a parser whose help ends with examples and, in `codes`, the meaning of the exit codes."""
    return argparse.ArgumentParser(
        prog=f"pmtui {name}",
        description=description,
        epilog="\n".join(["examples:", *(f"  {example}" for example in examples), *(["", codes] if codes else [])]),
        formatter_class=CommandHelpFormatter,
    )


def add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-c",
        "--config",
        "--pmConfig",
        type=Path,
        metavar="FILE",
        help="config file (default: the one in this directory or the nearest above)",
    )


def add_profile(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--profile",
        action="append",
        metavar="NAME",
        help="apply a profile of the config; may be repeated (default: PMTUI_PROFILE, a comma-separated list)",
    )


def parse_command(parser: argparse.ArgumentParser, argv: Sequence[str]) -> argparse.Namespace:
    """Parse options before `--`; everything behind it is the command, whatever it looks like."""
    own, command = ([*argv], []) if "--" not in argv else split_at(argv, argv.index("--"))
    options = parser.parse_args(own)
    options.words += command
    return options


def split_at(words: Sequence[str], index: int) -> tuple[list[str], list[str]]:
    return [*words[:index]], [*words[index + 1 :]]


def profiles_of(options: argparse.Namespace) -> list[str]:
    """Return the profiles chosen by options, or else by the environment."""
    given = options.profile or os.environ.get("PMTUI_PROFILE", "").split(",")
    return list(dict.fromkeys(name.strip() for name in given if name.strip()))


def load(path: Path | None, profiles: Sequence[str] = ()) -> "Loaded":
    """Load the given config, or the one of this directory or its parents, or an empty one if there is none."""
    from pmtui.config.load import Loaded, load_config
    from pmtui.config.model import Settings
    from pmtui.importers.foreign import foreign_reader

    path = path or project_config()
    if path is None:
        return Loaded(settings=Settings(data_dir=os.path.abspath(".pmtui")))
    return load_config(path, profiles, foreign_reader(path))


def require_profiles(loaded: "Loaded") -> None:
    """Exit if a profile was chosen that the config does not have."""
    unknown = [problem.message for problem in loaded.errors if problem.message.startswith("unknown profile")]
    if loaded.unknown_profiles:
        sys.exit(fail("; ".join(unknown), BAD_USAGE))


def require_config(path: Path | None, profiles: Sequence[str] = ()) -> "tuple[Path, Loaded]":
    """Return the path of the config and its content, as `load`. Exits if there is no config, or no such profile."""
    loaded = load(path, profiles)
    require_profiles(loaded)
    if loaded.path is None:
        sys.exit(fail(f"no config in this directory or above (expected {CONFIGS}); 'pmtui init' writes one", BAD_USAGE))
    return loaded.path, loaded


def project_config() -> Path | None:
    """Return the config of this directory or its parents, and say on stderr if it is a parent's."""
    directory = current_directory()
    found = locate_config(directory, _report_distrusted)
    if found and not found.is_relative_to(directory):
        _report_parent(found)
    return found


@cache
def _report_distrusted(config: Path) -> None:
    fail(f"{config} is not used: it, its directory or {LOCAL_NAME} belongs to another user; name it with -c", DONE)


@cache
def _report_parent(config: Path) -> None:
    fail(f"using {config}", DONE)


def current_directory() -> Path:
    """Return the current directory. Exits if it has been removed."""
    try:
        return Path.cwd()
    except OSError:
        sys.exit(fail("the current directory no longer exists; cd to another one", BAD_USAGE))


def fail(text: str, code: int) -> int:
    """Write an error to stderr, and return `code`."""
    sys.stderr.write("".join(f"{printable(line)}\n" for line in f"pmtui: {text}".split("\n")))
    return code


def duration_option(text: str) -> float:
    """Parse `500ms`, `1m30s` or a number of seconds for argparse."""
    from pmtui.text.units import parse_duration

    try:
        return parse_duration(float(text) if text.replace(".", "", 1).isdecimal() else text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
