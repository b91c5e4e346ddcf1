"""`pmtui remove`: end processes that were added by `pmtui run`, and remove them from the list."""

import argparse
from collections.abc import Sequence

from pmtui.cli.base import DONE
from pmtui.cli.session import verb_parser, with_client
from pmtui.client.http_client import HttpClient, process_path


def parser() -> argparse.ArgumentParser:
    command = verb_parser(
        "remove",
        "End processes that are not in the config, such as those of 'pmtui run', and remove them from the list.",
        "pmtui remove job",
    )
    command.add_argument("ids", nargs="+", metavar="ID", help="their ids")
    return command


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)

    def remove(client: HttpClient) -> int:
        for process_id in options.ids:
            client.read("DELETE", process_path(process_id))
        return DONE

    return with_client(options, remove)
