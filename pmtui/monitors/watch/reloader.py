"""Hot reload: restart a process when its files have changed and then stayed unchanged for a moment."""

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

from pmtui.config.model import MIN_RESTART_DELAY, ProcessConfig, Settings
from pmtui.control import Reason
from pmtui.monitors.monitor import Monitor
from pmtui.monitors.watch.watcher import FileWatcher
from pmtui.supervisor import events
from pmtui.supervisor.process import Process
from pmtui.supervisor.supervisor import Supervisor

if TYPE_CHECKING:
    from pmtui.monitors.watch.ignore import IgnoreRules

logger = logging.getLogger(__name__)
MAX_RESTARTS = 10
FLAP_INTERVAL = 60.0
"""So many restarts within so many seconds are a loop: the process changes its own files."""
BUSY_WARNING_DELAY = 30.0
"""Seconds of uninterrupted changes, which delay the restart, until a warning is logged."""
MAX_CHANGED_FILES = 100
"""Changed files kept for the restart, whose reason names one of them."""


class Scope(msgspec.Struct, frozen=True):
    """What is watched for a process. Processes of one directory often share a scope."""

    roots: tuple[str, ...]
    patterns: tuple[str, ...]
    excluded: tuple[str, ...]


Change = tuple[Scope, str, str]
"""A changed file in a scope: its path, and its path relative to the root."""


def scope_of(config: ProcessConfig, excluded: Iterable[str]) -> Scope:
    roots = (os.path.abspath(path) for path in config.watch_paths or [config.cwd])
    return Scope(tuple(roots), tuple(config.watch_ignore), tuple(map(os.path.abspath, excluded)))


class FlapDetector:
    """Counts the restarts of one process by file changes; `generation` is the last run seen."""

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self._restart_times: deque[float] = deque(maxlen=MAX_RESTARTS)
        self.is_suspended = False

    def allows(self, now: float) -> bool:
        """Whether another restart is allowed; once it is not, none is until `reset`."""
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
    """File changes of one process that will cause one restart."""

    def __init__(self) -> None:
        self.started_at = time.monotonic()
        self.is_reported = False
        self.timer: asyncio.TimerHandle | None = None
        self.files: dict[str, str] = {}  # relative paths by path

    @property
    def name(self) -> str:
        """Return a file that still exists, rather than a temporary file of an editor."""
        existing = (name for path, name in self.files.items() if os.path.isfile(path))
        return next(existing, next(iter(self.files.values())))


class FileReloader(Monitor):
    """Watches the files of all processes in dev mode on one thread; without such a process there is none."""

    def __init__(self, supervisor: Supervisor) -> None:
        super().__init__(supervisor)
        self._loop = asyncio.get_running_loop()
        self._scopes: Mapping[str, Scope] = {}
        self._ignores: dict[Scope, Mapping[str, IgnoreRules]] = {}  # used by the watcher's thread only
        self._watcher: FileWatcher | None = None
        self._polls = False
        self._retired: list[FileWatcher] = []
        self._pending: dict[str, PendingRestart] = {}
        self._detectors: dict[str, FlapDetector] = {}
        self.is_ready = asyncio.Event()

    def processes_changed(self) -> None:
        excluded = excluded_paths(self.supervisor.settings)
        configs = (process.config for process in self.supervisor.processes.values())
        self._scopes = {config.id: scope_of(config, excluded) for config in configs if config.dev_mode}
        for process_id in self._pending.keys() - self._scopes.keys():
            self._cancel_restart(process_id)
        roots = frozenset(root for scope in self._scopes.values() for root in scope.roots)
        polls = self.supervisor.settings.watch_polling
        watched = (self._watcher.paths, self._polls) if self._watcher else (frozenset(), polls)
        if (roots, polls) != watched:
            self._polls = polls
            self._watch(roots)

    def process_changed(self, process: Process) -> None:
        if (detector := self._detectors.get(process.id)) and detector.generation != process.state.generation:
            detector.generation = process.state.generation
            if process.state.restart_reason in (Reason.USER, Reason.CONFIG):
                detector.reset()

    async def close(self) -> None:
        for process_id in [*self._pending]:
            self._cancel_restart(process_id)
        self._watch(frozenset())
        for watcher in self._retired:
            await asyncio.to_thread(watcher.join)

    # the watcher and its thread

    def _watch(self, roots: frozenset[str]) -> None:
        """Watch other paths. The previous watcher stays until the new one is ready, so that no change is missed."""
        if self._watcher:
            self._retired = [watcher for watcher in self._retired if watcher.is_alive] + [self._watcher]
        self.is_ready.clear()
        self._watcher = None
        if not roots:
            self._close_retired()
            return
        on_ready = partial(self._call_in_loop, self._on_ready, roots)
        self._watcher = FileWatcher(roots, self._filter_changes, on_ready, polls=self._polls)

    def _on_ready(self, roots: frozenset[str]) -> None:
        if self._watcher and self._watcher.paths == roots:
            self.is_ready.set()
            self._close_retired()

    def _close_retired(self) -> None:
        for watcher in self._retired:
            watcher.close()

    def _filter_changes(self, paths: set[str]) -> None:
        """Drop ignored files. Why in the thread: ten thousand changed files would stall the loop."""
        from pmtui.monitors.watch.directories import DirectoryCache

        directories = DirectoryCache()
        found: list[Change] = []
        for scope in {*self._scopes.values()}:
            ignores = self._ignores_of(scope)
            relevant = (
                (scope, path, os.path.relpath(path, root) if path != root else os.path.basename(root))
                for path in sorted(paths)
                for root in scope.roots
                if is_below(path, root) and not ignores[root].covers(path, directories)
            )
            found += islice(relevant, MAX_CHANGED_FILES)
        if found:
            self._call_in_loop(self._schedule_restarts, found)

    def _ignores_of(self, scope: Scope) -> Mapping[str, "IgnoreRules"]:
        from pmtui.monitors.watch.ignore import IgnoreRules

        if scope not in self._ignores:
            try:
                ignores = {root: IgnoreRules(root, scope.patterns, scope.excluded) for root in scope.roots}
            except ValueError as error:
                logger.warning("watchIgnore is not applied: %s", error)
                ignores = {root: IgnoreRules(root, (), scope.excluded) for root in scope.roots}
            self._ignores[scope] = ignores
        return self._ignores[scope]

    def _call_in_loop(self, callback: Callable[..., object], *args: object) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(callback, *args)

    # on the loop

    def _schedule_restarts(self, found: list[Change]) -> None:
        files: dict[Scope, dict[str, str]] = {}
        for scope, path, name in found:
            files.setdefault(scope, {})[path] = name
        for process_id, scope in self._scopes.items():
            process = self.supervisor.processes.get(process_id)
            if scope in files and process and not process.installing:  # it starts afterwards anyway
                self._debounce(process_id, files[scope])

    def _debounce(self, process_id: str, files: Mapping[str, str]) -> None:
        """Restart once no file has changed for the debounce time."""
        pending = self._pending.setdefault(process_id, PendingRestart())
        if len(pending.files) < MAX_CHANGED_FILES:
            pending.files.update(files)
        if pending.timer:
            pending.timer.cancel()
        debounce = max(self.supervisor.processes[process_id].config.watch_debounce, MIN_RESTART_DELAY)
        pending.timer = self._loop.call_later(debounce, self._restart, process_id)
        if time.monotonic() - pending.started_at > BUSY_WARNING_DELAY and not pending.is_reported:
            pending.is_reported = True
            logger.warning(
                f"{process_id}: {pending.name} keeps changing, which delays the restart; add it to watchIgnore?"
            )

    def _restart(self, process_id: str) -> None:
        pending = self._pending.pop(process_id)
        process = self.supervisor.processes.get(process_id)
        if process is None or not process.state.should_run or process.installing:
            return
        now, before = time.monotonic(), process.state
        detector = self._detectors.setdefault(process_id, FlapDetector(before.generation))
        if detector.is_suspended:
            return
        if detector.allows(now):
            process.handle(events.Restart(Reason.WATCH, f"{pending.name} changed"))
            if process.state != before:
                detector.record(now)
            return
        hint = f"if {process_id} writes the file itself, add it to watchIgnore"
        logger.warning(
            f"{process_id}: {pending.name} changed, but hot reload is suspended until the next manual restart, "
            f"after {MAX_RESTARTS} restarts in {FLAP_INTERVAL:g} s; {hint}"
        )

    def _cancel_restart(self, process_id: str) -> None:
        pending = self._pending.pop(process_id)
        if pending.timer:
            pending.timer.cancel()


def is_below(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")


def excluded_paths(settings: Settings) -> list[str]:
    """Return what is never watched: data directories, and the manager's own output, which every restart changes."""
    pocketbase = [os.path.expanduser(settings.pocketbase.data_dir)] if settings.pocketbase.data_dir else []
    return [settings.data_dir, *pocketbase, *own_output()]


def own_output() -> list[str]:
    found = []
    for descriptor in (1, 2):
        with suppress(OSError):
            found.append(os.readlink(f"/proc/self/fd/{descriptor}"))
    return [path for path in found if path.startswith("/") and not path.startswith("/dev/")]
