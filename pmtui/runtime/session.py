"""What every manager needs around it, with or without a dashboard: limits, lock, API socket, instance.json, log."""

import asyncio
import contextlib
import gc
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pmtui.config.load import Loaded
from pmtui.logs.console import ConsoleLevel
from pmtui.manager import Manager
from pmtui.pocketbase.access import PocketBaseAccess
from pmtui.runtime.host import Host, bound_to
from pmtui.runtime.instance import AlreadyRunningError, DataDirectoryError, Instance, acquire
from pmtui.runtime.limits import LIMIT_HINTS, require_fds, reserve_threads, set_limits
from pmtui.supervisor.reload import ConfigSource

if TYPE_CHECKING:
    from pmtui.api.http.listener import Listener
    from pmtui.runtime.token import Token


SPAWN_TIMEOUT = 10.0
"""Seconds after which the API is served even if a program cannot be executed, such as one on a dead network drive."""


class StartError(Exception):
    """The manager cannot start; the message says why and what to do."""

    def __init__(self, error: Exception, exit_code: int = 1) -> None:
        super().__init__(str(error))
        self.exit_code = exit_code


class ApiBinding(msgspec.Struct, frozen=True):
    """The listening socket of the API, and the token that clients must present."""

    listener: "Listener"
    token: "Token"
    has_web: bool


@contextlib.asynccontextmanager
async def manager_session(
    source: ConfigSource, create_manager: Callable[[Path], Manager], *, has_api: bool, host: Host | None = None
) -> AsyncIterator[Manager]:
    """Prepare a manager and serve its API; the body is to await `Manager.run`. It is shut down when `host` ends.

    `create_manager` receives the directory for logs. Raises StartError before any process is started.
    """
    set_limits()
    loaded = source.loaded
    directory = Path(loaded.settings.data_dir)
    with startup_errors():
        manager = create_manager(directory / "logs")
    instance = await acquire_instance(directory, manager)
    try:
        api = bind_api(loaded, directory) if has_api else None
        url = api.listener.url if api else None
        publish(instance, loaded, url, host)
    except StartError:
        instance.release()
        raise
    manager.supervisor.load(msgspec.structs.replace(source, url=url))
    async with bound_to(host, manager, instance), asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(serve(manager, api))
        yield manager
        serving.cancel()
    instance.release()


@contextlib.contextmanager
def startup_errors() -> Iterator[None]:
    """Raise StartError if a limit of the machine prevents the start."""
    try:
        yield
    except OSError as error:
        if error.errno not in LIMIT_HINTS:
            raise
        text = f"the manager cannot start: {error.strerror}; raise {LIMIT_HINTS[error.errno]}"
        raise StartError(OSError(text)) from None


async def acquire_instance(directory: Path, manager: Manager) -> Instance:
    """Take everything the manager needs before it starts a process. Raises StartError."""
    try:
        with startup_errors():
            require_fds()
            manager.connect()
            reserve_threads()  # last: asyncio itself needs one more thread to release them
            instance = await acquire(directory, manager.supervisor.spawner)
            instance.watch()
            return instance
    except (AlreadyRunningError, DataDirectoryError) as error:
        raise StartError(error) from None


def bind_api(loaded: Loaded, directory: Path) -> ApiBinding:
    from pmtui.api.http.listener import ListenError, listen
    from pmtui.runtime.token import OpenHostError, TokenError, load_token, require_own_token

    try:
        token = load_token(directory, os.environ)
        require_own_token(loaded.settings.host, token)
        return ApiBinding(listen(loaded.settings.host, loaded.settings.port), token, loaded.settings.web)
    except OpenHostError as error:
        raise StartError(error, exit_code=2) from None
    except (TokenError, ListenError) as error:
        raise StartError(error) from None


def publish(instance: Instance, loaded: Loaded, url: str | None, host: Host | None) -> None:
    try:
        instance.publish(loaded.path, url, host.pid if host else None)
    except OSError as error:
        raise StartError(DataDirectoryError(f"cannot write to {instance.directory}: {error.strerror}")) from None


async def serve(manager: Manager, api: ApiBinding | None) -> None:
    """Serve the API once the processes are spawned, so that loading its libraries does not delay them."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SPAWN_TIMEOUT):
            await manager.supervisor.wait_spawned()
    server_module = await asyncio.to_thread(import_module, "pmtui.api.server") if api else None
    gc.collect()
    gc.freeze()  # everything loaded by now stays
    gc.enable()
    if not (api and server_module):
        return
    async with PocketBaseAccess(manager) as pocketbase:
        server = server_module.ApiServer(
            manager,
            api.token.value,
            api.listener,
            has_web=api.has_web,
            forwarder=pocketbase.forward,
            token_checker=pocketbase.refuse_token,
        )
        try:
            await server.serve()
        finally:
            await server.close()


@contextlib.contextmanager
def log_to(write: Callable[[ConsoleLevel, str], None]) -> Iterator[None]:
    """Pass everything that pmtui logs to `write`, on the thread that logs it."""
    handler, package_logger = LogHandler(write), logging.getLogger("pmtui")
    package_logger.setLevel(logging.INFO)
    package_logger.addHandler(handler)
    try:
        yield
    finally:
        package_logger.removeHandler(handler)


class LogHandler(logging.Handler):
    """Passes each message to `write`, and the lines of its traceback after it."""

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
