"""`pmtui -d`: start the manager in the background, and report which processes came up."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pmtui.cli.base import DONE, FAILURE, TIMED_OUT, fail, project_config
from pmtui.cli.operations import report
from pmtui.cli.output import Output
from pmtui.cli.waiting import Kind, Watch, exit_code, judge_start
from pmtui.client.discovery import ManagerUnavailableError, RunningManager, address_of, read_instance
from pmtui.client.http_client import HttpClient
from pmtui.config.discovery import data_directory
from pmtui.control import ControlError, ManagerInfo, Snapshot, Status
from pmtui.text.formatting import plural, printable

LOG_NAME = "manager.log"
STARTUP_TIMEOUT = 60.0
"""Seconds until processes that have not come up are reported, by default."""
PUBLISH_TIMEOUT = 30.0
"""Seconds that the manager itself may take in addition."""
CHECK_INTERVAL = 0.05
MAX_TAIL_LINES = 20


def start(options: argparse.Namespace, argv: Sequence[str]) -> int:
    """Start the manager in a new session, and return when the outcome of all processes is known."""
    folder = data_directory(options.config or project_config())
    try:
        if running := read_instance(folder):
            where = f"pid {running.pid}, {running.url or 'no API'}"
            return fail(f"a manager is already running for this config: {where}", FAILURE)
        deadline = time.monotonic() + (STARTUP_TIMEOUT if options.timeout is None else options.timeout)
        return report_startup(launch(folder, argv, deadline), Output(), deadline)
    except ManagerUnavailableError as error:
        return fail(str(error), FAILURE)
    except BackgroundError as error:
        sys.stderr.write(str(error))
        return error.exit_code


class BackgroundError(Exception):
    """The manager has ended while it started, with the end of its log as message, or does not come up in time."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def launch(folder: Path, argv: Sequence[str], deadline: float) -> RunningManager:
    """Start a manager in a new session, and return it once it can be found.

    Raises ManagerUnavailableError if the data directory cannot be used, or BackgroundError.
    """
    try:
        log = open_log(folder)
    except OSError as error:
        text = f"cannot use the data directory {folder}: {error.strerror} ({error.filename})"
        raise ManagerUnavailableError(text) from None
    begin = os.fstat(log).st_size
    child = spawn_manager(folder / LOG_NAME, log, argv)
    if manager := wait_published(child, folder, deadline + PUBLISH_TIMEOUT):
        return manager
    if child.poll() is None:
        text = f"the manager (pid {child.pid}) does not come up; see {folder / LOG_NAME}"
        raise BackgroundError(f"pmtui: {text}\n", TIMED_OUT)
    raise BackgroundError(read_tail(folder / LOG_NAME, begin), child.returncode or FAILURE)


def open_log(folder: Path) -> int:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.open(folder / LOG_NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def spawn_manager(path: Path, log: int, argv: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start the manager in a new session with its output in `log`, which is closed here."""
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "pmtui", "--detach", "--log-file", str(path), *argv],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    os.close(log)
    return child


def wait_published(child: subprocess.Popen[bytes], folder: Path, deadline: float) -> RunningManager | None:
    """Return the manager once it can be found; None if it has ended, or the deadline is over."""
    while child.poll() is None and time.monotonic() < deadline:
        running = read_instance(folder)
        if running and running.pid == child.pid:
            return running
        time.sleep(CHECK_INTERVAL)
    return None


def read_tail(log: Path, begin: int) -> str:
    with open(log, errors="replace") as file:
        file.seek(begin)
        return "".join(file.readlines()[-MAX_TAIL_LINES:])


def report_startup(manager: RunningManager, output: Output, deadline: float) -> int:
    if manager.url is None:
        log = manager.directory / LOG_NAME
        sys.stdout.write(f"the manager is running: pid {manager.pid}, no API; its log is {log}\n")
        return DONE
    try:
        with HttpClient(address_of(manager, os.environ)) as client:
            errors = client.get("/api/pm/config", ManagerInfo).errors
            for error in errors:
                sys.stdout.write(output.paint(f"{output.glyphs.bad} {printable(error)}", "bad") + "\n")
            watch = Watch(client, selected, judge_start, max(0.0, deadline - time.monotonic()))
            kinds = report(watch, client, output)
    except ControlError as error:
        return fail(f"{error} See its log {manager.directory / LOG_NAME}", FAILURE)
    up = kinds.count(Kind.GOOD)
    count = plural(up, "process is", "processes are")
    others = f", {len(kinds) - up} not" if up < len(kinds) else ""
    sys.stdout.write(f"{count} up{others}: pid {manager.pid}, {manager.url}\n")
    return FAILURE if errors else exit_code(kinds)


def selected(rows: Sequence[Snapshot]) -> list[str]:
    """Return the processes that are to run, and those that ran and have been stopped since."""
    return [row.id for row in rows if row.wanted_by or row.status is not Status.STOPPED]
