"""What several commands share: exit codes, complaints, and which config is meant."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pmtui.config.load import Loaded

DONE, FAILURE, BAD_USAGE, NO_MANAGER = 0, 1, 2, 3
CONFIGS = "pmtui.toml, pb_processes.json or pb_data/pb_processes.json"


def add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-c", "--config", "--pmConfig", type=Path, metavar="FILE", help=f"the config ({CONFIGS})")


def load(path: Path | None) -> "Loaded":
    """The config named, or the first that is found; an empty one where there is none."""
    from pmtui.config.load import Loaded, find_config, load_config
    from pmtui.config.model import Settings

    path = path or find_config(here())
    return load_config(path) if path else Loaded(settings=Settings(data_dir=os.path.abspath(".pmtui")))


def here() -> Path:
    """The current folder; ends the command where it does not exist any more."""
    try:
        return Path.cwd()
    except OSError:
        sys.exit(complain("the current folder does not exist any more: cd to one that does", BAD_USAGE))


def complain(text: str, code: int) -> int:
    sys.stderr.write(f"pmtui: {text}\n")
    return code
