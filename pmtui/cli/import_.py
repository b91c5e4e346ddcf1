"""`pmtui import`: convert the config of another process manager to a pmtui.toml."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pmtui.cli.base import DONE, FAILURE, command_parser, fail
from pmtui.cli.output import as_json
from pmtui.runtime.files import write_new
from pmtui.text.formatting import plural, printable

if TYPE_CHECKING:
    from pmtui.importers.builder import Imported, Note

HEADINGS = ("PROCESS", "FROM", "TO", "NOTE")
STDOUT = "-"


def parser() -> argparse.ArgumentParser:
    command = command_parser(
        "import",
        "Convert a Procfile (with the .env beside it), a pm2 ecosystem, a supervisord.conf, a process-compose file, an "
        "mprocs.yaml or a dekit.yaml to a pmtui.toml, and report what each setting became, or why it is lost. Nothing "
        "is overwritten. An ecosystem written in JavaScript is run by node.",
        "pmtui import Procfile",
        "pmtui import ecosystem.config.js --env production",
        "pmtui import /etc/supervisor/supervisord.conf -o - | less",
        codes="exit codes: 0 converted, 1 not converted, or settings are lost with --strict, 2 bad usage",
    )
    command.add_argument("file", metavar="FILE")
    command.add_argument(
        "-o", "--output", default="pmtui.toml", metavar="FILE", help="file to write, - for stdout (default: pmtui.toml)"
    )
    command.add_argument("--env", metavar="NAME", help="pm2: also apply env_NAME")
    command.add_argument(
        "--from",
        dest="kind",
        metavar="KIND",
        help="procfile, pm2, supervisord, process-compose, mprocs or dekit (default: detected)",
    )
    command.add_argument("--strict", action="store_true", help="if a setting is lost, write nothing and exit with 1")
    command.add_argument(
        "--json", action="store_true", help="print an object: output, processes, notes; with -o - also the text"
    )
    return command


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    from pmtui.importers.builder import UnsupportedFileError
    from pmtui.importers.detect import KINDS, import_file
    from pmtui.importers.repair import toml_of

    if options.kind not in (None, *KINDS):
        parser().error(f"--from {options.kind}: expected one of {', '.join(KINDS)}")
    to_stdout = options.output == STDOUT
    output = Path(os.path.abspath("pmtui.toml" if to_stdout else options.output))
    if not to_stdout and os.path.lexists(output):
        return fail(
            f"{output} already exists and is never overwritten; move it, or choose another name with -o", FAILURE
        )
    try:
        imported = import_file(options.file, str(output.parent), os.environ, options.kind, options.env)
    except UnsupportedFileError as error:
        return fail(str(error), FAILURE)
    if not options.json:
        (sys.stderr if to_stdout else sys.stdout).write(format_table(imported))
    if options.strict and imported.losses:
        return fail(f"{format_losses(imported)}; nothing is written because of --strict", FAILURE)
    text = f"# Made by pmtui import of {os.path.basename(options.file)!a}.\n\n{toml_of(imported)}"
    if not to_stdout:
        try:
            write_new(output, text)
        except OSError as error:
            return fail(f"cannot write {output}: {error.strerror}", FAILURE)
    if options.json:
        return write_json(imported, None if to_stdout else output, text)
    return write_text(imported, None if to_stdout else output, text)


def write_json(imported: "Imported", output: Path | None, text: str) -> int:
    shown: dict[str, object] = {"output": str(output) if output else None, "processes": [*imported.processes]}
    shown["notes"] = [
        {"process": note.process, "from": note.source, "to": note.target, "lost": note.is_lost, "note": note.reason}
        for note in imported.notes
    ]
    sys.stdout.write(as_json(shown if output else shown | {"text": text}) + "\n")
    return DONE


def write_text(imported: "Imported", output: Path | None, text: str) -> int:
    if not output:
        sys.stdout.write(text)
        return DONE
    count = plural(len(imported.processes), "process", "processes")
    sys.stdout.write(f"\n{output}: {count}, {format_losses(imported)}\n")
    sys.stdout.write("next: 'pmtui check' reports what is missing on this machine, 'pmtui' runs the processes\n")
    return DONE


def format_losses(imported: "Imported") -> str:
    return f"{plural(len(imported.losses), 'setting', 'settings')} lost" if imported.losses else "nothing lost"


def format_table(imported: "Imported") -> str:
    """Return a table of what each setting became, with losses last, where they are seen."""
    notes = sorted(imported.notes, key=lambda note: note.is_lost)
    rows = [HEADINGS, *(tuple(printable(cell) for cell in cells_of(note)) for note in notes)]
    widths = [max(len(row[index]) for row in rows) for index in range(3)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]) for row in rows
    ]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def cells_of(note: "Note") -> tuple[str, str, str, str]:
    return note.process or "(all)", note.source, "LOST" if note.is_lost else note.target, note.reason
