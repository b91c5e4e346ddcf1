"""Words on the command line, and the command that they mean."""

import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from keyword import iskeyword
from typing import NoReturn

COMMANDS = {
    "attach": "the dashboard over a manager that runs already",
    "list": "the processes as a table",
    "info": "all that is known of a process",
    "start": "start processes",
    "stop": "stop processes",
    "restart": "restart processes",
    "signal": "send a signal to a process",
    "logs": "the output of processes",
    "events": "what happened to processes",
    "reload": "read the config again",
    "wait": "wait until processes are healthy, running, stopped or completed",
    "down": "end the manager and all its processes",
    "metrics": "figures in the form that Prometheus reads",
    "init": "write a first config for this folder",
    "import": "make a config of a Procfile, pm2, supervisord or process-compose file",
    "export": "the same processes for systemd, compose, kubernetes or foreman",
    "service": "let systemd run the manager",
    "check": "everything that is wrong with the config",
    "demo": "a few small processes to look at",
    "doctor": "what a bug report needs",
    "completion": "completion for bash, zsh and fish",
}
"""Each a module of pmtui.cli whose `run(argv)` gives the exit code; all else is `pmtui [ID ...]`, `root`."""


def main() -> None:
    """The console script. Interrupted, or with nobody to read what it says, it ends as every program does then."""
    open_standard_files()
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="surrogateescape")  # names of files may be any bytes
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except KeyboardInterrupt:
        exit_by_signal(signal.SIGINT)
    except BrokenPipeError:
        exit_by_signal(signal.SIGPIPE)
    sys.exit(code)


def run(argv: Sequence[str]) -> int:
    """Does what the words say; the exit code."""
    is_command = bool(argv) and argv[0] in COMMANDS
    module = import_module(command_module(argv[0] if is_command else "root"))
    return int(module.run(argv[1:] if is_command else argv))


def open_standard_files() -> None:
    """Where stdin, stdout or stderr is closed it is /dev/null: no other file may get its number."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) < 3:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdin = sys.stdin or open(0)  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w")  # noqa: SIM115


def command_module(command: str) -> str:
    return f"pmtui.cli.{command}{'_' if iskeyword(command) else ''}"


def exit_by_signal(number: signal.Signals) -> NoReturn:
    """Ends this process by a signal, so that a shell sees why it ended."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    sys.exit(128 + number)
