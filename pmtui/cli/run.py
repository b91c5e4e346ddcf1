"""`pmtui run`: add a process to the manager of this directory, and start a manager if none is running."""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pmtui.cli.base import DONE, FAILURE, current_directory, fail, parse_command, project_config
from pmtui.cli.session import verb_parser, with_client
from pmtui.cli.waiting import MAX_POLL_INTERVAL, MIN_POLL_INTERVAL
from pmtui.client.adhoc import command_fields, name_of
from pmtui.client.discovery import URL_VARIABLE, ManagerUnavailableError, read_instance
from pmtui.client.http_client import HttpClient, process_path
from pmtui.config.discovery import data_directory
from pmtui.control import INACTIVE_STATES, ConflictError, Detail, Status, explain
from pmtui.text.formatting import printable

MAX_ATTEMPTS = 1000
START_TIMEOUT = 15.0
"""Seconds to look for a manager that another client is starting at the same time."""


def parser() -> argparse.ArgumentParser:
    command = verb_parser(
        "run",
        "Run CMD under the manager of this directory, as a process that is not in the config: it is not restarted, and "
        "a reload leaves it alone. Print its id once it has started. If no manager is running, one is started in the "
        "background, as by 'pmtui -d'.",
        "pmtui run -- ./serve.sh --port 8000",
        "pmtui run --name api --lease $$ --wait healthy -- node server.js     ends with this shell",
        "pmtui run --lease 10m -- npm run dev      ends unless POST /api/pm/ID/lease renews it",
    )
    command.add_argument("--name", metavar="NAME", help="id of the process (default: made from the name of CMD)")
    command.add_argument("--tty", action="store_true", help="give it a terminal")
    command.add_argument(
        "--lease",
        metavar="PID|DURATION",
        help="remove it when the process PID is gone, or when the lease was not renewed for DURATION, such as 5m",
    )
    command.add_argument("--wait", choices=("healthy",), help="return once it is healthy, or fail if it has ended")
    command.add_argument("--json", action="store_true", help="print what GET /api/pm/ID returns instead of the id")
    command.add_argument("words", nargs="*", metavar="CMD", help="the command and its arguments, after --")
    return command


def run(argv: Sequence[str]) -> int:
    command = parser()
    options = parse_command(command, argv)
    if not options.words:
        command.error("give the command to run: pmtui run -- CMD ...")
    try:
        start_manager_if_none(options)
    except ManagerUnavailableError as error:
        return fail(str(error), FAILURE)
    return with_client(options, lambda client: run_under(client, options))


def start_manager_if_none(options: argparse.Namespace) -> None:
    """Start a manager for the config unless one is selected by address. Raises ManagerUnavailableError."""
    if options.url or (not options.config and os.environ.get(URL_VARIABLE)):
        return
    folder = data_directory(options.config or project_config())
    if read_instance(folder):
        return
    from pmtui.cli import background

    try:
        deadline = time.monotonic() + background.STARTUP_TIMEOUT
        background.launch(folder, ["-c", str(options.config)] if options.config else [], deadline)
    except background.BackgroundError as error:
        if not wait_instance(folder):  # another one was started at the same time, unless this fails
            raise ManagerUnavailableError(f"no manager could be started:\n{str(error).rstrip()}") from None


def wait_instance(folder: Path) -> bool:
    """Return whether a manager can be found within a moment, while its lock is held."""
    from pmtui.cli.down import is_lock_free

    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        if read_instance(folder):
            return True
        if is_lock_free(folder / "lock"):
            return False
        time.sleep(MIN_POLL_INTERVAL)
    return False


def run_under(client: HttpClient, options: argparse.Namespace) -> int:
    process_id = add(client, options.name, options.words[0], fields(options))
    detail = wait_started(client, process_id, options.wait)
    if problem := failure(detail, options.wait):
        if detail.pid == 0 and not detail.exits:  # it was never started, so there is nothing to look at
            client.read("DELETE", process_path(process_id))
        return fail(f"{process_id} {problem}", FAILURE)
    if options.json:
        sys.stdout.write(client.read("GET", process_path(process_id)).decode() + "\n")
    else:
        sys.stdout.write(f"{process_id}\n")
    return DONE


def fields(options: argparse.Namespace) -> dict[str, Any]:
    found = command_fields(options.words, str(current_directory()))
    return found | ({"tty": True} if options.tty else {}) | ({"lease": options.lease} if options.lease else {})


def add(client: HttpClient, name: str | None, program: str, fields: dict[str, Any]) -> str:
    """Add the process under its name, or the first free one made from the command, and return its id."""
    base = name or name_of(program)
    for number in range(1, MAX_ATTEMPTS):
        process_id = base if number == 1 else f"{base}-{number}"
        try:
            client.read("POST", "/api/pm", {"id": process_id, **fields})
        except ConflictError:
            if name:
                raise
        else:
            return process_id
    raise ConflictError(f"Too many processes are named {base}; give it a --name.")


def wait_started(client: HttpClient, process_id: str, aim: str | None) -> Detail:
    """Return the process once it was spawned, or is healthy, or cannot be any more."""
    pause = MIN_POLL_INTERVAL / 4
    while True:
        detail = client.get(process_path(process_id), Detail)
        is_spawned = detail.pid > 0 and detail.status is Status.STARTING and aim is None
        if is_spawned or detail.status is Status.RUNNING or detail.status in INACTIVE_STATES:
            return detail
        time.sleep(pause)
        pause = min(MAX_POLL_INTERVAL, pause * 1.5)


def failure(detail: Detail, aim: str | None) -> str:
    """Return why the process did not start, or is not healthy; empty if it is as wanted."""
    was_started = bool(detail.exits) or detail.pid > 0
    if detail.status is Status.RUNNING or (was_started and aim is None):
        return ""
    why = printable(explain(detail) or detail.last_error)
    return f"is {detail.status}{': ' if why else ''}{why}"
