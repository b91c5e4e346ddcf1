"""`pmtui check`: everything that is wrong with the config."""

import argparse
import os
import sys
from collections.abc import Sequence

from pmtui.commands.common import BAD_USAGE, CONFIGS, DONE, add_config, complain, load


def run(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="pmtui check",
        description="Says everything that is wrong with the config. Exit code 0: nothing that matters; 2: errors.",
    )
    add_config(parser)
    options = parser.parse_args(argv)
    from pmtui.config.check import check, report

    loaded = load(options.config)
    if loaded.path is None:
        return complain(f"no config here: looked for {CONFIGS}", BAD_USAGE)
    found = check(loaded, os.environ)
    sys.stdout.write(report(found) + "\n")
    return BAD_USAGE if found.errors else DONE
