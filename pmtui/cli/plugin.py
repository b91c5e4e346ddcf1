"""`pmtui plugin`: PocketBase as the host of the manager, by one file in its pb_hooks directory."""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from pmtui.cli.base import DONE, FAILURE, command_parser, fail
from pmtui.pocketbase.hook_file import HookError, install, uninstall

NEXT_STEP = (
    "next: ./pocketbase serve starts the manager with it, whose web page is then at /_pm/; "
    "'pmtui plugin status' shows whether it runs\n"
)


def parser() -> argparse.ArgumentParser:
    made = command_parser(
        "plugin",
        "Make './pocketbase serve' start and stop the manager: writes the hook pb_hooks/pmtui.pb.js, takes it away "
        "again, or shows whether it works.",
        "pmtui plugin install",
        "pmtui plugin install -c pmtui.toml ~/my-app",
        "pmtui plugin install --mcp            the entry for coding agents, in .mcp.json",
        "pmtui plugin status",
        "pmtui plugin uninstall",
        codes="exit codes: 0 done, or all is well, 1 no hook, or a file that pmtui did not write, 2 bad usage,\n"
        "3 status: a hook, but nothing runs",
    )
    commands = made.add_subparsers(dest="command", required=True, metavar="install | uninstall | status")
    adding = commands.add_parser("install", help="write the hook, or update it")
    adding.add_argument(
        "-c",
        "--config",
        "--pmConfig",
        type=Path,
        metavar="FILE",
        help="the config (default: pb_processes.json or pb_data/pb_processes.json when PocketBase starts)",
    )
    adding.add_argument(
        "--mcp", action="store_true", help="write no hook, but the entry for coding agents into .mcp.json"
    )
    removing = commands.add_parser("uninstall", help="remove the hook")
    showing = commands.add_parser("status", help="show whether the hook is there and what runs")
    for command in (adding, removing, showing):
        command.add_argument(
            "directory", nargs="?", type=Path, default=Path(), metavar="DIR", help="PocketBase's directory (default: .)"
        )
        command.add_argument("--json", action="store_true", help="print an object")
    starting = commands.add_parser("host-start")  # these three are for the hook
    stopping = commands.add_parser("host-stop")
    routing = commands.add_parser("routes")
    for command in (starting, stopping, routing):
        command.add_argument("--config", type=Path, required=True)
    for command in (starting, stopping):
        command.add_argument("--pid", type=int, required=True)
    stopping.add_argument("--no-wait", action="store_true")
    starting.add_argument("--data-dir", required=True)
    starting.add_argument("--dev", action="store_true")
    starting.add_argument("words", nargs="*")
    return made


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    match options.command:
        case "install":
            return run_install_mcp(options) if options.mcp else run_install(options)
        case "uninstall":
            return run_uninstall(options)
        case "status":
            from pmtui.cli.plugin_status import show_status

            return show_status(options.directory.absolute(), as_json=options.json)
        case _:
            from pmtui.cli import plugin_host

            result = plugin_host.COMMANDS[options.command](options)
            sys.stdout.write(json.dumps(result) + "\n")
            return DONE


def run_install(options: argparse.Namespace) -> int:
    command = find_command()
    if command is None:
        return fail("no 'pmtui' command beside this Python; install the package with pip or uv", FAILURE)
    config = options.config.absolute() if options.config else None
    try:
        path = install(options.directory.absolute(), command, config)
    except HookError as error:
        return fail(str(error), FAILURE)
    if config and not config.exists():
        sys.stderr.write(f"pmtui: {config} does not exist yet; PocketBase reports an error until it does\n")
    return show(options, {"written": str(path)}, f"{path} is written\n{NEXT_STEP}")


def run_install_mcp(options: argparse.Namespace) -> int:
    """Write the entry with a command that works in every checkout, if there is one."""
    from pmtui.mcp.client_config import FILE_NAME, ClientConfigError, add_entry

    command = "pmtui" if shutil.which("pmtui") else str(find_command() or "pmtui")
    arguments = ["mcp", *(["-c", str(options.config)] if options.config else [])]
    try:
        is_new = add_entry(options.directory.absolute(), command, arguments)
    except ClientConfigError as error:
        return fail(str(error), FAILURE)
    text = f"{FILE_NAME} {'has the entry now' if is_new else 'has an entry for pmtui already'}\n"
    return show(options, {"file": str(options.directory.absolute() / FILE_NAME), "added": is_new}, text)


def run_uninstall(options: argparse.Namespace) -> int:
    try:
        was_there = uninstall(options.directory.absolute())
    except HookError as error:
        return fail(str(error), FAILURE)
    text = "the hook is removed\n" if was_there else "there is no hook here\n"
    return show(options, {"removed": was_there}, text)


def show(options: argparse.Namespace, facts: dict[str, object], text: str) -> int:
    sys.stdout.write(f"{json.dumps(facts)}\n" if options.json else text)
    return DONE


def find_command() -> Path | None:
    """The absolute path of the `pmtui` command that is running, also when Python runs it as a module."""
    beside = Path(sys.executable).parent / "pmtui"
    for candidate in (Path(sys.argv[0]), beside):
        if candidate.name == "pmtui" and os.access(candidate, os.X_OK) and candidate.is_file():
            return candidate.absolute()
    found = shutil.which("pmtui")
    return Path(found).absolute() if found else None
