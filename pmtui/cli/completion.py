"""`pmtui completion`: print a completion script for bash, zsh or fish.

The scripts call `pmtui completion words WORD...` at each Tab, so all shells offer the same, with the current ids.
"""

import argparse
import os
import signal
import sys
from collections.abc import Container, Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from pmtui.cli.base import DONE, FAILURE, add_config, command_parser, load
from pmtui.cli.main import COMMANDS, command_module
from pmtui.cli.session import connect, fetch_snapshots
from pmtui.client.discovery import ManagerUnavailableError, NoManagerError
from pmtui.control import ControlError, Snapshot

if TYPE_CHECKING:
    from pmtui.config.model import ProcessConfig

Completion = tuple[str, str]
"""A word and its description."""

SHELLS = ("bash", "zsh", "fish")


def parser() -> argparse.ArgumentParser:
    command = command_parser(
        "completion",
        "Print a script that lets a shell complete commands, options and the ids of processes.",
        "source <(pmtui completion bash)       in ~/.bashrc",
        "source <(pmtui completion zsh)        in ~/.zshrc, after compinit",
        "pmtui completion fish > ~/.config/fish/completions/pmtui.fish",
        codes="exit codes: 0 printed, 2 bad usage",
    )
    command.add_argument("shell", choices=SHELLS)
    return command


def run(argv: Sequence[str]) -> int:
    if argv and argv[0] == "words":
        return print_completions(argv[1:-1], argv[-1])
    shell = parser().parse_args(argv).shell
    sys.stdout.write(Path(__file__).with_suffix(f".{shell}").read_text())
    return DONE


def print_completions(before: Sequence[str], begun: str) -> int:
    """Print the completions of the last word, one per line; FAILURE if the shell should complete a file name."""
    offers = completions(before, begun)
    if offers is None:
        return FAILURE
    fitting = [(word, meaning) for word, meaning in offers if word.startswith(begun) and word not in before]
    sys.stdout.writelines(f"{word}\t{meaning}\n" if meaning else f"{word}\n" for word, meaning in fitting)
    return DONE


def completions(before: Sequence[str], begun: str) -> Iterator[Completion] | None:
    """Return all words that can follow; None if that is a file name."""
    is_command = bool(before) and before[0] in COMMANDS
    asked = import_module(command_module(before[0] if is_command else "root")).parser()
    takers = {flag: action for action in asked._actions for flag in action.option_strings if action.nargs != 0}
    option, sign, _ = begun.partition("=")
    if sign and option in takers:
        return with_prefix(values(takers[option], before), f"{option}=")
    if before and before[-1] in takers:
        return values(takers[before[-1]], before)
    if begun.startswith("-"):
        return flags_of(asked)
    if not before:
        return (offer for some in (COMMANDS.items(), ids(before)) for offer in some)
    action = next_positional(asked, before[is_command:], takers)
    return values(action, before) if action else iter(())


def next_positional(
    asked: argparse.ArgumentParser, before: Sequence[str], takers: Container[str]
) -> argparse.Action | None:
    """Return the positional argument that follows; None if there is none."""
    arguments = [action for action in asked._actions if not action.option_strings]
    taken = sum(not word.startswith("-") and last not in takers for last, word in pairwise(["", *before]))
    if taken < len(arguments):
        return arguments[taken]
    return arguments[-1] if arguments and arguments[-1].nargs == "*" else None


def values(action: argparse.Action, before: Sequence[str]) -> Iterator[Completion] | None:
    """Return the values of an option or argument; None if it is a file name."""
    if action.metavar in ("FILE", "DIR"):
        return None
    if action.choices:
        return ((str(word), "") for word in action.choices)
    if action.dest in ("id", "ids"):
        return ids(before)
    if action.dest == "signal":
        return ((number.name, "") for number in signal.Signals)
    return iter(())


def ids(before: Sequence[str]) -> Iterator[Completion]:
    """Return ids and groups, of the running manager, or of the config for `pmtui [ID ...]`."""
    place = argparse.ArgumentParser(add_help=False)
    add_config(place)
    place.add_argument("--url")
    options, _ = place.parse_known_args([os.path.expanduser(word) for word in before])
    known: Sequence[Snapshot | ProcessConfig] = ()
    if before and before[0] in COMMANDS:
        with suppress(ControlError, NoManagerError, ManagerUnavailableError), connect(options) as client:
            known = fetch_snapshots(client)
    else:
        known = load(options.config).processes
    yield from ((one.id, "") for one in known)
    yield from (
        (f"@{group}", "")
        for group in dict.fromkeys(label for one in known for label in (one.group, *one.labels) if label)
    )


def flags_of(asked: argparse.ArgumentParser) -> Iterator[Completion]:
    for action in asked._actions:
        if action.help != argparse.SUPPRESS:
            yield from ((flag, action.help or "") for flag in action.option_strings)


def with_prefix(offers: Iterator[Completion] | None, head: str) -> Iterator[Completion] | None:
    return offers and ((head + word, meaning) for word, meaning in offers)
