"""`pmtui reload`: the config read again."""

import argparse
import sys
from collections.abc import Sequence

from pmtui.cli.base import BAD_USAGE, DONE
from pmtui.cli.output import Output
from pmtui.cli.session import verb_parser, with_client
from pmtui.client.http_client import HttpClient
from pmtui.control import ConfigChanges
from pmtui.text.formatting import printable


def parser() -> argparse.ArgumentParser:
    made = verb_parser(
        "reload",
        "Has the manager read its config again: new processes start, changed ones restart, removed ones stop, the rest "
        "is not touched. A config with errors changes nothing (exit code 2).",
        "pmtui reload --dry-run                what it would do",
        "pmtui reload",
    )
    made.add_argument("-n", "--dry-run", action="store_true", help="say what it would do, and do nothing")
    return made


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)

    def reload(client: HttpClient) -> int:
        changes = client.post("/api/pm/reload", ConfigChanges, dryRun="true" if options.dry_run else None)
        sys.stdout.write("".join(f"{line}\n" for line in format_changes(changes, Output())))
        return BAD_USAGE if changes.errors else DONE

    return with_client(options, reload)


def format_changes(changes: ConfigChanges, ink: Output) -> list[str]:
    lines = [ink.paint(f"{ink.glyphs.bad} {printable(error)}", "bad") for error in changes.errors]
    if changes.errors:
        return [*lines, "nothing is changed"]
    lines += [ink.paint(f"+ {name}", "good") for name in changes.added]
    lines += [ink.paint(f"~ {name}", "warn") for name in changes.changed]
    lines += [ink.paint(f"- {name}", "bad") for name in changes.removed]
    lines += [ink.paint(printable(note), "dim") for note in changes.notes]
    return [*lines, f"{len(changes.unchanged)} unchanged"]
