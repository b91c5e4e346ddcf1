"""`pmtui import`: a configuration of another process manager as a pmtui.toml."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pmtui.cli.base import DONE, FAILURE, command_parser, fail
from pmtui.runtime.files import write_new

if TYPE_CHECKING:
    from pmtui.importers import Imported, Note

HEADINGS = ("PROCESS", "FROM", "TO", "NOTE")
STDOUT = "-"


def parser() -> argparse.ArgumentParser:
    made = command_parser(
        "import",
        "Makes a pmtui.toml of a Procfile (and the .env beside it), a pm2 ecosystem, a supervisord.conf or a "
        "process-compose file, and tells what became of each thing in it, and what was lost and why. Overwrites "
        "nothing. An ecosystem that is a program (.js) is run by node.",
        "pmtui import Procfile",
        "pmtui import ecosystem.config.js --env production",
        "pmtui import /etc/supervisor/supervisord.conf -o - | less",
    )
    made.add_argument("file", metavar="FILE")
    made.add_argument("-o", "--output", default="pmtui.toml", metavar="FILE", help="pmtui.toml; - for stdout")
    made.add_argument("--env", metavar="NAME", help="of a pm2 ecosystem: take env_NAME too")
    made.add_argument("--from", dest="kind", metavar="KIND", help="procfile, pm2, supervisord or process-compose")
    made.add_argument("--strict", action="store_true", help="write nothing, exit code 1, where something is lost")
    return made


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    from pmtui.importers import KINDS, UnsupportedFileError, import_file
    from pmtui.importers.repair import toml_of

    if options.kind not in (None, *KINDS):
        parser().error(f"--from {options.kind}: expected one of {', '.join(KINDS)}")
    to_stdout = options.output == STDOUT
    output = Path(os.path.abspath("pmtui.toml" if to_stdout else options.output))
    if not to_stdout and os.path.lexists(output):
        return fail(f"{output} is there already, and is never overwritten: move it, or give another -o", FAILURE)
    try:
        imported = import_file(options.file, str(output.parent), os.environ, options.kind, options.env)
    except UnsupportedFileError as error:
        return fail(str(error), FAILURE)
    (sys.stderr if to_stdout else sys.stdout).write(format_table(imported))
    if options.strict and imported.losses:
        return fail(f"{format_losses(imported)}, and --strict: nothing is written", FAILURE)
    text = f"# Made by pmtui import of {os.path.basename(options.file)!a}.\n\n{toml_of(imported)}"
    if to_stdout:
        sys.stdout.write(text)
        return DONE
    return write(output, text, imported)


def write(output: Path, text: str, imported: "Imported") -> int:
    try:
        write_new(output, text)
    except OSError as error:
        return fail(f"{output} cannot be written: {error.strerror}", FAILURE)
    count = len(imported.processes)
    sys.stdout.write(f"\n{output}: {count} process{'' if count == 1 else 'es'}, {format_losses(imported)}\n")
    sys.stdout.write("next: pmtui check tells what is missing on this machine, pmtui runs them\n")
    return DONE


def format_losses(imported: "Imported") -> str:
    count = len(imported.losses)
    return f"{count} thing{'' if count == 1 else 's'} lost" if count else "nothing lost"


def format_table(imported: "Imported") -> str:
    """What became of what; the losses last, so that they are seen."""
    from pmtui.text.formatting import printable

    notes = sorted(imported.notes, key=lambda note: note.is_lost)
    rows = [HEADINGS, *(tuple(printable(cell) for cell in cells_of(note)) for note in notes)]
    widths = [max(len(row[index]) for row in rows) for index in range(3)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]) for row in rows
    ]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def cells_of(note: "Note") -> tuple[str, str, str, str]:
    return note.process or "(all)", note.source, "LOST" if note.is_lost else note.target, note.reason
