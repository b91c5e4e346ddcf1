"""`pmtui stop`."""

import argparse
from collections.abc import Sequence

from pmtui.cli.operations import operate, operation_parser


def parser() -> argparse.ArgumentParser:
    return operation_parser(
        "stop",
        "Stops processes with all that they have started, and returns when that is gone. A stopped process stays "
        "stopped until somebody starts it.",
        "pmtui stop worker",
        "pmtui stop @batch 'web-*'",
        "pmtui stop --all                      the manager goes on; 'pmtui down' ends it, too",
    )


def run(argv: Sequence[str]) -> int:
    return operate("stop", parser(), argv)
