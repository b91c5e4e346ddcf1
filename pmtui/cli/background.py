"""`pmtui -d`: the manager without a screen and without a terminal, and whether what it runs came up."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pmtui.cli.base import DONE, FAILURE, complain
from pmtui.cli.operations import is_settled, outcome
from pmtui.cli.output import Ink
from pmtui.cli.session import rows_of
from pmtui.client.discovery import TOKEN, Place, Running, SilentManagerError, read_token, running_in
from pmtui.client.http_client import Client
from pmtui.config.discovery import data_folder, find_config
from pmtui.control import About, ControlError, Snapshot, Status
from pmtui.text.formatting import harmless, plural

LOG = "manager.log"
PATIENCE = 60.0
"""Seconds for all to come up; what has not by then is told."""
PAUSE = 0.05
LAST_WORDS = 20


def start(options: argparse.Namespace, argv: Sequence[str]) -> int:
    """Starts the manager in a session of its own, and returns when it is clear what has come up."""
    config = options.config or find_config(Path.cwd())
    folder = data_folder(config)
    try:
        running = running_in(folder)
        if running:
            return complain(f"a manager runs for this config already: pid {running.pid}, {running.url}", FAILURE)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        log = os.open(folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except SilentManagerError as error:
        return complain(str(error), FAILURE)
    except OSError as error:
        return complain(f"the data folder {folder} cannot be used: {error.strerror} ({error.filename})", FAILURE)
    begin = os.fstat(log).st_size
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "pmtui", "--detach", "--log-file", str(folder / LOG), *argv],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    os.close(log)
    manager = published(child, folder)
    if manager is None:
        sys.stderr.write(last_words(folder / LOG, begin))
        return child.returncode or FAILURE
    return tell(manager, Ink())


def published(child: subprocess.Popen[bytes], folder: Path) -> Running | None:
    """The manager as soon as it can be found; None when it has ended instead."""
    while child.poll() is None:
        running = running_in(folder)
        if running and running.pid == child.pid:
            return running
        time.sleep(PAUSE)
    return None


def last_words(log: Path, begin: int) -> str:
    with open(log, errors="replace") as file:
        file.seek(begin)
        return "".join(file.readlines()[-LAST_WORDS:])


def tell(manager: Running, ink: Ink) -> int:
    where = f"pid {manager.pid}" + (f", {manager.url}" if manager.url else ", no API")
    if manager.url is None:
        sys.stdout.write(f"the manager is up: {where}; its log is {manager.folder / LOG}\n")
        return DONE
    try:
        with Client(Place(manager.url, os.environ.get(TOKEN) or read_token(manager.folder))) as client:
            rows, errors = came_up(client), client.get("/api/pm/config", About).errors
    except ControlError as error:
        return complain(f"{error} Its log is {manager.folder / LOG}", FAILURE)
    good = [row for row in rows if row.status in (Status.RUNNING, Status.COMPLETED)]
    bad = [row for row in rows if row not in good and row.status is not Status.STOPPED]
    sys.stdout.write("".join(f"{ink.paint(f'{ink.glyphs.bad} {harmless(error)}', 'bad')}\n" for error in errors))
    width = max((len(row.id) for row in bad), default=0)
    sys.stdout.write("".join(f"{outcome(row, False, width, ink)}\n" for row in bad))
    count = plural(len(good), "process is", "processes are")
    sys.stdout.write(f"{count} up{f', {len(bad)} not' if bad else ''}: {where}\n")
    return FAILURE if bad or errors else DONE


def came_up(client: Client) -> Sequence[Snapshot]:
    """All processes, when each of them runs, has failed, or has had its time."""
    deadline = time.monotonic() + PATIENCE
    while True:
        rows = rows_of(client)
        if all(map(is_settled, rows)) or time.monotonic() > deadline:
            return rows
        time.sleep(PAUSE)
