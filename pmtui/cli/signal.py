"""`pmtui signal`: send a signal to a process."""

import argparse
import sys
from collections.abc import Sequence

from pmtui.cli.base import DONE
from pmtui.cli.session import verb_parser, with_client
from pmtui.client.http_client import HttpClient, process_path


def parser() -> argparse.ArgumentParser:
    command = verb_parser(
        "signal",
        "Send a signal to the main process of an entry. If it ends, it is restarted according to its restart policy.",
        "pmtui signal web HUP                  many programs then reload their config",
        "pmtui signal worker SIGUSR1",
    )
    command.add_argument("id", metavar="ID")
    command.add_argument("signal", metavar="SIGNAL", help="name or number, such as SIGHUP, HUP or 1")
    command.add_argument("--json", action="store_true", help="print the answer of the API")
    return command


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)

    def send(client: HttpClient) -> int:
        answer = client.read("POST", process_path(options.id, "signal", options.signal)).decode()
        sys.stdout.write(f"{answer if options.json else f'{options.signal} sent to {options.id}'}\n")
        return DONE

    return with_client(options, send)
