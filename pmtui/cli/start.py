"""`pmtui start`."""

import argparse
from collections.abc import Sequence

from pmtui.cli.operations import operate, operation_parser


def parser() -> argparse.ArgumentParser:
    return operation_parser(
        "start",
        "Starts processes, and what they depend on; nothing is done to one that runs. Waits until each runs (healthy, "
        "where it has a health check) or has failed, and says so.",
        "pmtui start worker",
        "pmtui start @batch 'web-*'",
        "pmtui start --all --timeout 30s",
    )


def run(argv: Sequence[str]) -> int:
    return operate("start", parser(), argv)
