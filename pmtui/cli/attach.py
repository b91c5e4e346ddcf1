"""`pmtui attach`: show the dashboard of a running manager."""

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from pmtui.cli.base import BAD_USAGE, fail
from pmtui.cli.session import verb_parser, with_client
from pmtui.client.discovery import locate_manager
from pmtui.client.http_client import HttpClient
from pmtui.control import ManagerInfo


def parser() -> argparse.ArgumentParser:
    command = verb_parser(
        "attach",
        "Show the dashboard of a running manager: the one of this config, or the one at URL. q detaches and stops "
        "nothing.",
        "pmtui attach",
        "PMTUI_TOKEN=... pmtui attach http://127.0.0.1:9615     for example through an SSH tunnel",
    )
    command.add_argument("address", nargs="?", metavar="URL", help="same as --url")
    return command


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    options.url = options.address or options.url
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return fail("the dashboard needs a terminal; without one, use 'pmtui list' or 'pmtui logs -f'", BAD_USAGE)
    return with_client(options, lambda client: show_dashboard(client, options.config, options.url))


def show_dashboard(client: HttpClient, config: Path | None, url: str | None) -> int:
    """Show the dashboard once the manager has accepted the token."""
    about = client.get("/api/pm/config", ManagerInfo)
    from pmtui.dashboard.attach import run_attached

    return run_attached(partial(locate_manager, config, url, os.environ), about)
