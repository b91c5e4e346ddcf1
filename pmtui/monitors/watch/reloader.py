"""Hot reload: a process whose files have changed is started again, once they have been left alone for a moment."""

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from pmtui.config.model import ProcessConfig
from pmtui.control import Reason
from pmtui.monitors.watch.watcher import Lookout
from pmtui.supervisor import events
from pmtui.supervisor.process import Process

if TYPE_CHECKING:
    from pmtui.monitors.watch.ignore import Ignore

MOST = 10
WITHIN = 60.0
"""So many restarts by changed files within so many seconds are a loop: the process changes its files itself."""
ENDLESS = 30.0
"""Seconds of changes without a quiet moment that people should know of: there is no restart meanwhile."""
NAMES = 100
"""Changed files that are remembered until the restart which one of them is to explain."""


class Scope(msgspec.Struct, frozen=True):
    """What is watched for one process, or for several of the same folder."""

    roots: tuple[str, ...]
    patterns: tuple[str, ...]
    folders: tuple[str, ...]  # never looked into


Change = tuple[Scope, str, str]
"""A changed file that matters to a scope: its path, and its name below the root."""


def scope_of(config: ProcessConfig, folders: Iterable[str]) -> Scope:
    roots = (os.path.abspath(path) for path in config.watch_paths or [config.cwd])
    return Scope(tuple(roots), tuple(config.watch_ignore), tuple(map(os.path.abspath, folders)))


class LoopGuard:
    """Counts the restarts of one process by changed files; `generation` is the run that was seen last."""

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self._at: deque[float] = deque(maxlen=MOST)
        self.is_suspended = False

    def allows(self, now: float) -> bool:
        """Whether there may be one more restart; once there may not, there may not be any until `release`."""
        self.is_suspended = self.is_suspended or (len(self._at) == MOST and now - self._at[0] < WITHIN)
        return not self.is_suspended

    def count(self, now: float) -> None:
        self._at.append(now)

    def release(self) -> None:
        self._at.clear()
        self.is_suspended = False


class Burst:
    """Changes of one process's files that are to be one restart."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.is_told = False
        self.timer: asyncio.TimerHandle | None = None
        self.files: dict[str, str] = {}  # path and name

    @property
    def name(self) -> str:
        """The file to name: one that is still there, rather than what an editor has made for a moment."""
        there = (name for path, name in self.files.items() if os.path.isfile(path))
        return next(there, next(iter(self.files.values())))


class Watcher:
    """Watches for all processes that are to be reloaded, with one thread, and without one where there are none."""

    def __init__(self, alarm: Callable[[str], None]) -> None:
        self._alarm = alarm
        self._loop = asyncio.get_running_loop()
        self._processes: Mapping[str, Process] = {}
        self._scopes: Mapping[str, Scope] = {}
        self._ignores: dict[Scope, Mapping[str, Ignore]] = {}  # the thread's own
        self._lookout: Lookout | None = None
        self._retired: list[Lookout] = []
        self._bursts: dict[str, Burst] = {}
        self._guards: dict[str, LoopGuard] = {}
        self.is_armed = asyncio.Event()

    def arrange(self, processes: Mapping[str, Process], folders: Iterable[str]) -> None:
        """To be called when processes have come, gone, or have another configuration."""
        folders = [*folders]
        self._processes = processes
        self._scopes = {
            process.id: scope_of(process.config, folders) for process in processes.values() if process.config.dev_mode
        }
        for process_id in self._bursts.keys() - self._scopes.keys():
            self._drop(process_id)
        roots = frozenset(root for scope in self._scopes.values() for root in scope.roots)
        if roots != (self._lookout.paths if self._lookout else frozenset()):
            self._look_out(roots)

    def look(self, process: Process) -> None:
        """To be called whenever the state of the process has changed: a start by hand is a new chance."""
        if (guard := self._guards.get(process.id)) and guard.generation != process.state.generation:
            guard.generation = process.state.generation
            if process.state.started_for in (Reason.USER, Reason.CONFIG):
                guard.release()

    async def close(self) -> None:
        for process_id in [*self._bursts]:
            self._drop(process_id)
        self._look_out(frozenset())
        for lookout in self._retired:
            await asyncio.to_thread(lookout.join)

    # the lookout, and what its thread does

    def _look_out(self, roots: frozenset[str]) -> None:
        """Changes what is watched; the former lookout stays until the new one is in its place."""
        if self._lookout:
            self._retired = [lookout for lookout in self._retired if lookout.is_alive] + [self._lookout]
        self.is_armed.clear()
        self._lookout = None
        if not roots:
            self._retire()
            return
        armed = partial(self._call, self._arm, roots)
        self._lookout = Lookout(roots, self._sift, armed, partial(self._call, self._alarm))

    def _arm(self, roots: frozenset[str]) -> None:
        if self._lookout and self._lookout.paths == roots:
            self.is_armed.set()
            self._retire()

    def _retire(self) -> None:
        for lookout in self._retired:
            lookout.close()

    def _sift(self, paths: set[str]) -> None:
        """Leaves out what is ignored, in the thread: ten thousand files are nothing for the loop."""
        environments: dict[str, bool] = {}
        found: list[Change] = []
        for scope in {*self._scopes.values()}:
            ignores = self._ignores_of(scope)
            matter = (
                (scope, path, os.path.relpath(path, root) if path != root else os.path.basename(root))
                for path in sorted(paths)
                for root in scope.roots
                if is_below(path, root) and not ignores[root].covers(path, environments)
            )
            found += islice(matter, NAMES)
        if found:
            self._call(self._take, found)

    def _ignores_of(self, scope: Scope) -> Mapping[str, "Ignore"]:
        from pmtui.monitors.watch.ignore import Ignore

        if scope not in self._ignores:
            try:
                ignores = {root: Ignore(root, scope.patterns, scope.folders) for root in scope.roots}
            except ValueError as error:
                self._call(self._alarm, f"watchIgnore is left out: {error}")
                ignores = {root: Ignore(root, (), scope.folders) for root in scope.roots}
            self._ignores[scope] = ignores
        return self._ignores[scope]

    def _call(self, callback: Callable[..., object], *words: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody wants to know any more
            self._loop.call_soon_threadsafe(callback, *words)

    # what the loop makes of it

    def _take(self, found: list[Change]) -> None:
        files: dict[Scope, dict[str, str]] = {}
        for scope, path, name in found:
            files.setdefault(scope, {})[path] = name
        for process_id, scope in self._scopes.items():
            process = self._processes.get(process_id)
            if scope in files and process and not process.installing:  # it is started after that anyway
                self._put_off(process_id, files[scope])

    def _put_off(self, process_id: str, files: Mapping[str, str]) -> None:
        """The restart is to come when nothing has changed for a while."""
        burst = self._bursts.setdefault(process_id, Burst())
        if len(burst.files) < NAMES:
            burst.files.update(files)
        if burst.timer:
            burst.timer.cancel()
        debounce = self._processes[process_id].config.watch_debounce
        burst.timer = self._loop.call_later(debounce, self._restart, process_id)
        if time.monotonic() - burst.began > ENDLESS and not burst.is_told:
            burst.is_told = True
            self._alarm(
                f"{process_id}: {burst.name} changes all the time, so there is no restart: is it for watchIgnore?"
            )

    def _restart(self, process_id: str) -> None:
        burst = self._bursts.pop(process_id)
        process = self._processes.get(process_id)
        if process is None or not process.state.should_run or process.installing:
            return
        now, before = time.monotonic(), process.state
        guard = self._guards.setdefault(process_id, LoopGuard(before.generation))
        if guard.is_suspended:
            return
        if guard.allows(now):
            process.feed(events.Restart(Reason.WATCH, f"{burst.name} changed"))
            if process.state != before:
                guard.count(now)
            return
        hint = f"does {process_id} change it itself? Then put it into watchIgnore"
        self._alarm(
            f"{process_id}: {burst.name} changed, but hot reload is suspended until somebody restarts it, after {MOST} "
            f"restarts in {WITHIN:g} s: {hint}"
        )

    def _drop(self, process_id: str) -> None:
        burst = self._bursts.pop(process_id)
        if burst.timer:
            burst.timer.cancel()


def is_below(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")
