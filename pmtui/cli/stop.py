"""`pmtui stop`."""

import argparse
from collections.abc import Sequence

from pmtui.cli.operations import operate, operation_parser


def parser() -> argparse.ArgumentParser:
    return operation_parser(
        "stop",
        "Stop processes, each with everything it has started, and return once all of it has ended. A stopped process "
        "stays stopped until it is started again.",
        "pmtui stop worker",
        "pmtui stop @batch 'web-*'",
        "pmtui stop --all                      the manager keeps running; 'pmtui down' stops it too",
    )


def run(argv: Sequence[str]) -> int:
    return operate("stop", parser(), argv)
