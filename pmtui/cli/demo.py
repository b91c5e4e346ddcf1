"""`pmtui demo`: a few small processes to look at."""

import argparse
from collections.abc import Sequence

from pmtui.cli import root
from pmtui.cli.base import command_parser
from pmtui.demo import demo_directory


def parser() -> argparse.ArgumentParser:
    made = command_parser(
        "demo",
        "Runs a few small processes: a web server, a ticker (where node is there), one that talks, one that crashes. "
        "Everything is in a temporary folder and leaves nothing behind.",
        "pmtui demo                            q, then y, ends it",
        "pmtui demo --no-ui                    Ctrl-C ends it",
    )
    made.add_argument("--no-ui", action="store_true", help="no dashboard: log on stdout")
    return made


def run(argv: Sequence[str]) -> int:
    parser().parse_args(argv)
    with demo_directory() as folder:
        return root.run(["-c", str(folder / "pb_processes.json"), *argv], is_passing=True)
