"""`pmtui restart`."""

import argparse
from collections.abc import Sequence

from pmtui.cli.operations import operate, operation_parser


def parser() -> argparse.ArgumentParser:
    return operation_parser(
        "restart",
        "Restarts processes; those that do not run are started. Waits until each runs (healthy, where it has a health "
        "check) or has failed, and says so.",
        "pmtui restart web",
        "pmtui restart @workers",
        "pmtui restart --all --no-wait",
    )


def run(argv: Sequence[str]) -> int:
    return operate("restart", parser(), argv)
