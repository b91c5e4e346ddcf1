"""`pmtui reload`: reload the config."""

import argparse
import sys
from collections.abc import Sequence

from pmtui.cli.base import BAD_USAGE, DONE
from pmtui.cli.output import Output, as_json
from pmtui.cli.session import verb_parser, with_client
from pmtui.client.http_client import HttpClient
from pmtui.control import ConfigChanges
from pmtui.text.formatting import printable


def parser() -> argparse.ArgumentParser:
    command = verb_parser(
        "reload",
        "Make the manager reload its config: new processes start, changed ones restart, removed ones stop, all others "
        "are left alone. If the config has errors, nothing changes (exit code 2).",
        "pmtui reload --dry-run                show what would change",
        "pmtui reload",
    )
    command.add_argument("-n", "--dry-run", action="store_true", help="show what would change, and change nothing")
    command.add_argument("--json", action="store_true", help="print what POST /api/pm/reload returns")
    return command


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)

    def reload(client: HttpClient) -> int:
        changes = client.post("/api/pm/reload", ConfigChanges, dryRun="true" if options.dry_run else None)
        lines = [as_json(changes)] if options.json else format_changes(changes, Output())
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        return BAD_USAGE if changes.errors else DONE

    return with_client(options, reload)


def format_changes(changes: ConfigChanges, output: Output) -> list[str]:
    if changes.errors:
        errors = [output.paint(f"{output.glyphs.bad} {printable(error)}", "bad") for error in changes.errors]
        return [*errors, "nothing has changed"]
    lines = [output.paint(f"+ {name}", "good") for name in changes.added]
    lines += [output.paint(f"~ {name}", "warn") for name in changes.changed]
    lines += [output.paint(f"- {name}", "bad") for name in changes.removed]
    lines += [output.paint(printable(note), "dim") for note in changes.notes]
    return [*lines, f"{len(changes.unchanged)} unchanged"]
