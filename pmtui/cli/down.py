"""`pmtui down`: stop the manager and all its processes."""

import argparse
import asyncio
import contextlib
import fcntl
import os
import select
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pmtui.cli.base import BAD_USAGE, DONE, FAILURE, NO_MANAGER, fail, project_config
from pmtui.cli.output import as_json
from pmtui.cli.session import fetch_snapshots, verb_parser
from pmtui.cli.waiting import Progress
from pmtui.client.discovery import (
    ManagerUnavailableError,
    NoManagerError,
    RunningManager,
    address_of,
    find_manager,
    read_instance,
)
from pmtui.client.http_client import HttpClient
from pmtui.control import INACTIVE_STATES, ControlError, Snapshot, UnavailableError
from pmtui.runtime.exit_signals import SAME_SIGNAL_INTERVAL
from pmtui.runtime.files import read_json

SIGNAL_INTERVAL = SAME_SIGNAL_INTERVAL + 0.1
"""Seconds between two signals of `--now`."""
CHECK_INTERVAL = 1.0
"""Seconds between two checks whether the manager still answers."""
ANSWER_TIMEOUT = 1.0
ANSWER_MARGIN = 5.0
"""Seconds beyond the longest `stopTimeout` for which a manager may leave requests unanswered."""
GUARDIAN_TIMEOUT = 5.0
"""Seconds that the guardian may take after the end of the manager."""


def parser() -> argparse.ArgumentParser:
    command = verb_parser(
        "down",
        "Stop the manager that runs for this config, and all its processes; return once all of them have ended. A "
        "manager that has not answered for the longest stopTimeout and 5 seconds is killed.",
        "pmtui down",
        "pmtui down --now                      kill processes at once instead of waiting for stopTimeout",
    )
    command.add_argument(
        "--now", action="store_true", help="kill processes immediately instead of waiting for stopTimeout"
    )
    command.add_argument("--json", action="store_true", help="print an object with pid and killed")
    return command


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    if options.url:
        return fail("down works only on the manager's own machine; give its config with -c instead of --url", BAD_USAGE)
    try:
        running = find_manager(options.config or project_config())
        has_answered = stop_manager(running, now=options.now)
    except NoManagerError as error:
        return fail(str(error), NO_MANAGER)
    except ManagerUnavailableError as error:
        return fail(str(error), FAILURE)
    except PermissionError:
        return fail(f"the manager (pid {running.pid}) belongs to another user; run this command as that user", FAILURE)
    if options.json:
        sys.stdout.write(as_json({"pid": running.pid, "killed": not has_answered}) + "\n")
    elif has_answered:
        sys.stdout.write(f"stopped the manager (pid {running.pid}) and all its processes\n")
    else:
        sys.stdout.write(f"killed the manager (pid {running.pid}), which did not answer, and all its processes\n")
    return DONE


def stop_manager(running: RunningManager, *, now: bool) -> bool:
    """Stop the manager, and return when it and its guardian, which is the last to go, have ended.

    Return False if it did not answer and had to be killed.
    """
    try:
        manager = os.pidfd_open(running.pid)
    except ProcessLookupError:
        manager = -1
    has_answered = True
    if manager >= 0:
        with contextlib.closing(os.fdopen(manager, "rb")):
            if read_instance(running.directory) == running:  # its pid can no longer be reused
                with contextlib.suppress(ProcessLookupError):
                    has_answered = ask_to_end(manager, running, now=now)
            else:
                select.select([manager], [], [])
    wait_guardian(running.directory)
    return has_answered


def ask_to_end(manager: int, running: RunningManager, *, now: bool) -> bool:
    """Signal the manager and wait for its end, as `wait_end`."""
    signal.pidfd_send_signal(manager, signal.SIGTERM)
    return wait_end(manager, running, now=now)


def wait_end(manager: int, running: RunningManager, *, now: bool = False) -> bool:
    """Wait for the end of a manager that is stopping. If it does not answer for too long, kill it and return False.

    With `now` it is signalled until it ends: if it is busy, several signals may reach it as one.
    """
    interval = SIGNAL_INTERVAL if now else CHECK_INTERVAL
    answers, progress = Answers(running), Progress()
    while not has_ended(manager, min(interval, answers.time_left)):
        if now:
            signal.pidfd_send_signal(manager, signal.SIGTERM)
        if not answers.are_coming():
            progress.clear()
            signal.pidfd_send_signal(manager, signal.SIGKILL)
            has_ended(manager, None)
            return False
        progress.show(answers.active)
    progress.clear()
    return True


def has_ended(manager: int, timeout: float | None) -> bool:
    return bool(select.select([manager], [], [], timeout)[0])


class Answers:
    """Asks a manager that is ending what is left, to see that it is alive: `active` are the processes."""

    def __init__(self, running: RunningManager) -> None:
        self.active: Sequence[Snapshot] = ()
        self._running = running
        self._last = time.monotonic()
        self._limit = answer_limit(running)

    @property
    def time_left(self) -> float:
        """Seconds that the manager has for an answer."""
        return max(0.0, self._last + self._limit - time.monotonic())

    def are_coming(self) -> bool:
        """Ask, and return False if there was no answer for the longest time it can take to stop a process and more."""
        if self._running.url is not None and self.time_left and self._has_answered(self._running):
            self._last = time.monotonic()
        return self.time_left > 0

    def _has_answered(self, running: RunningManager) -> bool:
        try:
            with HttpClient(
                address_of(running, os.environ), timeout=min(ANSWER_TIMEOUT, max(0.05, self.time_left))
            ) as client:
                self.active = [row for row in fetch_snapshots(client) if row.status not in INACTIVE_STATES]
        except UnavailableError:
            return False
        except ControlError:  # also an answer
            pass
        return True


def answer_limit(running: RunningManager) -> float:
    """Return the longest `stopTimeout` of the config plus ANSWER_MARGIN, in seconds.

    Without an API there are no answers: then it is the sum of what the levels of dependencies may take.
    """
    from pmtui.config.load import load_config
    from pmtui.supervisor.dependencies import stop_order

    config = read_json(running.directory / "instance.json").get("config")
    configs = {one.id: one for one in load_config(Path(config)).processes} if isinstance(config, str) else {}
    timeouts = {name: one.stop_timeout * (2 if one.stop_command else 1) for name, one in configs.items()}
    if running.url is not None:
        return max((one.stop_timeout for one in configs.values()), default=0.0) + ANSWER_MARGIN
    return sum(max(timeouts[name] for name in level) for level in stop_order(configs)) + ANSWER_MARGIN


def wait_guardian(directory: Path) -> None:
    """Wait until the guardian has ended everything. If it cannot, kill what is left."""
    deadline = time.monotonic() + GUARDIAN_TIMEOUT
    while not is_lock_free(directory / "lock"):
        if time.monotonic() > deadline:
            from pmtui.runtime.instance import kill_leftovers

            asyncio.run(kill_leftovers(directory))
            deadline = time.monotonic() + GUARDIAN_TIMEOUT
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
