"""What the hook in PocketBase calls: start the manager, stop it, and list the routes. Each prints one JSON object."""

import argparse
import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pmtui.client.discovery import ManagerUnavailableError, RunningManager, read_instance
from pmtui.config.discovery import data_directory
from pmtui.pocketbase.serve_options import serve_options
from pmtui.spawner.procfs import process_identity

START_TIMEOUT = 30.0
STOPPING_INTERVAL = 0.02
"""Seconds between two looks at whether the manager has begun to stop."""
Result = dict[str, Any]


def start(options: argparse.Namespace) -> Result:
    """Start a manager that ends with PocketBase, unless one runs already; wait until it can be found, not longer."""
    from pmtui.cli.background import LOG_NAME, open_log, read_tail, spawn_manager, wait_published

    if not options.config.exists():
        return {"error": f"the config {options.config} does not exist; nothing is started"}
    folder = data_directory(options.config)
    found = {"folder": str(folder)}
    try:
        served = serve_options(options.words, Path.cwd())
        if running := find_lasting_manager(folder):
            is_ours = running.bound_to == options.pid  # PocketBase has replaced itself and keeps its pid
            note = "" if is_ours else "; it is used, and left running when PocketBase ends"
            return found | {"started": is_ours, "message": f"a manager runs already ({describe(running)}){note}"}
        words = ["-c", str(options.config), "--bind-to", str(options.pid), "--pb-log", served.url]
        words += ["--pb-port", str(served.port), "--pb-data-dir", os.path.abspath(options.data_dir)]
        log = open_log(folder)
        begin = os.fstat(log).st_size
        child = spawn_manager(folder / LOG_NAME, log, [*words, *(["--dev"] if options.dev else [])])
        manager = wait_published(child, folder, time.monotonic() + START_TIMEOUT)
    except (ManagerUnavailableError, OSError, ValueError) as error:
        return found | {"error": str(error)}
    if manager is None:
        return found | {"error": read_tail(folder / LOG_NAME, begin).strip() or "the manager did not start"}
    page = f"; its page is {served.url.partition('#')[0]}/_pm/"
    return found | {"started": True, "message": f"the manager is up ({describe(manager)}){page}"}


def find_lasting_manager(folder: Path) -> RunningManager | None:
    """The manager that runs; one that ends because its host is gone is waited for."""
    running = read_instance(folder)
    if running and running.bound_to and (running.is_stopping or not process_identity(running.bound_to)):
        wait_gone(running)
        return read_instance(folder)
    return running


def stop(options: argparse.Namespace) -> Result:
    """End the manager that is bound to this PocketBase; return when it and its processes are gone.

    With `--no-wait` return when it has begun to stop: PocketBase exits if its restart takes three seconds, and the next
    `start` waits for the end.
    """
    running = read_instance(data_directory(options.config))
    if running and running.bound_to == options.pid:
        (wait_stopping if options.no_wait else wait_gone)(running, signal.SIGTERM)
    return {}


def wait_gone(running: RunningManager, number: signal.Signals | None = None) -> None:
    """Return when the manager and its guardian are gone. Sends a signal first, unless the manager stops already."""
    from pmtui.cli.down import wait_end, wait_guardian

    with contextlib.suppress(ProcessLookupError), signaled(running, number) as manager:
        wait_end(manager, running)
    wait_guardian(running.directory)


def wait_stopping(running: RunningManager, number: signal.Signals) -> None:
    """Send a signal, unless the manager stops already, and return when it stops or is gone."""
    from pmtui.cli.down import has_ended

    with contextlib.suppress(ProcessLookupError), signaled(running, number) as manager:
        while is_lasting(running) and not has_ended(manager, STOPPING_INTERVAL):
            pass


@contextlib.contextmanager
def signaled(running: RunningManager, number: signal.Signals | None) -> Iterator[int]:
    """A pidfd of the manager, which got the signal unless it stops already. Raises ProcessLookupError if it is gone."""
    with os.fdopen(os.pidfd_open(running.pid), "rb") as manager:
        found = read_instance(running.directory)
        if found is None or found.pid != running.pid:
            raise ProcessLookupError
        if number and not found.is_stopping:
            signal.pidfd_send_signal(manager.fileno(), number)  # its pid can no longer be reused
        yield manager.fileno()


def is_lasting(running: RunningManager) -> bool:
    found = read_instance(running.directory)
    return found is not None and found.pid == running.pid and not found.is_stopping


def routes(options: argparse.Namespace) -> Result:
    """What PocketBase passes on to processes."""
    from pmtui.cli.base import load, profiles_of

    if not options.config.exists():
        return {}
    found: dict[str, str] = {}
    for config in load(options.config, profiles_of(argparse.Namespace(profile=None))).processes:
        if config.pocketbase:
            found[config.pocketbase.route] = config.pocketbase.auth
    return {"routes": [{"route": route, "auth": auth} for route, auth in found.items()]}


def describe(manager: RunningManager) -> str:
    return f"pid {manager.pid}, {manager.url or 'without an API'}"


COMMANDS: dict[str, Callable[[argparse.Namespace], Result]] = {
    "host-start": start,
    "host-stop": stop,
    "routes": routes,
}
