"""`pmtui [ID ...]`: the manager, under a dashboard or without a screen."""

import argparse
import gc
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pmtui.cli.base import (
    BAD_USAGE,
    CONFIGS,
    DONE,
    FAILURE,
    CommandHelpFormatter,
    add_config,
    current_directory,
    fail,
    load,
)
from pmtui.cli.main import COMMANDS
from pmtui.version import __version__

if TYPE_CHECKING:
    from pmtui.client.discovery import RunningManager
    from pmtui.config.load import Loaded
    from pmtui.spawner.launcher import GuardianLauncher
    from pmtui.supervisor.reload import ConfigSource


ALIASES = {"status": "list", "ls": "list", "ps": "list", "describe": "info", "show": "info", "kill": "down"}
"""What these words do elsewhere."""
EXAMPLES = (
    "examples:",
    "  pmtui init                 a first config for this folder",
    "  pmtui                      run it all, under the dashboard",
    "  pmtui web 'worker-*'       only these, and what they depend on",
    "  pmtui -d && pmtui wait     in the background; returns when all is well",
    "",
)
EPILOG = ("", "Each has a --help.", "Exit codes: 0 asked-for end, 1 failure, 2 bad usage or config, 3 no manager runs.")


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="pmtui",
        description=f"Runs and watches the processes that a config declares: {CONFIGS}.",
        epilog="\n".join(
            [*EXAMPLES, "commands:", *(f"  pmtui {name:<12}{does}" for name, does in COMMANDS.items()), *EPILOG]
        ),
        formatter_class=CommandHelpFormatter,
    )
    add_config(made)
    add = made.add_argument
    add("ids", nargs="*", metavar="ID", help="start only these, and what they depend on (globs and @group work)")
    add("--no-ui", action="store_true", help="no dashboard: log on stdout, until SIGTERM or SIGINT")
    add(
        "-d", "--detach", action="store_true", help="run in the background; returns when all is up, or says what is not"
    )
    add("--log-file", type=Path, help=argparse.SUPPRESS)
    add("--dev", action="store_true", help="restart every process when its files change")
    add("--host", help="address of the API (127.0.0.1; any other needs a token of your own in PMTUI_TOKEN)")
    add("--port", type=port, help="port of the API (9615, or a free one when that is taken)")
    add("--no-api", action="store_true", help="no REST API")
    add("--log-format", choices=("text", "json"), default="text", help="form of the log on stdout")
    add("--pb-port", type=port, help="PB_PORT for the processes (8090)")
    add("--pb-data-dir", metavar="DIR", help="PB_DATA_DIR for the processes (pb_data beside the config)")
    add("--version", action="version", version=f"pmtui {__version__}")
    return made


def port(text: str) -> int:
    number = int(text) if text.isdecimal() and len(text) < 6 else -1
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is no port; take one of 0 to 65535")
    return number


def run(argv: Sequence[str], *, is_passing: bool = False) -> int:
    """The manager, over which the dashboard is shown unless there is to be none; a passing one can't stay behind."""
    options = parser().parse_args(argv)
    if not sys.platform.startswith("linux"):
        return fail("pmtui needs Linux: what ends whole process trees is part of its kernel", FAILURE)
    from pmtui.spawner.launcher import GuardianLauncher

    if options.detach and not options.log_file:
        return start_in_background(options, argv)
    options.no_ui = options.no_ui or options.detach
    if not (options.no_ui or (sys.stdin.isatty() and sys.stderr.isatty())):
        return fail("the dashboard needs a terminal; without one: pmtui --no-ui", BAD_USAGE)
    gc.disable()  # imports make much that lives and no garbage; the manager enables it when it is up
    boot = GuardianLauncher()
    boot.capture_signals()
    start_again = None if is_passing else partial(start_in_background, options, argv)
    return run_manager(
        options, boot.prestart(), start_again
    )  # the guardian first: it comes up while all else is loaded


def start_in_background(options: argparse.Namespace, argv: Sequence[str]) -> int:
    """The same manager without a screen, in the background."""
    from pmtui.cli import background

    return background.start(options, argv)


def run_manager(options: argparse.Namespace, boot: "GuardianLauncher", start_again: Callable[[], int] | None) -> int:
    from pmtui.client.discovery import read_instance
    from pmtui.config.load import CONFIG_NAMES
    from pmtui.control import matches
    from pmtui.runtime.session import StartError
    from pmtui.supervisor.reload import ConfigSource

    def read(path: Path | None = options.config) -> "Loaded":
        return select_processes(apply_options(load(path), options), options.ids)

    loaded = read()
    for pattern in options.ids:
        if not any(matches(config, pattern) for config in loaded.processes):
            return fail(unknown_message(pattern, [config.id for config in loaded.processes]), BAD_USAGE)
    if not options.no_ui and (running := read_instance(Path(loaded.settings.data_dir))):
        boot.abort()
        return attach_to(running, loaded)
    searched = [] if options.config else [str(current_directory() / name) for name in CONFIG_NAMES]
    source = ConfigSource(partial(read, loaded.path), loaded, searched)
    try:
        if options.no_ui:
            return headless(source, boot, options)
        from pmtui.dashboard.run import run_dashboard

        return run_dashboard(source, boot, not options.no_api, start_again)
    except StartError as error:
        return fail(str(error), error.exit_code)


def unknown_message(word: str, ids: Sequence[str]) -> str:
    """What to say to a word that is neither a command nor a process."""
    from difflib import get_close_matches

    known = f"processes: {', '.join(ids) or 'there are none'}"
    if word in ALIASES:
        return f"no command and no process is called '{word}': do you mean pmtui {ALIASES[word]}? ({known})"
    for close in get_close_matches(word, [*COMMANDS, *ids], n=1):
        meant = f"pmtui {close}" if close in COMMANDS else f"'{close}'"
        return f"no command and no process is called '{word}': do you mean {meant}? ({known})"
    return f"no process matches '{word}' ({known})"


def headless(source: "ConfigSource", boot: "GuardianLauncher", options: argparse.Namespace) -> int:
    import asyncio

    from pmtui.runtime.headless import run_headless

    asyncio.run(run_headless(source, boot, options.log_format, not options.no_api, options.log_file))
    return DONE


def attach_to(running: "RunningManager", loaded: "Loaded") -> int:
    """The dashboard over the manager that runs already for this config."""
    from pmtui.cli import attach

    if running.url is None:
        return fail(f"a manager runs for this config already: pid {running.pid}, with --no-api", FAILURE)
    return attach.run([running.url, *(["-c", str(loaded.path)] if loaded.path else [])])


def apply_options(loaded: "Loaded", options: argparse.Namespace) -> "Loaded":
    """The config with what the command line says instead."""
    from msgspec.structs import replace

    settings = loaded.settings
    own = {"host": options.host, "port": options.port}
    beside = {"port": options.pb_port, "data_dir": options.pb_data_dir and os.path.abspath(options.pb_data_dir)}
    pocketbase = replace(settings.pocketbase, **{name: value for name, value in beside.items() if value is not None})
    settings = replace(
        settings, pocketbase=pocketbase, **{name: value for name, value in own.items() if value is not None}
    )
    processes = tuple(replace(config, dev_mode=config.dev_mode or options.dev) for config in loaded.processes)
    return replace(loaded, settings=settings, processes=processes)


def select_processes(loaded: "Loaded", patterns: Sequence[str]) -> "Loaded":
    """Only what the patterns mean starts by itself, where there are any."""
    if not patterns:
        return loaded
    from msgspec.structs import replace

    from pmtui.control import matches

    processes = [
        replace(config, autostart=any(matches(config, pattern) for pattern in patterns)) for config in loaded.processes
    ]
    return replace(loaded, processes=tuple(processes))
