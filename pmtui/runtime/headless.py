"""The manager without a screen: its log on stdout, its API on loopback, until it is asked to leave."""

import asyncio
import contextlib
import gc
import logging
import os
import resource
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from pmtui.config.load import CONFIG_NAMES, Loaded
from pmtui.control import ControlError, ProcessEvent, Status
from pmtui.logs.console import ConsoleLevel, ConsoleLog, FileConsoleLog, Format
from pmtui.manager import Manager
from pmtui.runtime.instance import AlreadyRunningError, DataDirectoryError, Instance, acquire
from pmtui.runtime.limits import LIMIT_HINTS, require_fds, reserve_threads
from pmtui.runtime.sd_notify import Notifier
from pmtui.spawner.client import Spawner
from pmtui.spawner.guardian import limit_cores
from pmtui.spawner.launcher import GuardianLauncher
from pmtui.supervisor.reload import ConfigSource
from pmtui.text.formatting import plural
from pmtui.version import __version__

if TYPE_CHECKING:
    from pmtui.api.http.listener import Listener
    from pmtui.runtime.token import Token

logger = logging.getLogger(__name__)
ERROR_STATES = (Status.CRASHED, Status.FAILED)


class StartError(Exception):
    """The manager cannot start; the message says why and what to do."""

    def __init__(self, error: Exception, exit_code: int = 1) -> None:
        super().__init__(str(error))
        self.exit_code = exit_code


class ApiBinding(msgspec.Struct, frozen=True):
    """Where the API is to be served, taken before anything starts, and who may use it."""

    listener: "Listener"
    token: "Token"


async def run_headless(
    source: ConfigSource, boot: GuardianLauncher, log_format: Format, has_api: bool, log_file: Path | None = None
) -> None:
    """Supervises what the configuration names until it is told to leave, and returns when all is gone.

    Its log goes to `log_file`, or else to stdout. Raises StartError before anything is started.
    """
    notifier = Notifier.from_environment(os.environ)
    set_limits()
    bridge = FileConsoleLog(log_file, log_format) if log_file else ConsoleLog(1, log_format)
    loaded = source.loaded
    folder = Path(loaded.settings.data_dir)
    with contextlib.closing(bridge), log_to(bridge.line):
        with startup_errors():
            bridge.start()
            manager = Manager(loaded.settings, folder=folder / "logs", echo=bridge.chunk, spawner=Spawner(boot))
            listen_to_signals(manager)
            if boot.received_signals:
                manager.shutdown()
            instance = await acquire_instance(folder, manager)
            try:
                api = open_api(loaded, folder) if has_api else None
            except StartError:
                instance.release()
                raise
            url = api.listener.url if api else None
            publish(instance, loaded, url)
            log_startup(loaded, url)
            manager.load(replace(source, url=url))
        async with notifier.notifying(manager):
            await supervise(manager, api)
        instance.release()
        logger.info("all processes have ended")


class LogHandler(logging.Handler):
    """Pass what is logged to `write`: the message, then the lines of a traceback."""

    def __init__(self, write: Callable[[ConsoleLevel, str], None]) -> None:
        super().__init__()
        self._write = write

    def emit(self, record: logging.LogRecord) -> None:
        level: ConsoleLevel = "INFO" if record.levelno < logging.WARNING else "WARN"
        if record.levelno >= logging.ERROR:
            level = "ERROR"
        self._write(level, record.getMessage())
        if record.exc_info:
            for line in logging.Formatter().formatException(record.exc_info).splitlines():
                self._write(level, line)


@contextlib.contextmanager
def log_to(write: Callable[[ConsoleLevel, str], None]) -> Iterator[None]:
    """Pass what pmtui logs to `write` meanwhile, from the thread that logs it."""
    handler, ours = LogHandler(write), logging.getLogger("pmtui")
    ours.setLevel(logging.INFO)
    ours.addHandler(handler)
    try:
        yield
    finally:
        ours.removeHandler(handler)


@contextlib.contextmanager
def startup_errors() -> Iterator[None]:
    """Raises StartError where a limit of the machine is in the way."""
    try:
        yield
    except OSError as error:
        if error.errno not in LIMIT_HINTS:
            raise
        text = f"the manager cannot start: {error.strerror}; raise {LIMIT_HINTS[error.errno]}"
        raise StartError(OSError(text)) from None


async def acquire_instance(folder: Path, manager: Manager) -> Instance:
    """Takes all that the manager needs before it starts anything. Raises StartError."""
    try:
        with startup_errors():
            require_fds()
            manager.connect()
            reserve_threads()  # the last ones: asyncio needs another one to give them back
            instance = await acquire(folder, manager.spawner)
            instance.watch()
            return instance
    except (AlreadyRunningError, DataDirectoryError) as error:
        raise StartError(error) from None


def publish(instance: Instance, loaded: Loaded, url: str | None) -> None:
    try:
        instance.publish(loaded.path, url)
    except OSError as error:
        instance.release()
        raise StartError(DataDirectoryError(f"{instance.directory} cannot be written to: {error.strerror}")) from None


async def supervise(manager: Manager, api: ApiBinding | None) -> None:
    async with asyncio.TaskGroup() as fronts:
        telling = fronts.create_task(log_events(manager.events()))  # from before the first one
        serving = fronts.create_task(serve(manager, api))
        await manager.run()
        telling.cancel()
        serving.cancel()


def set_limits() -> None:
    """Many files, for two pipes and two logs a process are more than the usual 1,024; and no core file, which would
    hold the token and the environments. The workers keep their own limits.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    limit_cores(0)


def open_api(loaded: Loaded, folder: Path) -> ApiBinding:
    from pmtui.api.http.listener import ListenError, listen
    from pmtui.runtime.token import OpenHostError, TokenError, load_token, require_own_token

    try:
        token = load_token(folder, os.environ)
        require_own_token(loaded.settings.host, token)
        return ApiBinding(listen(loaded.settings.host, loaded.settings.port), token)
    except OpenHostError as error:
        raise StartError(error, exit_code=2) from None
    except (TokenError, ListenError) as error:
        raise StartError(error) from None


async def serve(manager: Manager, api: ApiBinding | None) -> None:
    """Serves the API once the processes are there: its libraries are loaded while they already run."""
    await manager.wait_spawned()
    server_module = await asyncio.to_thread(import_module, "pmtui.api.server") if api else None
    gc.collect()
    gc.freeze()  # all that is loaded now stays
    gc.enable()
    if not (api and server_module):
        return
    server = server_module.ApiServer(manager, api.token.value, api.listener)
    try:
        await server.serve()
    finally:
        await server.close()


async def log_events(events: AsyncIterator[ProcessEvent]) -> None:
    async for event in events:
        words = f"{event.id} {event.to}" + (f": {event.reason}" if event.reason else "")
        logger.log(logging.ERROR if event.to in ERROR_STATES else logging.INFO, "%s", words)


def listen_to_signals(manager: Manager) -> None:
    """The first request to leave is graceful, the second is not. Handlers, since what is ignored would be inherited."""
    loop = asyncio.get_running_loop()
    asked = 0
    reloads: set[asyncio.Task[None]] = set()

    def leave(name: str) -> None:
        nonlocal asked
        asked += 1
        logger.info("%s: ending all processes" if asked == 1 else "%s again: killing what is left", name)
        manager.shutdown()

    def reload() -> None:
        task = loop.create_task(reload_and_log(manager))
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, leave, number.name)
    loop.add_signal_handler(signal.SIGHUP, reload)
    if os.getpid() == 1:  # in a container, whatever loses its parent becomes a child of the manager
        loop.add_signal_handler(signal.SIGCHLD, manager.spawner.reap_orphans)


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
    logger.info("reload: %s", "nothing is changed" if changes.errors else ", ".join(counts))


def log_startup(loaded: Loaded, url: str | None) -> None:
    for problem in loaded.problems:
        logger.log(logging.WARNING if problem.warning else logging.ERROR, "%s: %s", loaded.path, problem)
    count = len(loaded.processes)
    where = f" from {loaded.path}" if loaded.path else f", no config here: looked for {', '.join(CONFIG_NAMES)}"
    logger.info("pmtui %s: %s%s", __version__, plural(count, "process", "processes"), where)
    if url:
        from pmtui.api.http.listener import DEFAULT_PORT

        taken = loaded.settings.port is None and not url.endswith(f":{DEFAULT_PORT}")
        logger.info("API on %s%s", url, f" (port {DEFAULT_PORT} is taken)" if taken else "")
