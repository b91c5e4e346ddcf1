"""The console script: finds the command that the first word names, and runs it."""

import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from keyword import iskeyword
from typing import NoReturn

COMMAND_GROUPS = {
    "inspect": {
        "list": "list processes",
        "info": "show the details of a process",
        "logs": "show the output of processes",
        "events": "show changes of status",
        "history": "draw CPU and memory over time and list events",
        "ps": "list all managers of this user",
        "metrics": "print metrics in the Prometheus format",
        "attach": "show the dashboard of a running manager",
        "open": "open the web page of a running manager in the browser",
    },
    "control": {
        "start": "start processes",
        "stop": "stop processes",
        "restart": "restart processes",
        "signal": "send a signal to a process",
        "send": "write to the stdin of a process",
        "connect": "show the terminal of a process in this one",
        "wait": "wait until processes are healthy, running, stopped or completed",
        "reload": "reload the config",
        "down": "stop the manager and all its processes",
    },
    "run once": {
        "exec": "bring the config up, run a command beside it, and take it down",
        "run": "add a process that is not in the config",
        "remove": "end and remove an added process",
        "mcp": "let coding agents inspect and control processes",
    },
    "set up": {
        "init": "write a first config for this directory",
        "import": "convert a Procfile, pm2, supervisord, process-compose or mprocs config",
        "check": "report all errors of the config",
        "config": "show the config in force, and where each value comes from",
        "schema": "print the JSON Schema of the config",
        "export": "export processes to systemd, compose, Kubernetes or a Procfile",
        "plugin": "run the manager inside PocketBase",
        "service": "run the manager as a systemd service",
        "completion": "print a completion script for bash, zsh or fish",
    },
    "try and report": {
        "demo": "run a few example processes",
        "doctor": "print information for a bug report",
    },
}
LEADING_OPTIONS = ("-c", "--config", "--pmConfig", "--profile", "--url")
"""Options with a value that may also stand before the command."""
COMMANDS = {name: summary for group in COMMAND_GROUPS.values() for name, summary in group.items()}


def main() -> None:
    """Run the command line and exit. If interrupted or unread, end by SIGINT or SIGPIPE as other programs do."""
    open_standard_files()
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="surrogateescape")  # file names may hold any bytes
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except KeyboardInterrupt:
        exit_by_signal(signal.SIGINT)
    except BrokenPipeError:
        exit_by_signal(signal.SIGPIPE)
    sys.exit(code)


def run(argv: Sequence[str]) -> int:
    argv = command_first(argv)
    is_command = bool(argv) and argv[0] in COMMANDS
    module = import_module(command_module(argv[0] if is_command else "root"))
    return int(module.run(argv[1:] if is_command else argv))


def command_first(argv: Sequence[str]) -> Sequence[str]:
    """Move options such as `-c FILE` behind the command that follows them."""
    index = 0
    while index < len(argv) and argv[index] in LEADING_OPTIONS:
        index += 2
    if 0 < index < len(argv) and argv[index] in COMMANDS:
        return [argv[index], *argv[:index], *argv[index + 1 :]]
    return argv


def open_standard_files() -> None:
    """Open /dev/null for each closed standard file, so that no other file gets its number."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) < 3:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdin = sys.stdin or open(0)  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w")  # noqa: SIM115


def command_module(command: str) -> str:
    return f"pmtui.cli.{command}{'_' if iskeyword(command) else ''}"


def exit_by_signal(number: signal.Signals) -> NoReturn:
    """End this process by a signal, so that a shell sees why it ended."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    sys.exit(128 + number)
