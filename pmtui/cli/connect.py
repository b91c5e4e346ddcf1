"""`pmtui connect`: the terminal of a process in this one."""

import argparse
import sys
from collections.abc import Sequence

from pmtui.cli.base import BAD_USAGE, FAILURE, fail
from pmtui.cli.session import connect, verb_parser, with_client
from pmtui.client.http_client import HttpClient, process_path
from pmtui.control import Detail


def parser() -> argparse.ArgumentParser:
    command = verb_parser(
        "connect",
        "Show the terminal of a process (tty = true) in this one, and give it the keyboard. Ctrl-] returns; every "
        "other key reaches the process. Ends when the process will not be started again.",
        "pmtui connect api                     at a breakpoint, for example",
    )
    command.add_argument("id", metavar="ID")
    return command


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return fail("connect needs a terminal; without one, use 'pmtui send' and 'pmtui logs -f'", BAD_USAGE)

    def show(client: HttpClient) -> int:
        config = client.get(process_path(options.id), Detail).config
        if not config.get("tty"):
            return fail(f"{options.id} has no terminal; set tty to true", FAILURE)
        from pmtui.client.terminal import TerminalConnection

        return TerminalConnection(options.id, lambda: connect(options)).run()

    return with_client(options, show)
