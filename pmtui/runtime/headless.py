"""The manager without a dashboard: its log on stdout, its API on loopback, until it is asked to stop."""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from pmtui.config.load import CONFIG_NAMES, Loaded
from pmtui.control import ControlError, ProcessEvent, Status
from pmtui.logs.console import Console, ConsoleLog, FileConsoleLog, Format, FormatRecord
from pmtui.manager import Manager
from pmtui.runtime.exit_policy import ExitPolicy, wait_exit
from pmtui.runtime.exit_signals import ExitSignals
from pmtui.runtime.host import Host, open_pocketbase_console
from pmtui.runtime.sd_notify import Notifier
from pmtui.runtime.session import log_to, manager_session
from pmtui.spawner.client import Spawner
from pmtui.spawner.launcher import GuardianLauncher
from pmtui.supervisor.reload import ConfigSource
from pmtui.text.formatting import plural
from pmtui.version import __version__

logger = logging.getLogger(__name__)
ERROR_STATES = (Status.CRASHED, Status.FAILED)


async def run_headless(
    source: ConfigSource,
    launcher: GuardianLauncher,
    log_format: Format | FormatRecord,
    has_api: bool,
    log_file: Path | None = None,
    exit_policy: ExitPolicy | None = None,
    host: Host | None = None,
    pocketbase_url: str = "",
) -> int:
    """Run the configured processes until asked to stop, or until `host` ends; return the exit code at the end.

    Logs to `log_file`, or else to stdout, and also to the PocketBase at `pocketbase_url`. Raises StartError before any
    process is started.
    """
    notifier = Notifier.from_environment(os.environ)
    console: Console = open_console(log_file, log_format)
    if pocketbase_url:
        directory = Path(source.loaded.settings.data_dir)
        console = open_pocketbase_console(console, pocketbase_url, directory, lambda name: manager.run_name(name))

    def create_manager(log_directory: Path) -> Manager:
        console.start()
        manager = Manager(
            source.loaded.settings, log_directory=log_directory, echo=console.chunk, spawner=Spawner(launcher)
        )
        handle_signals(manager, launcher.received_signals, host)
        return manager

    with contextlib.closing(console), log_to(console.line):
        async with manager_session(source, create_manager, has_api=has_api, host=host) as manager:
            log_startup(source.loaded, (await manager.about()).url)
            if callable(log_format):  # on a terminal
                logger.info("Ctrl-C stops all processes")
            async with notifier.notifying(manager.supervisor), asyncio.TaskGroup() as tasks:
                logging_events = tasks.create_task(log_events(manager.events()))
                exiting = tasks.create_task(wait_exit(manager.supervisor, exit_policy or ExitPolicy()))
                await manager.run()
                logging_events.cancel()
        logger.info("all processes have ended")
    return exiting.result()


def open_console(log_file: Path | None, log_format: Format | FormatRecord) -> Console:
    if log_file is None:
        return ConsoleLog(1, log_format)
    return FileConsoleLog(log_file, "text" if callable(log_format) else log_format)


def log_startup(loaded: Loaded, url: str | None) -> None:
    for problem in loaded.problems:
        logger.log(logging.WARNING if problem.warning else logging.ERROR, "%s", problem.located)
    count = plural(len(loaded.processes), "process", "processes")
    origin = (
        f" from {loaded.path}"
        if loaded.path
        else f"; no config found, looked here and above for {', '.join(CONFIG_NAMES)}"
    )
    logger.info("pmtui %s: %s%s", __version__, count, origin)
    if url:
        from pmtui.api.http.listener import DEFAULT_PORT

        is_taken = loaded.settings.port is None and not url.endswith(f":{DEFAULT_PORT}")
        logger.info("API on %s%s", url, f" (port {DEFAULT_PORT} is taken)" if is_taken else "")


async def log_events(events: AsyncIterator[ProcessEvent]) -> None:
    async for event in events:
        text = f"{event.id} {event.to}" + (f": {event.reason}" if event.reason else "")
        is_error = event.to in ERROR_STATES or (event.to is Status.SCHEDULED and event.reason)
        logger.log(logging.ERROR if is_error else logging.INFO, "%s", text)


def handle_signals(manager: Manager, received: Sequence[int], host: Host | None) -> None:
    """Stop gracefully on the first SIGINT or SIGTERM, kill on the second, reload on SIGHUP.

    `received` are those that came before. The first one may find that everything ends already, because of `host`.
    """
    loop = asyncio.get_running_loop()
    count, exit_signals = 0, ExitSignals()
    reloads: set[asyncio.Task[None]] = set()

    def stop(name: str) -> None:
        nonlocal count
        if not exit_signals.counts():
            return
        count += 1
        logger.info("%s: stopping all processes" if count == 1 else "%s again: killing what is left", name)
        if count > 1 or not manager.supervisor.is_shutting_down:
            manager.shutdown()
        elif host:
            host.end_was_requested()

    def reload() -> None:
        task = loop.create_task(reload_and_log(manager))
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number.name)
    loop.add_signal_handler(signal.SIGHUP, reload)
    if received:
        stop(signal.Signals(received[0]).name)
    if os.getpid() == 1:  # in a container every orphan becomes a child of the manager
        loop.add_signal_handler(signal.SIGCHLD, manager.supervisor.spawner.reap_orphans)


async def reload_and_log(manager: Manager) -> None:
    try:
        changes = await manager.reload()
    except ControlError as error:
        logger.error("reload: %s", error)
        return
    for problem in changes.errors:
        logger.error("reload: %s", problem)
    for note in changes.notes:
        logger.warning("reload: %s", note)
    counts = [f"{len(getattr(changes, kind))} {kind}" for kind in ("added", "removed", "changed", "unchanged")]
    logger.info("reload: %s", "nothing changed, because of the errors" if changes.errors else ", ".join(counts))
