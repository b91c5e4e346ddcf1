"""What several commands share: exit codes, complaints, and which config is meant."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pmtui.text.formatting import printable

if TYPE_CHECKING:
    from pmtui.config.load import Loaded

DONE, FAILURE, BAD_USAGE, NO_MANAGER = 0, 1, 2, 3
CONFIGS = "pmtui.toml, pb_processes.json or pb_data/pb_processes.json"


class CommandHelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Fills the lines of the terminal with the description, and leaves examples as they are laid out."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if "\n" in text:
            return super()._fill_text(text, width, indent)
        return argparse.HelpFormatter._fill_text(self, text, width, indent)


def command_parser(name: str, description: str, *examples: str, codes: str = "") -> argparse.ArgumentParser:
    """A parser whose help teaches by examples; `codes` says what the exit codes mean."""
    return argparse.ArgumentParser(
        prog=f"pmtui {name}",
        description=description,
        epilog="\n".join(["examples:", *(f"  {example}" for example in examples), *(["", codes] if codes else [])]),
        formatter_class=CommandHelpFormatter,
    )


def add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-c", "--config", "--pmConfig", type=Path, metavar="FILE", help=f"the config ({CONFIGS})")


def load(path: Path | None) -> "Loaded":
    """The config named, or the first that is found; an empty one where there is none."""
    from pmtui.config.load import Loaded, find_config, load_config
    from pmtui.config.model import Settings

    path = path or find_config(current_directory())
    return load_config(path) if path else Loaded(settings=Settings(data_dir=os.path.abspath(".pmtui")))


def require_config(path: Path | None) -> "tuple[Path, Loaded]":
    """As `load`, with where it is; ends the command where there is no config."""
    loaded = load(path)
    if loaded.path is None:
        sys.exit(fail(f"no config here: looked for {CONFIGS}", BAD_USAGE))
    return loaded.path, loaded


def current_directory() -> Path:
    """The current folder; ends the command where it does not exist any more."""
    try:
        return Path.cwd()
    except OSError:
        sys.exit(fail("the current folder does not exist any more: cd to one that does", BAD_USAGE))


def fail(text: str, code: int) -> int:
    sys.stderr.write("".join(f"{printable(line)}\n" for line in f"pmtui: {text}".split("\n")))
    return code
