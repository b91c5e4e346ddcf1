"""`pmtui send`: write to the stdin of a process."""

import argparse
import sys
from collections.abc import Sequence

from pmtui.cli.base import DONE
from pmtui.cli.session import verb_parser, with_client
from pmtui.client.http_client import HttpClient, process_path


def parser() -> argparse.ArgumentParser:
    command = verb_parser(
        "send",
        "Write TEXT to the stdin of a process that has a terminal (tty) or a pipe (stdin = true), without a newline.",
        "pmtui send api --enter continue       type `continue` and Enter at a debugger's prompt",
        "pmtui send worker 'reload'            as it is, without a newline",
        "pmtui send importer --eof             end its stdin, or type Ctrl-D on its terminal",
    )
    command.add_argument("id", metavar="ID")
    command.add_argument("text", metavar="TEXT", nargs="?", default="", help="what to write (default: nothing)")
    command.add_argument("--enter", action="store_true", help="then write a carriage return, as the Enter key does")
    command.add_argument("--eof", action="store_true", help="then end stdin: close the pipe, or type Ctrl-D")
    command.add_argument("--json", action="store_true", help="print the answer of the API")
    return command


def run(argv: Sequence[str]) -> int:
    command = parser()
    options = command.parse_args(argv)
    if not (options.text or options.enter or options.eof):
        command.error("there is nothing to send: give TEXT, --enter or --eof")
    text = options.text.encode("utf-8", "surrogateescape") + b"\r" * options.enter

    def send(client: HttpClient) -> int:
        answer = client.read("POST", process_path(options.id, "input"), text, eof="true" if options.eof else None)
        if options.json:
            sys.stdout.write(f"{answer.decode()}\n")
        return DONE

    return with_client(options, send)
