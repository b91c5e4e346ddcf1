"""What the commands share that talk to a running manager."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

from pmtui.cli.base import BAD_USAGE, DONE, FAILURE, NO_MANAGER, add_config, command_parser, fail, project_config
from pmtui.client.discovery import URL_VARIABLE, ManagerUnavailableError, NoManagerError, locate_manager
from pmtui.client.errors import UnreachableError
from pmtui.client.http_client import HttpClient
from pmtui.client.sse import EventStreamParser, ServerSentEvent
from pmtui.control import ControlError, InvalidError, ManagerInfo, NotFoundError, Snapshot, UnavailableError, matches

PATTERNS = "ids, globs such as 'web-*', or a @group"
MAX_IDS = 20
RETRY_DELAY = 0.5
"""Seconds until a lost stream is reconnected."""
EXIT_CODES_HELP = "exit codes: 0 success, 1 failure, 2 bad usage, 3 no manager is running, 124 timeout"


def verb_parser(name: str, description: str, *examples: str) -> argparse.ArgumentParser:
    """Return a parser with the options that select a manager."""
    parser = command_parser(name, description, *examples, codes=EXIT_CODES_HELP)
    add_config(parser)
    parser.add_argument(
        "--url", help="address of the manager (default: PMTUI_URL, or the one of the config); its token: PMTUI_TOKEN"
    )
    return parser


def with_client(options: argparse.Namespace, do: Callable[[HttpClient], int], if_none: str = "") -> int:
    """Call `do` with a client of the selected manager, and return its exit code or that of the error.

    `if_none` is what else to do if no manager runs for the config.
    """
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        with connect(options) as client:
            return do(client)
    except NoManagerError as error:
        return fail(f"{error}{if_none if error.config else ''}", NO_MANAGER)
    except UnreachableError as error:
        return fail(str(error), NO_MANAGER)
    except InvalidError as error:
        return fail(str(error), BAD_USAGE)
    except (ControlError, ManagerUnavailableError) as error:
        return fail(str(error), FAILURE)


def connect(options: argparse.Namespace) -> HttpClient:
    """Return a client of the selected manager. Raises NoManagerError and ManagerUnavailableError."""
    if not (options.config or options.url or os.environ.get(URL_VARIABLE)):
        project_config()  # to say which one it is
    locate = partial(locate_manager, options.config, options.url, os.environ)
    return HttpClient(locate(), locate)


def follow_stream(
    client: HttpClient, options: argparse.Namespace, path: str, events: EventStreamParser, **query: object
) -> Iterator[list[ServerSentEvent]]:
    """Yield the events of a stream, also across a restart of the manager. Raises NoManagerError once none runs."""
    manager = manager_identity(client)
    while True:
        try:
            yield from client.stream(path, events, **query)
        except UnavailableError:
            if not events.last_event_id:
                raise
        before = manager
        client, manager = reconnect(options)
        events.resume(elsewhere=before != manager)


def reconnect(options: argparse.Namespace) -> tuple[HttpClient, tuple[int, str]]:
    """Return a client of the manager once it answers again, and say so on stderr if it takes a while."""
    is_reported = False
    while True:
        time.sleep(RETRY_DELAY)
        client = connect(options)
        try:
            manager = manager_identity(client)
        except UnavailableError as error:
            if not is_reported:
                fail(f"{error} Reconnecting.", FAILURE)
            is_reported = True
            continue
        if is_reported:
            fail("Reconnected.", DONE)
        return client, manager


def manager_identity(client: HttpClient) -> tuple[int, str]:
    """Return what distinguishes a manager from the next one of the same config."""
    about = client.get("/api/pm/config", ManagerInfo)
    return about.pid, about.start_time


def fetch_snapshots(client: HttpClient) -> list[Snapshot]:
    return client.get("/api/pm/list", list[Snapshot])


def fetch_matching(client: HttpClient, patterns: list[str]) -> list[Snapshot]:
    """Return the selected processes in the manager's order. Raises NotFoundError if a pattern selects none."""
    snapshots = fetch_snapshots(client)
    rows, unmatched = select_matching(snapshots, patterns)
    if unmatched:
        raise NotFoundError(no_match(unmatched[0], snapshots))
    return rows


def select_matching(rows: list[Snapshot], patterns: list[str]) -> tuple[list[Snapshot], list[str]]:
    """Return the rows that the patterns select (all without a pattern), and the patterns that select none."""
    if not patterns:
        return rows, []
    unmatched = [pattern for pattern in patterns if not any(matches(row, pattern) for row in rows)]
    return [row for row in rows if any(matches(row, pattern) for pattern in patterns)], unmatched


def no_match(pattern: str, rows: list[Snapshot]) -> str:
    """Return the error for a pattern that selects nothing, with all ids and the likely one."""
    from difflib import get_close_matches

    ids = [row.id for row in rows]
    near = "".join(f", did you mean '{known}'?" for known in get_close_matches(pattern, ids, n=1))
    listed = ", ".join(ids[:MAX_IDS]) or "none"
    return f"no process matches '{pattern}'{near or ';'} processes: {listed}{' …' * (len(ids) > MAX_IDS)}"
