"""`pmtui -d`: start the manager in the background, and report which processes came up."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pmtui.cli.base import DONE, FAILURE, fail
from pmtui.cli.operations import STARTED_STATES, format_result, has_outcome
from pmtui.cli.output import Output
from pmtui.cli.session import fetch_snapshots
from pmtui.client.discovery import ManagerUnavailableError, RunningManager, address_of, read_instance
from pmtui.client.http_client import HttpClient
from pmtui.config.discovery import data_directory, find_config
from pmtui.control import ControlError, ManagerInfo, Snapshot, Status
from pmtui.text.formatting import plural, printable

LOG_NAME = "manager.log"
STARTUP_TIMEOUT = 60.0
"""Seconds until processes that have not come up are reported."""
CHECK_INTERVAL = 0.05
MAX_TAIL_LINES = 20


def start(options: argparse.Namespace, argv: Sequence[str]) -> int:
    """Start the manager in a new session, and return when the outcome of all processes is known."""
    folder = data_directory(options.config or find_config(Path.cwd()))
    try:
        if running := read_instance(folder):
            where = f"pid {running.pid}, {running.url or 'no API'}"
            return fail(f"a manager is already running for this config: {where}", FAILURE)
        log = open_log(folder)
    except ManagerUnavailableError as error:
        return fail(str(error), FAILURE)
    except OSError as error:
        return fail(f"cannot use the data directory {folder}: {error.strerror} ({error.filename})", FAILURE)
    begin = os.fstat(log).st_size
    child = spawn_manager(folder / LOG_NAME, log, argv)
    if manager := wait_published(child, folder):
        return report_startup(manager, Output())
    sys.stderr.write(read_tail(folder / LOG_NAME, begin))
    return child.returncode or FAILURE


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


def wait_published(child: subprocess.Popen[bytes], folder: Path) -> RunningManager | None:
    """Return the manager once it can be found; None if it has ended."""
    while child.poll() is None:
        running = read_instance(folder)
        if running and running.pid == child.pid:
            return running
        time.sleep(CHECK_INTERVAL)
    return None


def read_tail(log: Path, begin: int) -> str:
    with open(log, errors="replace") as file:
        file.seek(begin)
        return "".join(file.readlines()[-MAX_TAIL_LINES:])


def report_startup(manager: RunningManager, output: Output) -> int:
    if manager.url is None:
        log = manager.directory / LOG_NAME
        sys.stdout.write(f"the manager is running: pid {manager.pid}, no API; its log is {log}\n")
        return DONE
    try:
        with HttpClient(address_of(manager, os.environ)) as client:
            rows, errors = wait_started(client), client.get("/api/pm/config", ManagerInfo).errors
    except ControlError as error:
        return fail(f"{error} See its log {manager.directory / LOG_NAME}", FAILURE)
    good = [row for row in rows if row.status in STARTED_STATES]
    bad = [row for row in rows if row not in good and row.status is not Status.STOPPED]
    width = max((len(row.id) for row in bad), default=0)
    lines = [output.paint(f"{output.glyphs.bad} {printable(error)}", "bad") for error in errors]
    lines += [format_result(row, False, width, output) for row in bad]
    count = plural(len(good), "process is", "processes are")
    lines.append(f"{count} up{f', {len(bad)} not' if bad else ''}: pid {manager.pid}, {manager.url}")
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return FAILURE if bad or errors else DONE


def wait_started(client: HttpClient) -> Sequence[Snapshot]:
    """Return all processes once the outcome of each is known, or STARTUP_TIMEOUT is over."""
    deadline = time.monotonic() + STARTUP_TIMEOUT
    while True:
        rows = fetch_snapshots(client)
        if all(map(has_outcome, rows)) or time.monotonic() > deadline:
            return rows
        time.sleep(CHECK_INTERVAL)
