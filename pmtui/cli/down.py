"""`pmtui down`: stop the manager and all its processes."""

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
"""Seconds between signals of `--now`: the manager takes two that arrive together for one."""


def parser() -> argparse.ArgumentParser:
    command = verb_parser(
        "down",
        "Stop the manager that runs for this config, and all its processes; return once all of them have ended.",
        "pmtui down",
        "pmtui down --now                      kill processes at once instead of waiting for stopTimeout",
    )
    command.add_argument(
        "--now", action="store_true", help="kill processes immediately instead of waiting for stopTimeout"
    )
    return command


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    if options.url:
        return fail("down works only on the manager's own machine; give its config with -c instead of --url", BAD_USAGE)
    try:
        running = find_manager(options.config)
        stop_manager(running, now=options.now)
    except NoManagerError as error:
        return fail(str(error), NO_MANAGER)
    except ManagerUnavailableError as error:
        return fail(str(error), FAILURE)
    except PermissionError:
        return fail(f"the manager (pid {running.pid}) belongs to another user; run this command as that user", FAILURE)
    sys.stdout.write(f"stopped the manager (pid {running.pid}) and all its processes\n")
    return DONE


def stop_manager(running: RunningManager, *, now: bool) -> None:
    """Stop the manager, and return when it and its guardian, which is the last to go, have ended."""
    try:
        manager = os.pidfd_open(running.pid)
    except ProcessLookupError:
        manager = -1
    if manager >= 0:
        with contextlib.closing(os.fdopen(manager, "rb")):
            if read_instance(running.directory) == running:  # its pid can no longer be reused
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(manager, signal.SIGTERM)
                    while now and not select.select([manager], [], [], SIGNAL_INTERVAL)[0]:
                        signal.pidfd_send_signal(manager, signal.SIGTERM)
                select.select([manager], [], [])
    while not is_lock_free(running.directory / "lock"):
        time.sleep(0.01)


def is_lock_free(lock: Path) -> bool:
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
