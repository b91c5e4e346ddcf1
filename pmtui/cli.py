"""Words on the command line, and the command that they mean."""

import sys
from collections.abc import Sequence
from importlib import import_module

INTERRUPTED = 130
COMMANDS = {
    "check": "pmtui.commands.check",
    "demo": "pmtui.commands.demo",
}
"""Each a module whose `run(argv)` gives the exit code; all else is `pmtui [ID ...]`, pmtui.commands.manage."""


def main() -> None:
    """The console script."""
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)


def run(argv: Sequence[str]) -> int:
    """Does what the words say; the exit code."""
    command = COMMANDS.get(argv[0]) if argv else None
    return int(import_module(command or "pmtui.commands.manage").run(argv[1:] if command else argv))
