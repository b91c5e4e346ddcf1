"""`pmtui signal`: a signal to the main process."""

import argparse
import sys
from collections.abc import Sequence

from pmtui.cli.base import DONE
from pmtui.cli.session import verb_parser, with_client
from pmtui.client.http_client import HttpClient, process_path


def parser() -> argparse.ArgumentParser:
    made = verb_parser(
        "signal",
        "Sends a signal to the main process. What ends by it is restarted as its policy says.",
        "pmtui signal web HUP                  most programs read their config again",
        "pmtui signal worker SIGUSR1",
    )
    made.add_argument("id", metavar="ID")
    made.add_argument("signal", metavar="SIGNAL", help="such as SIGHUP, HUP or 1")
    return made


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)

    def send(client: HttpClient) -> int:
        client.read("POST", process_path(options.id, "signal", options.signal))
        sys.stdout.write(f"{options.signal} sent to {options.id}\n")
        return DONE

    return with_client(options, send)
