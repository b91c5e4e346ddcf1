"""The manager without a screen: its log on stdout, its API on loopback, until it is asked to leave."""

import asyncio
import contextlib
import gc
import os
import resource
import signal
from collections.abc import AsyncIterator, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from pmtui.config.load import NAMES, Loaded
from pmtui.control import ControlError, Event, Status
from pmtui.logs.bridge_file import FileBridge
from pmtui.logs.console import Bridge, Format
from pmtui.manager import Manager
from pmtui.runtime.instance import AlreadyRunningError, FolderError, Instance, acquire
from pmtui.runtime.limits import LIMITS, require_files, take_threads
from pmtui.runtime.sd_notify import Notifier
from pmtui.spawner.client import Spawner
from pmtui.spawner.guardian import limit_cores
from pmtui.spawner.launcher import Boot
from pmtui.supervisor.reload import Source
from pmtui.version import __version__

if TYPE_CHECKING:
    from pmtui.api.auth import Token
    from pmtui.api.http.listener import Listener

DEFAULT_PORT = 9615
GRAVE = (Status.CRASHED, Status.FAILED)


class StartError(Exception):
    """The manager cannot start; the message says why and what to do."""

    def __init__(self, error: Exception, exit_code: int = 1) -> None:
        super().__init__(str(error))
        self.exit_code = exit_code


class Api(msgspec.Struct, frozen=True):
    """Where the API is to be served, taken before anything starts, and who may use it."""

    listener: "Listener"
    token: "Token"


async def run_headless(
    source: Source, boot: Boot, log_format: Format, has_api: bool, log_file: Path | None = None
) -> None:
    """Supervises what the configuration names until it is told to leave, and returns when all is gone.

    Its log goes to `log_file`, or else to stdout. Raises StartError before anything is started.
    """
    notifier = Notifier.take(os.environ)
    set_limits()
    bridge = FileBridge(log_file, log_format) if log_file else Bridge(1, log_format)
    loaded = source.loaded
    folder = Path(loaded.settings.data_dir)
    try:
        with starting():
            bridge.start()
            manager = Manager(
                loaded.settings,
                folder=folder / "logs",
                alarm=partial(bridge.line, "WARN"),
                echo=bridge.chunk,
                spawner=Spawner(boot),
            )
            listen_to_signals(manager, bridge)
            if boot.asked:
                manager.leave()
            instance = await take_folder(folder, manager)
            try:
                api = open_api(loaded, folder) if has_api else None
            except StartError:
                instance.release()
                raise
            url = api.listener.url if api else None
            publish(instance, loaded, url)
            greet(bridge, loaded, url)
            manager.adopt(replace(source, url=url))
        async with notifier.telling(manager):
            await supervise(manager, bridge, api)
        instance.release()
        bridge.line("INFO", "all processes have ended")
    finally:
        bridge.close()


@contextlib.contextmanager
def starting() -> Iterator[None]:
    """Raises StartError where a limit of the machine is in the way."""
    try:
        yield
    except OSError as error:
        if error.errno not in LIMITS:
            raise
        text = f"the manager cannot start: {error.strerror}; raise {LIMITS[error.errno]}"
        raise StartError(OSError(text)) from None


async def take_folder(folder: Path, manager: Manager) -> Instance:
    """Takes all that the manager needs before it starts anything. Raises StartError."""
    try:
        with starting():
            require_files()
            manager.connect()
            take_threads()  # the last ones: asyncio needs another one to give them back
            instance = await acquire(folder, manager.spawner)
            instance.watch(manager.alarm)
            return instance
    except (AlreadyRunningError, FolderError) as error:
        raise StartError(error) from None


def publish(instance: Instance, loaded: Loaded, url: str | None) -> None:
    try:
        instance.publish(loaded.path, url)
    except OSError as error:
        instance.release()
        raise StartError(FolderError(f"{instance.folder} cannot be written to: {error.strerror}")) from None


async def supervise(manager: Manager, bridge: Bridge, api: Api | None) -> None:
    async with asyncio.TaskGroup() as fronts:
        telling = fronts.create_task(tell(manager.events(), bridge))  # from before the first one
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


def open_api(loaded: Loaded, folder: Path) -> Api:
    from pmtui.api.auth import OpenHostError, TokenError, load_token, require_own_token
    from pmtui.api.http.listener import ListenError, listen

    try:
        token = load_token(folder, os.environ)
        require_own_token(loaded.settings.host, token)
        return Api(listen(loaded.settings.host, loaded.settings.port), token)
    except OpenHostError as error:
        raise StartError(error, exit_code=2) from None
    except (TokenError, ListenError) as error:
        raise StartError(error) from None


async def serve(manager: Manager, api: Api | None) -> None:
    """Serves the API once the processes are there: its libraries are loaded while they already run."""
    await manager.spawned()
    server_module = await asyncio.to_thread(import_module, "pmtui.api.server") if api else None
    gc.collect()
    gc.freeze()  # all that is loaded now stays
    gc.enable()
    if not (api and server_module):
        return
    server = server_module.ApiServer(manager, api.token, api.listener)
    try:
        await server.serve()
    finally:
        await server.close()


async def tell(events: AsyncIterator[Event], bridge: Bridge) -> None:
    async for event in events:
        words = f"{event.id} {event.to}" + (f": {event.reason}" if event.reason else "")
        bridge.line("ERROR" if event.to in GRAVE else "INFO", words)


def listen_to_signals(manager: Manager, bridge: Bridge) -> None:
    """The first request to leave is graceful, the second is not. Handlers, since what is ignored would be inherited."""
    loop = asyncio.get_running_loop()
    asked = 0
    reloads: set[asyncio.Task[None]] = set()

    def leave(name: str) -> None:
        nonlocal asked
        asked += 1
        bridge.line("INFO", f"{name}: ending all processes" if asked == 1 else f"{name} again: killing what is left")
        manager.leave()

    def reload() -> None:
        task = loop.create_task(reload_and_tell(manager, bridge))
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, leave, number.name)
    loop.add_signal_handler(signal.SIGHUP, reload)
    if os.getpid() == 1:  # in a container, whatever loses its parent becomes a child of the manager
        loop.add_signal_handler(signal.SIGCHLD, manager.spawner.reap_strangers)


async def reload_and_tell(manager: Manager, bridge: Bridge) -> None:
    try:
        changes = await manager.reload()
    except ControlError as error:
        bridge.line("ERROR", f"reload: {error}")
        return
    for problem in changes.errors:
        bridge.line("ERROR", f"reload: {problem}")
    for note in changes.notes:
        bridge.line("WARN", f"reload: {note}")
    counts = [f"{len(getattr(changes, kind))} {kind}" for kind in ("added", "removed", "changed", "unchanged")]
    bridge.line("INFO", "reload: nothing is changed" if changes.errors else f"reload: {', '.join(counts)}")


def greet(bridge: Bridge, loaded: Loaded, url: str | None) -> None:
    for problem in loaded.problems:
        bridge.line("WARN" if problem.warning else "ERROR", f"{loaded.path}: {problem}")
    count = len(loaded.processes)
    where = f" from {loaded.path}" if loaded.path else f", no config here: looked for {', '.join(NAMES)}"
    bridge.line("INFO", f"pmtui {__version__}: {count} process{'' if count == 1 else 'es'}{where}")
    if url:
        taken = loaded.settings.port is None and not url.endswith(f":{DEFAULT_PORT}")
        bridge.line("INFO", f"API on {url}" + (f" (port {DEFAULT_PORT} is taken)" if taken else ""))
