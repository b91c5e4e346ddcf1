"""`pmtui start`."""

import argparse
from collections.abc import Sequence

from pmtui.cli.operations import operate, operation_parser


def parser() -> argparse.ArgumentParser:
    return operation_parser(
        "start",
        "Start processes and their dependencies; running ones are left alone. Wait until each is running (and healthy, "
        "if it has a health check) or has failed, and report it.",
        "pmtui start worker",
        "pmtui start @batch 'web-*'",
        "pmtui start --all --timeout 30s",
    )


def run(argv: Sequence[str]) -> int:
    return operate("start", parser(), argv)
