"""What the verbs that ask a running manager have in common."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

from pmtui.cli.base import BAD_USAGE, DONE, FAILURE, NO_MANAGER, add_config, command_parser, fail
from pmtui.client.discovery import ManagerUnavailableError, NoManagerError, locate_manager
from pmtui.client.errors import UnreachableError
from pmtui.client.http_client import HttpClient
from pmtui.client.sse import EventStreamParser, ServerSentEvent
from pmtui.control import ControlError, InvalidError, ManagerInfo, Snapshot, UnavailableError, matches

PATTERNS = "ids, globs such as 'web-*', or a @group"
RETRY_DELAY = 0.5
"""Seconds until a stream that was cut off is tried again."""
EXIT_CODES_HELP = "Exit codes: 0 done, 1 it could not be done, 2 bad usage, 3 no manager runs."


def verb_parser(name: str, description: str, *examples: str) -> argparse.ArgumentParser:
    """A parser that knows which manager is meant, and whose help teaches by examples."""
    parser = command_parser(name, description, *examples, codes=EXIT_CODES_HELP)
    add_config(parser)
    parser.add_argument(
        "--url", help="address of the manager (default: PMTUI_URL, else that of the config); token in PMTUI_TOKEN"
    )
    return parser


def with_client(options: argparse.Namespace, do: Callable[[HttpClient], int]) -> int:
    """Does something with the manager that is meant; the exit code, also where there is none or it refuses."""
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        with connect(options) as client:
            return do(client)
    except (NoManagerError, UnreachableError) as error:
        return fail(str(error), NO_MANAGER)
    except InvalidError as error:
        return fail(str(error), BAD_USAGE)
    except (ControlError, ManagerUnavailableError) as error:
        return fail(str(error), FAILURE)


def connect(options: argparse.Namespace) -> HttpClient:
    """A client of the manager that is meant. Raises NoManagerError and SilentManagerError."""
    locate = partial(locate_manager, options.config, options.url, os.environ)
    return HttpClient(locate(), locate)


def follow_stream(
    client: HttpClient, options: argparse.Namespace, path: str, events: EventStreamParser, **query: object
) -> Iterator[list[ServerSentEvent]]:
    """What a stream tells, behind `events.place`, also of a manager that comes after this one.

    Raises NoManagerError when there is none any more.
    """
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
    """A client of the manager once it answers again; says on stderr that it does not, and that it does."""
    is_told = False
    while True:
        time.sleep(RETRY_DELAY)
        client = connect(options)
        try:
            manager = manager_identity(client)
        except UnavailableError as error:
            if not is_told:
                fail(f"{error} Waiting for it.", FAILURE)
            is_told = True
            continue
        if is_told:
            fail("The manager is back.", DONE)
        return client, manager


def manager_identity(client: HttpClient) -> tuple[int, str]:
    """What tells a manager from the one that comes after it."""
    about = client.get("/api/pm/config", ManagerInfo)
    return about.pid, about.start_time


def fetch_snapshots(client: HttpClient) -> list[Snapshot]:
    return client.get("/api/pm/list", list[Snapshot])


def select_matching(rows: list[Snapshot], patterns: list[str]) -> tuple[list[Snapshot], list[str]]:
    """The rows that are meant, in the manager's order, and the patterns that mean none; no pattern means all."""
    if not patterns:
        return rows, []
    lost = [pattern for pattern in patterns if not any(matches(row, pattern) for row in rows)]
    return [row for row in rows if any(matches(row, pattern) for pattern in patterns)], lost


def duration_option(text: str) -> float:
    """Seconds of `500ms`, `1m30s` or a number of seconds, for argparse."""
    from pmtui.text.units import parse_duration

    try:
        return parse_duration(float(text) if text.replace(".", "", 1).isdecimal() else text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
