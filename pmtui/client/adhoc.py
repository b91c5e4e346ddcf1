"""Commands as processes that are not in the config."""

import os
import re
import shlex
from collections.abc import Sequence
from typing import Any

DEFAULT_NAME = "run"
MAX_NAME_LENGTH = 58
"""Characters of a name made from the command; a number may follow."""


def command_fields(words: Sequence[str], directory: str) -> dict[str, Any]:
    """Return the fields of a process that runs the command once."""
    first, *args = words
    return {
        "command": first if args else shlex.quote(first),  # without args it is split into words
        "args": args,
        "cwd": directory,
        "restart": "never",
    }


def name_of(program: str) -> str:
    """Return an id like the name of the program."""
    base = re.sub("[^A-Za-z0-9._-]+", "-", os.path.basename(program)).strip("._-")
    return base[:MAX_NAME_LENGTH] or DEFAULT_NAME
