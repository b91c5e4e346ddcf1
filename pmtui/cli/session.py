"""What the verbs that ask a running manager have in common."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from functools import partial

from pmtui.cli.base import BAD_USAGE, DONE, FAILURE, NO_MANAGER, add_config, command_parser, complain
from pmtui.client.discovery import NoManagerError, SilentManagerError, find_place
from pmtui.client.errors import UnreachableError
from pmtui.client.http_client import Client
from pmtui.client.sse import Events, Told
from pmtui.control import About, ControlError, InvalidError, Snapshot, UnavailableError

PATTERNS = "ids, globs such as 'web-*', or a @group"
AGAIN = 0.5
"""Seconds until a stream that was cut off is tried again."""
CODES = "Exit codes: 0 done, 1 it could not be done, 2 bad usage, 3 no manager runs."


def verb_parser(name: str, description: str, *examples: str) -> argparse.ArgumentParser:
    """A parser that knows which manager is meant, and whose help teaches by examples."""
    parser = command_parser(name, description, *examples, codes=CODES)
    add_config(parser)
    parser.add_argument(
        "--url", help="address of the manager (default: PMTUI_URL, else that of the config); token in PMTUI_TOKEN"
    )
    return parser


def ask(options: argparse.Namespace, do: Callable[[Client], int]) -> int:
    """Does something with the manager that is meant; the exit code, also where there is none or it refuses."""
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        with client_of(options) as client:
            return do(client)
    except (NoManagerError, UnreachableError) as error:
        return complain(str(error), NO_MANAGER)
    except InvalidError as error:
        return complain(str(error), BAD_USAGE)
    except (ControlError, SilentManagerError) as error:
        return complain(str(error), FAILURE)


def client_of(options: argparse.Namespace) -> Client:
    """A client of the manager that is meant. Raises NoManagerError and SilentManagerError."""
    locate = partial(find_place, options.config, options.url, os.environ)
    return Client(locate(), locate)


def following(
    client: Client, options: argparse.Namespace, path: str, events: Events, **query: object
) -> Iterator[list[Told]]:
    """What a stream tells, behind `events.place`, also of a manager that comes after this one.

    Raises NoManagerError when there is none any more.
    """
    manager = identity_of(client)
    while True:
        try:
            yield from client.stream(path, events, **query)
        except UnavailableError:
            if not events.place:
                raise
        before = manager
        client, manager = returned(options)
        events.resume(elsewhere=before != manager)


def returned(options: argparse.Namespace) -> tuple[Client, tuple[int, str]]:
    """A client of the manager once it answers again; says on stderr that it does not, and that it does."""
    is_told = False
    while True:
        time.sleep(AGAIN)
        client = client_of(options)
        try:
            manager = identity_of(client)
        except UnavailableError as error:
            if not is_told:
                complain(f"{error} Waiting for it.", FAILURE)
            is_told = True
            continue
        if is_told:
            complain("The manager is back.", DONE)
        return client, manager


def identity_of(client: Client) -> tuple[int, str]:
    """What tells a manager from the one that comes after it."""
    about = client.get("/api/pm/config", About)
    return about.pid, about.start_time


def rows_of(client: Client) -> list[Snapshot]:
    return client.get("/api/pm/list", list[Snapshot])


def matching(rows: list[Snapshot], patterns: list[str]) -> tuple[list[Snapshot], list[str]]:
    """The rows that are meant, in the manager's order, and the patterns that mean none; no pattern means all."""
    if not patterns:
        return rows, []
    lost = [pattern for pattern in patterns if not any(is_meant(row, pattern) for row in rows)]
    return [row for row in rows if any(is_meant(row, pattern) for pattern in patterns)], lost


def is_meant(row: Snapshot, pattern: str) -> bool:
    return pattern == f"@{row.group}" if pattern.startswith("@") else fnmatchcase(row.id, pattern)


def duration_option(text: str) -> float:
    """Seconds of `500ms`, `1m30s` or a number of seconds, for argparse."""
    from pmtui.text.units import parse_duration

    try:
        return parse_duration(float(text) if text.replace(".", "", 1).isdecimal() else text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
