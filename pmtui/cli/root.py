"""`pmtui [ID ...]`: run the manager, in a dashboard or headless."""

import argparse
import gc
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

from pmtui.cli.base import (
    BAD_USAGE,
    CONFIGS,
    FAILURE,
    CommandHelpFormatter,
    add_config,
    add_profile,
    current_directory,
    duration_option,
    fail,
    load,
    profiles_of,
    require_profiles,
)
from pmtui.cli.main import COMMAND_GROUPS
from pmtui.version import __version__

if TYPE_CHECKING:
    from pmtui.client.discovery import RunningManager
    from pmtui.config.load import Loaded
    from pmtui.logs.console import Format, FormatRecord
    from pmtui.spawner.launcher import GuardianLauncher
    from pmtui.supervisor.reload import ConfigSource

HELP_WIDTH = 80
USAGE = "pmtui [options] [ID ...]\n       pmtui COMMAND [--help]"
DESCRIPTION = (
    "Run and supervise the processes of a config, in a dashboard or headless. Without -c, the config is the first file "
    f"found of {CONFIGS}."
)
EXAMPLES = """\
examples:
  pmtui init                 write a first config for this directory
  pmtui                      run all processes, in the dashboard
  pmtui web 'worker-*'       run only these and their dependencies
  pmtui -d && pmtui wait     run in the background; return when all are healthy"""
EPILOG = "exit codes: 0 stopped on request, 1 failure, 2 bad usage or config, 3 no manager is running, 124 timeout"


def parser() -> argparse.ArgumentParser:
    groups = [
        f"{title}:\n" + "\n".join(f"  pmtui {name:<11}{summary}" for name, summary in group.items())
        for title, group in COMMAND_GROUPS.items()
    ]
    command = argparse.ArgumentParser(
        prog="pmtui",
        usage=USAGE,
        description="\n\n".join([fill(DESCRIPTION, HELP_WIDTH), EXAMPLES, *groups]),
        epilog=EPILOG,
        formatter_class=CommandHelpFormatter,
    )
    add_config(command)
    add_profile(command)
    add = command.add_argument
    add("ids", nargs="*", metavar="ID", help="start only these and their dependencies: ids, globs or @groups")
    add("--no-ui", action="store_true", help="write the log to stdout instead of showing the dashboard")
    add(
        "-d",
        "--detach",
        action="store_true",
        help="run in the background; return once all are up, or report what is not",
    )
    add("--timeout", type=duration_option, metavar="TIME", help="with -d: wait at most this long (default: 60s)")
    add("--exit-on-failure", action="store_true", help="end with 1 as soon as a process is failed (with --no-ui)")
    add("--exit-with", metavar="ID", help="end when this process has, with its exit code (with --no-ui)")
    add("--log-file", type=Path, help=argparse.SUPPRESS)
    add("--dev", action="store_true", help="restart every process when its files change")
    add("--log-format", choices=("text", "json"), help="format of the log on stdout (default: text)")
    add("--bind-to", type=pid, metavar="PID", help="stop when the process PID has ended (with -d or --no-ui)")
    add("--version", action="version", version=f"pmtui {__version__}", help="print the version")
    add_api_options(command.add_argument_group("REST API"))
    add_pocketbase_options(command.add_argument_group("PocketBase"))
    return command


def add_api_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--host", help="address to listen on (default: 127.0.0.1); any but loopback requires PMTUI_TOKEN to be set"
    )
    group.add_argument("--port", type=port, help="port to listen on (default: 9615, or a free one if that is taken)")
    group.add_argument("--no-api", action="store_true", help="do not serve the REST API and the web page")
    group.add_argument("--no-web", action="store_true", help="do not serve the web page")


def add_pocketbase_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--pb-port", type=port, metavar="PORT", help="value of PB_PORT (default: 8090)")
    group.add_argument("--pb-log", default="", help=argparse.SUPPRESS)
    group.add_argument("--pb-data-dir", metavar="DIR", help="value of PB_DATA_DIR (default: pb_data beside the config)")


def port(text: str) -> int:
    number = int(text) if text.isdecimal() and len(text) < 6 else -1
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"invalid port '{text}'; expected 0 to 65535")
    return number


def pid(text: str) -> int:
    number = int(text) if text.isdecimal() and len(text) < 10 else 0
    if not number:
        raise argparse.ArgumentTypeError(f"'{text}' is not a process id; pass a positive number")
    return number


def run(argv: Sequence[str], *, ephemeral: bool = False) -> int:
    """Run the manager. An ephemeral one cannot be left running in the background."""
    command = parser()
    options, unknown = command.parse_known_args(argv)
    if unknown:
        if options.ids and (message := find_unknown(options.ids, load(options.config, profiles_of(options)))):
            return fail(message, BAD_USAGE)
        command.error(f"unrecognized arguments: {' '.join(unknown)}")
    if not sys.platform.startswith("linux"):
        return fail("pmtui requires Linux; stopping whole process trees relies on its kernel", FAILURE)
    from pmtui.spawner.launcher import GuardianLauncher

    if options.bind_to and not (options.no_ui or options.detach):
        return fail("--bind-to is for a manager without a dashboard; add -d or --no-ui", BAD_USAGE)
    if options.bind_to:
        from pmtui.runtime.host import Host, HostGoneError

        try:
            options.bind_to = Host(options.bind_to, waits=bool(options.pb_log))
        except HostGoneError as error:
            return fail(f"{error}; nothing was started", FAILURE)
    if options.detach and not options.log_file:
        return start_in_background(options, argv)
    options.no_ui = options.no_ui or options.detach
    if not (options.no_ui or (sys.stdin.isatty() and sys.stderr.isatty())):
        return fail(without_terminal(options), BAD_USAGE)
    if not options.no_ui and (options.exit_on_failure or options.exit_with):
        return fail("--exit-on-failure and --exit-with are for a manager without a dashboard; add --no-ui", BAD_USAGE)
    gc.disable()  # imports create no garbage; the manager enables it once it is up
    boot = GuardianLauncher()
    boot.capture_signals()
    start_again = None if ephemeral else partial(start_in_background, options, argv)
    # The guardian first: it starts while everything else is imported.
    return run_manager(options, boot.prestart(), start_again)


def without_terminal(options: argparse.Namespace) -> str:
    """Return why there is no dashboard: an unknown word, or else that it needs a terminal."""
    loaded = load(options.config, profiles_of(options))
    if message := find_unknown(options.ids, loaded):
        return message
    text = "the dashboard needs a terminal; without one, use 'pmtui --no-ui', or 'pmtui -d' in the background"
    return text if loaded.path else f"{text} (there is no config here: 'pmtui init' writes one)"


def start_in_background(options: argparse.Namespace, argv: Sequence[str]) -> int:
    from pmtui.cli import background

    return background.start(options, argv)


def run_manager(options: argparse.Namespace, boot: "GuardianLauncher", start_again: Callable[[], int] | None) -> int:
    from pmtui.client.discovery import read_instance
    from pmtui.config.load import CONFIG_NAMES
    from pmtui.runtime.session import StartError
    from pmtui.supervisor.reload import ConfigSource

    profiles = profiles_of(options)

    def read(path: Path | None = options.config) -> "Loaded":
        return select_processes(apply_options(load(path, profiles), options), options.ids)

    loaded = read()
    require_profiles(loaded)
    if options.exit_with and options.exit_with not in {config.id for config in loaded.processes}:
        return fail(f"no process is named '{options.exit_with}' (--exit-with)", BAD_USAGE)
    if message := find_unknown(options.ids, loaded):
        return fail(message, BAD_USAGE)
    if not options.no_ui and (running := read_instance(Path(loaded.settings.data_dir))):
        boot.abort()
        boot.release_signals()
        return attach_to(running, loaded)
    searched = [] if options.config else [str(current_directory() / name) for name in CONFIG_NAMES]
    source = ConfigSource(partial(read, loaded.path), loaded, searched, origins=partial(origins_of, loaded, profiles))
    try:
        if options.no_ui:
            return headless(source, boot, options)
        from pmtui.dashboard.run import run_dashboard

        return run_dashboard(source, boot, not options.no_api, start_again)
    except StartError as error:
        return fail(str(error), error.exit_code)


def find_unknown(words: Sequence[str], loaded: "Loaded") -> str:
    """Return the error for the first word that is neither a command nor a process; empty if there is none."""
    from pmtui.control import matches

    unknown = next((word for word in words if not any(matches(config, word) for config in loaded.processes)), None)
    if unknown is None:
        return ""
    from pmtui.cli.words import unknown_word

    return unknown_word(unknown, [config.id for config in loaded.processes], has_config=loaded.path is not None)


def origins_of(loaded: "Loaded", profiles: Sequence[str]) -> "Mapping[str, Mapping[str, str]]":
    from pmtui.config.show import find_origins
    from pmtui.importers.foreign import foreign_reader

    return find_origins(loaded, profiles, foreign_reader(loaded.path) if loaded.path else None)


def headless(source: "ConfigSource", boot: "GuardianLauncher", options: argparse.Namespace) -> int:
    import asyncio

    from pmtui.runtime.exit_policy import ExitPolicy
    from pmtui.runtime.headless import run_headless

    return asyncio.run(
        run_headless(
            source,
            boot,
            log_format(source.loaded, options),
            not options.no_api,
            options.log_file,
            ExitPolicy(options.exit_on_failure, options.exit_with),
            options.bind_to,
            options.pb_log,
        )
    )


def log_format(loaded: "Loaded", options: argparse.Namespace) -> "Format | FormatRecord":
    """Return the format of the log: unless one was given, a terminal gets lines as those of `pmtui logs -f`."""
    if options.log_format or options.log_file or not sys.stdout.isatty():
        return "json" if options.log_format == "json" else "text"
    from pmtui.cli.output import Output
    from pmtui.cli.terminal_log import TerminalLog

    return TerminalLog(Output(), [config.id for config in loaded.processes])


def attach_to(running: "RunningManager", loaded: "Loaded") -> int:
    from pmtui.cli import attach

    if running.url is None:
        return fail(f"a manager is already running for this config: pid {running.pid}, no API to attach to", FAILURE)
    return attach.run([running.url, *(["-c", str(loaded.path)] if loaded.path else [])])


def apply_options(loaded: "Loaded", options: argparse.Namespace) -> "Loaded":
    """Return the config with the settings of the command line."""
    from msgspec.structs import replace

    settings = loaded.settings
    own = {"host": options.host, "port": options.port, "web": False if options.no_web else None}
    beside = {"port": options.pb_port, "data_dir": options.pb_data_dir and os.path.abspath(options.pb_data_dir)}
    pocketbase = replace(settings.pocketbase, **{name: value for name, value in beside.items() if value is not None})
    settings = replace(
        settings, pocketbase=pocketbase, **{name: value for name, value in own.items() if value is not None}
    )
    processes = tuple(replace(config, dev_mode=config.dev_mode or options.dev) for config in loaded.processes)
    return replace(loaded, settings=settings, processes=processes)


def select_processes(loaded: "Loaded", patterns: Sequence[str]) -> "Loaded":
    """Return the config with autostart set for the selected processes only, if there are patterns."""
    if not patterns:
        return loaded
    from msgspec.structs import replace

    from pmtui.control import matches

    processes = [
        replace(config, autostart=any(matches(config, pattern) for pattern in patterns)) for config in loaded.processes
    ]
    return replace(loaded, processes=tuple(processes))
