"""Hot reload: a process whose files have changed is started again, once they have been left alone for a moment."""

import asyncio
import logging
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
from pmtui.monitors.watch.watcher import FileWatcher
from pmtui.supervisor import events
from pmtui.supervisor.process import Process

if TYPE_CHECKING:
    from pmtui.monitors.watch.ignore import IgnoreRules

logger = logging.getLogger(__name__)
MAX_RESTARTS = 10
FLAP_INTERVAL = 60.0
"""So many restarts by changed files within so many seconds are a loop: the process changes its files itself."""
BUSY_WARNING_DELAY = 30.0
"""Seconds of changes without a quiet moment that people should know of: there is no restart meanwhile."""
MAX_CHANGED_FILES = 100
"""Changed files that are remembered until the restart which one of them is to explain."""


class Scope(msgspec.Struct, frozen=True):
    """What is watched for one process, or for several of the same folder."""

    roots: tuple[str, ...]
    patterns: tuple[str, ...]
    excluded_directories: tuple[str, ...]  # never looked into


Change = tuple[Scope, str, str]
"""A changed file that matters to a scope: its path, and its name below the root."""


def scope_of(config: ProcessConfig, folders: Iterable[str]) -> Scope:
    roots = (os.path.abspath(path) for path in config.watch_paths or [config.cwd])
    return Scope(tuple(roots), tuple(config.watch_ignore), tuple(map(os.path.abspath, folders)))


class FlapDetector:
    """Counts the restarts of one process by changed files; `generation` is the run that was seen last."""

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self._restart_times: deque[float] = deque(maxlen=MAX_RESTARTS)
        self.is_suspended = False

    def allows(self, now: float) -> bool:
        """Whether there may be one more restart; once there may not, there may not be any until `release`."""
        self.is_suspended = self.is_suspended or (
            len(self._restart_times) == MAX_RESTARTS and now - self._restart_times[0] < FLAP_INTERVAL
        )
        return not self.is_suspended

    def record(self, now: float) -> None:
        self._restart_times.append(now)

    def reset(self) -> None:
        self._restart_times.clear()
        self.is_suspended = False


class PendingRestart:
    """Changes of one process's files that are to be one restart."""

    def __init__(self) -> None:
        self.started_at = time.monotonic()
        self.is_reported = False
        self.timer: asyncio.TimerHandle | None = None
        self.files: dict[str, str] = {}  # path and name

    @property
    def name(self) -> str:
        """The file to name: one that is still there, rather than what an editor has made for a moment."""
        there = (name for path, name in self.files.items() if os.path.isfile(path))
        return next(there, next(iter(self.files.values())))


class FileReloader:
    """Watches for all processes that are to be reloaded, with one thread, and without one where there are none."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._processes: Mapping[str, Process] = {}
        self._scopes: Mapping[str, Scope] = {}
        self._ignores: dict[Scope, Mapping[str, IgnoreRules]] = {}  # the thread's own
        self._watcher: FileWatcher | None = None
        self._retired: list[FileWatcher] = []
        self._pending: dict[str, PendingRestart] = {}
        self._detectors: dict[str, FlapDetector] = {}
        self.is_ready = asyncio.Event()

    def processes_changed(self, processes: Mapping[str, Process], folders: Iterable[str]) -> None:
        """To be called when processes have come, gone, or have another configuration."""
        folders = [*folders]
        self._processes = processes
        self._scopes = {
            process.id: scope_of(process.config, folders) for process in processes.values() if process.config.dev_mode
        }
        for process_id in self._pending.keys() - self._scopes.keys():
            self._cancel_restart(process_id)
        roots = frozenset(root for scope in self._scopes.values() for root in scope.roots)
        if roots != (self._watcher.paths if self._watcher else frozenset()):
            self._watch(roots)

    def process_changed(self, process: Process) -> None:
        """To be called whenever the state of the process has changed: a start by hand is a new chance."""
        if (guard := self._detectors.get(process.id)) and guard.generation != process.state.generation:
            guard.generation = process.state.generation
            if process.state.restart_reason in (Reason.USER, Reason.CONFIG):
                guard.reset()

    async def close(self) -> None:
        for process_id in [*self._pending]:
            self._cancel_restart(process_id)
        self._watch(frozenset())
        for lookout in self._retired:
            await asyncio.to_thread(lookout.join)

    # the lookout, and what its thread does

    def _watch(self, roots: frozenset[str]) -> None:
        """Changes what is watched; the former lookout stays until the new one is in its place."""
        if self._watcher:
            self._retired = [lookout for lookout in self._retired if lookout.is_alive] + [self._watcher]
        self.is_ready.clear()
        self._watcher = None
        if not roots:
            self._close_retired()
            return
        armed = partial(self._call_in_loop, self._on_ready, roots)
        self._watcher = FileWatcher(roots, self._filter_changes, armed)

    def _on_ready(self, roots: frozenset[str]) -> None:
        if self._watcher and self._watcher.paths == roots:
            self.is_ready.set()
            self._close_retired()

    def _close_retired(self) -> None:
        for lookout in self._retired:
            lookout.close()

    def _filter_changes(self, paths: set[str]) -> None:
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
            found += islice(matter, MAX_CHANGED_FILES)
        if found:
            self._call_in_loop(self._schedule_restarts, found)

    def _ignores_of(self, scope: Scope) -> Mapping[str, "IgnoreRules"]:
        from pmtui.monitors.watch.ignore import IgnoreRules

        if scope not in self._ignores:
            try:
                ignores = {root: IgnoreRules(root, scope.patterns, scope.excluded_directories) for root in scope.roots}
            except ValueError as error:
                logger.warning("watchIgnore is left out: %s", error)
                ignores = {root: IgnoreRules(root, (), scope.excluded_directories) for root in scope.roots}
            self._ignores[scope] = ignores
        return self._ignores[scope]

    def _call_in_loop(self, callback: Callable[..., object], *words: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody wants to know any more
            self._loop.call_soon_threadsafe(callback, *words)

    # what the loop makes of it

    def _schedule_restarts(self, found: list[Change]) -> None:
        files: dict[Scope, dict[str, str]] = {}
        for scope, path, name in found:
            files.setdefault(scope, {})[path] = name
        for process_id, scope in self._scopes.items():
            process = self._processes.get(process_id)
            if scope in files and process and not process.installing:  # it is started after that anyway
                self._debounce(process_id, files[scope])

    def _debounce(self, process_id: str, files: Mapping[str, str]) -> None:
        """The restart is to come when nothing has changed for a while."""
        burst = self._pending.setdefault(process_id, PendingRestart())
        if len(burst.files) < MAX_CHANGED_FILES:
            burst.files.update(files)
        if burst.timer:
            burst.timer.cancel()
        debounce = self._processes[process_id].config.watch_debounce
        burst.timer = self._loop.call_later(debounce, self._restart, process_id)
        if time.monotonic() - burst.started_at > BUSY_WARNING_DELAY and not burst.is_reported:
            burst.is_reported = True
            logger.warning(
                f"{process_id}: {burst.name} changes all the time, so there is no restart: is it for watchIgnore?"
            )

    def _restart(self, process_id: str) -> None:
        burst = self._pending.pop(process_id)
        process = self._processes.get(process_id)
        if process is None or not process.state.should_run or process.installing:
            return
        now, before = time.monotonic(), process.state
        guard = self._detectors.setdefault(process_id, FlapDetector(before.generation))
        if guard.is_suspended:
            return
        if guard.allows(now):
            process.handle(events.Restart(Reason.WATCH, f"{burst.name} changed"))
            if process.state != before:
                guard.record(now)
            return
        hint = f"does {process_id} change it itself? Then put it into watchIgnore"
        logger.warning(
            f"{process_id}: {burst.name} changed, but hot reload is suspended until somebody restarts it, "
            f"after {MAX_RESTARTS} restarts in {FLAP_INTERVAL:g} s: {hint}"
        )

    def _cancel_restart(self, process_id: str) -> None:
        burst = self._pending.pop(process_id)
        if burst.timer:
            burst.timer.cancel()


def is_below(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")
