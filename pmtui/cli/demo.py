"""`pmtui demo`: run a few example processes."""

import argparse
from collections.abc import Sequence

from pmtui.cli import root
from pmtui.cli.base import command_parser
from pmtui.demo import demo_directory


def parser() -> argparse.ArgumentParser:
    command = command_parser(
        "demo",
        "Run a few example processes: a web server, a ticker (if node is installed), one that logs on both streams and "
        "one that crashes. All files are in a temporary directory, which is removed afterwards.",
        "pmtui demo                            q, then y, quits",
        "pmtui demo --no-ui                    Ctrl-C quits",
    )
    command.add_argument(
        "--no-ui", action="store_true", help="write the log to stdout instead of showing the dashboard"
    )
    return command


def run(argv: Sequence[str]) -> int:
    parser().parse_args(argv)
    with demo_directory() as folder:
        return root.run(["-c", str(folder / "pb_processes.json"), *argv], ephemeral=True)
