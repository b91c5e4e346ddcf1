"""`pmtui start`."""

import argparse
from collections.abc import Sequence

from pmtui.cli.operations import operate, operation_parser


def parser() -> argparse.ArgumentParser:
    command = operation_parser(
        "start",
        "Start processes and their dependencies; running ones are left alone. Wait until each is running (and healthy, "
        "if it has a health check) or has failed, and report it.",
        "pmtui start worker",
        "pmtui start @batch 'web-*'",
        "pmtui start --all --timeout 30s",
        "pmtui start backup --wait             run a job, and end with its exit code",
    )
    command.add_argument(
        "--wait", action="store_true", help="wait until the runs of jobs have ended; end with the exit code of a run"
    )
    return command


def run(argv: Sequence[str]) -> int:
    return operate("start", parser(), argv)
