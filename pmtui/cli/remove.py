"""`pmtui remove`: end processes that were added by `pmtui run`, and remove them from the list."""

import argparse
import sys
from collections.abc import Sequence

from pmtui.cli.base import DONE, FAILURE, fail
from pmtui.cli.output import as_json
from pmtui.cli.session import verb_parser, with_client
from pmtui.client.http_client import HttpClient, process_path
from pmtui.control import ConflictError, NotFoundError


def parser() -> argparse.ArgumentParser:
    command = verb_parser(
        "remove",
        "End processes that are not in the config, such as those of 'pmtui run', and remove them from the list.",
        "pmtui remove job",
    )
    command.add_argument("ids", nargs="+", metavar="ID", help="their ids")
    command.add_argument("--json", action="store_true", help="print an array with the outcome of each process")
    return command


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)

    def remove(client: HttpClient) -> int:
        outcomes = [{"id": process_id, **remove_one(client, process_id)} for process_id in options.ids]
        if options.json:
            sys.stdout.write(f"{as_json(outcomes)}\n")
        return DONE if all(outcome["ok"] for outcome in outcomes) else FAILURE

    return with_client(options, remove)


def remove_one(client: HttpClient, process_id: str) -> dict[str, object]:
    """Return the outcome; an error is on stderr, too."""
    try:
        client.read("DELETE", process_path(process_id))
    except (ConflictError, NotFoundError) as error:
        fail(str(error), FAILURE)
        return {"ok": False, "message": str(error)}
    return {"ok": True, "message": ""}
