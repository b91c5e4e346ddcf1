"""The manager on a thread and a loop of its own, so that no terminal, however slow, delays it."""

import asyncio
import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pmtui.control import RESTING
from pmtui.dashboard.backend.log_source import RingLines
from pmtui.dashboard.backend.thread_control import ThreadControl
from pmtui.dashboard.log_view.lines import HeldLines, Line, Lines
from pmtui.dashboard.terminal.state import Terminal
from pmtui.manager import Manager
from pmtui.runtime.headless import open_api, serve, set_limits, starting, take_folder
from pmtui.spawner.client import Spawner
from pmtui.spawner.launcher import Boot
from pmtui.supervisor.reload import Source
from pmtui.text.formatting import plural

if TYPE_CHECKING:
    from pmtui.control import Console
    from pmtui.supervisor.process import Process

FAREWELL = 3.0
"""Seconds that the dashboard has to close once the manager has ended; no terminal is waited for any longer."""


class TerminalSpawner(Spawner):
    """Has the guardian put the terminal right should the manager vanish, but not where it leaves in good order."""

    def __init__(self, boot: Boot, terminal: Terminal) -> None:
        super().__init__(boot)
        self._terminal = terminal

    def guard_terminal(self) -> None:
        if self._terminal.attributes is not None:
            self.restore_terminal(self._terminal.attributes, self._terminal.screen)

    async def close(self) -> None:
        if self._terminal.attributes is not None:
            self.restore_terminal(None, self._terminal.screen)
        await super().close()


class ManagerThread:
    """Owns the manager of a dashboard. `start` before anything heavy is loaded: the processes come up meanwhile."""

    def __init__(self, source: Source, boot: Boot, terminal: Terminal, *, has_api: bool = True) -> None:
        self._source, self._boot, self._terminal, self._has_api = source, boot, terminal, has_api
        self._up: Future[Manager] = Future()
        self._thread = threading.Thread(target=self._live, name="pmtui-manager", daemon=True)
        self._loop = asyncio.new_event_loop()
        self._asked = False
        self._left_at = self._ended_at = 0.0
        self._alive: Sequence[Process] = ()
        self._closed = threading.Event()
        self._ended: Callable[[], None] = lambda: None
        self._alarm: Callable[[str], None] | None = None
        self._alarms: deque[str] = deque(maxlen=100)

    def start(self) -> None:
        """Returns when the processes are being started; raises StartError where they cannot be."""
        self._thread.start()
        self._up.result()
        self.control: Console = ThreadControl(self._manager, self._loop)

    def tell(self, alarm: Callable[[str], None], ended: Callable[[], None]) -> None:
        """Who is told of alarms, those that have come already first, and of the end; both on the manager's thread."""
        self._alarm, self._ended = alarm, ended
        while self._alarms:
            alarm(self._alarms.popleft())
        if not self._thread.is_alive():
            ended()

    def leave(self) -> None:
        """Ends everything; asked again, at once. For any thread, and for signal handlers."""
        self._asked = True
        with contextlib.suppress(RuntimeError):  # the loop is closed: it has ended
            if self._up.done():
                self._loop.call_soon_threadsafe(self._leave)

    def close(self) -> None:
        """The dashboard has gone: ends the manager, and returns when it has."""
        self._closed.set()
        if self._thread.is_alive():
            self.leave()
            self._thread.join()

    @property
    def last_words(self) -> str:
        """What has become of the processes, once all has ended."""
        if not self._alive:
            return "pmtui: no process was running"
        count = plural(len(self._alive), "process", "processes")
        left = f"pmtui: {count} stopped in {self._ended_at - self._left_at:.1f} s"
        killed = [process.id for process in self._alive if process.killed]
        return f"{left}; had to be killed: {', '.join(killed)}" if killed else left

    def lines_of(self, ids: Sequence[str]) -> Sequence[Lines]:
        found = [self._manager.processes.get(process_id) for process_id in ids]
        return [RingLines(process.log.ring) if process else HeldLines() for process in found]

    def older_than(self, process_id: str, number: int) -> Iterator[Line]:
        process = self._manager.processes.get(process_id)
        if process is not None:
            yield from (Line(*raw, process_id) for raw in process.log.newest_first(below=number))

    # on the manager's thread

    def _live(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._main())
        except Exception as error:
            if self._up.done():
                raise
            self._up.set_exception(error)
            return
        self._ended()
        if not self._closed.wait(FAREWELL):
            self._terminal.restore()
            os._exit(0)

    def _leave(self) -> None:
        if not self._left_at:
            self._left_at = time.monotonic()
            self._alive = [process for process in self._manager.processes.values() if process.status not in RESTING]
        self._manager.leave()

    async def _main(self) -> None:
        set_limits()
        loaded = self._source.loaded
        folder = Path(loaded.settings.data_dir)
        with starting():
            spawner = TerminalSpawner(self._boot, self._terminal)
        manager = Manager(loaded.settings, folder=folder / "logs", alarm=self._sound, spawner=spawner)
        instance = await take_folder(folder, manager)
        spawner.guard_terminal()
        api = open_api(loaded, folder) if self._has_api else None
        url = api.listener.url if api else None
        instance.publish(loaded.path, url)
        self._manager = manager
        manager.adopt(msgspec.structs.replace(self._source, url=url))
        async with asyncio.TaskGroup() as fronts:
            serving = fronts.create_task(serve(manager, api)) if api else None
            self._up.set_result(manager)
            if self._asked:
                self._leave()
            await manager.run()
            self._ended_at = time.monotonic()
            if serving:
                serving.cancel()
        instance.release()

    def _sound(self, text: str) -> None:
        if self._alarm is None:
            self._alarms.append(text)
        else:
            self._alarm(text)
