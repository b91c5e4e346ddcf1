"""`pmtui down`: the end of the manager and all that it runs."""

import argparse
import contextlib
import fcntl
import os
import select
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pmtui.cli.base import BAD_USAGE, DONE, FAILURE, NO_MANAGER, fail
from pmtui.cli.session import verb_parser
from pmtui.client.discovery import ManagerUnavailableError, NoManagerError, RunningManager, find_manager, read_instance

SIGNAL_INTERVAL = 0.1
"""Seconds until a manager that is in a hurry is told so again: two signals at once are one."""


def parser() -> argparse.ArgumentParser:
    made = verb_parser(
        "down",
        "Ends the manager that runs for this config, and all its processes; returns when all of it is gone.",
        "pmtui down",
        "pmtui down --now                      without waiting for anybody's last wish",
    )
    made.add_argument("--now", action="store_true", help="kill what does not end at once")
    return made


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    if options.url:
        return fail("a manager is ended on its own machine: name its config with -c, not its --url", BAD_USAGE)
    try:
        running = find_manager(options.config)
        stop_manager(running, now=options.now)
    except NoManagerError as error:
        return fail(str(error), NO_MANAGER)
    except ManagerUnavailableError as error:
        return fail(str(error), FAILURE)
    except PermissionError:
        return fail(f"the manager (pid {running.pid}) belongs to another user", FAILURE)
    sys.stdout.write(f"the manager (pid {running.pid}) and all its processes are gone\n")
    return DONE


def stop_manager(running: RunningManager, *, now: bool) -> None:
    """Asks the manager to leave, and returns when it and its guardian, the last of all, are gone."""
    try:
        manager = os.pidfd_open(running.pid)
    except ProcessLookupError:
        manager = -1
    if manager >= 0:
        with contextlib.closing(os.fdopen(manager, "rb")):
            if read_instance(running.directory) == running:  # still, now that its number is held
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(manager, signal.SIGTERM)
                    while now and not select.select([manager], [], [], SIGNAL_INTERVAL)[0]:
                        signal.pidfd_send_signal(manager, signal.SIGTERM)
                select.select([manager], [], [])
    while not is_lock_free(running.directory / "lock"):
        time.sleep(0.01)


def is_lock_free(lock: Path) -> bool:
    """Whether nobody holds the lock any more."""
    try:
        descriptor = os.open(lock, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
