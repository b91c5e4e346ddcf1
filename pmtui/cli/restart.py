"""`pmtui restart`."""

import argparse
from collections.abc import Sequence

from pmtui.cli.operations import operate, operation_parser


def parser() -> argparse.ArgumentParser:
    command = operation_parser(
        "restart",
        "Restart processes; start those that are not running. Wait until each is running (and healthy, if it has a "
        "health check) or has failed, and report it.",
        "pmtui restart web",
        "pmtui restart @workers",
        "pmtui restart --all --no-wait",
        "pmtui restart --rolling web          end the old run only when the new one is ready",
    )
    command.add_argument(
        "--rolling", action="store_true", help='start the new run beside the old one; needs sockets or port = "auto"'
    )
    return command


def run(argv: Sequence[str]) -> int:
    return operate("restart", parser(), argv)
