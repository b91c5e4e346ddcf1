"""`pmtui restart`."""

import argparse
from collections.abc import Sequence

from pmtui.cli.operations import operate, operation_parser


def parser() -> argparse.ArgumentParser:
    return operation_parser(
        "restart",
        "Restart processes; start those that are not running. Wait until each is running (and healthy, if it has a "
        "health check) or has failed, and report it.",
        "pmtui restart web",
        "pmtui restart @workers",
        "pmtui restart --all --no-wait",
    )


def run(argv: Sequence[str]) -> int:
    return operate("restart", parser(), argv)
