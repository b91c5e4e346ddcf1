"""`pmtui demo`: run a few example processes."""

import argparse
from collections.abc import Sequence

from pmtui.cli import root
from pmtui.cli.base import command_parser
from pmtui.demo import CONFIG_NAME, demo_directory


def parser() -> argparse.ArgumentParser:
    command = command_parser(
        "demo",
        "Run a small shop of eleven processes: a database, an API that logs JSON, workers, one that crashes, one that "
        "becomes unhealthy, one that fails and one blocked by it. All files are in a temporary directory that is "
        "removed afterwards.",
        "pmtui demo                            q, then y, quits",
        "pmtui demo --no-ui                    Ctrl-C quits",
        codes="exit codes: 0 stopped on request, 1 failure, 2 bad usage",
    )
    command.add_argument(
        "--no-ui", action="store_true", help="write the log to stdout instead of showing the dashboard"
    )
    return command


def run(argv: Sequence[str]) -> int:
    parser().parse_args(argv)
    with demo_directory() as folder:
        return root.run(["-c", str(folder / CONFIG_NAME), *argv], ephemeral=True)
