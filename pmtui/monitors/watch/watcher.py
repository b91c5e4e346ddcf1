"""A thread that reports changes below some paths.

Why not watchfiles alone: it goes silent, without an error, when a watched directory is removed and created again, and
after a watched file is replaced. So the paths themselves are checked several times a second, and watched again when
they have become another directory or file, or exist at last.
"""

import logging
import os
import re
import threading
from collections.abc import Callable, Generator, Iterable

logger = logging.getLogger(__name__)
CHECK_INTERVAL = 0.2
"""Seconds between two checks of the paths themselves."""
BATCH_DELAY = 50
"""Milliseconds that changes are collected for."""
POLL_INTERVAL = 1000
"""Milliseconds between two scans of all files, if the kernel cannot report changes."""

_UNDECODABLE = re.compile('Unable to decode path "(.*)" to string', re.DOTALL)

FileIdentity = tuple[int, int] | None
Watch = Generator[set[str], None, None]


class FileWatcher:
    """Watches until closed: as the kernel reports, or with `polls` by scanning. Both callbacks run in its thread.

    `on_change` receives the paths that have changed, including a watched path that was created, removed or replaced.
    `on_ready` is called once, when no change can be missed any more.
    """

    def __init__(
        self,
        paths: Iterable[str],
        on_change: Callable[[set[str]], None],
        on_ready: Callable[[], None],
        *,
        polls: bool = False,
    ) -> None:
        self.paths = frozenset(paths)
        self._on_change = on_change
        self._on_ready = on_ready
        self._polls = polls
        self._is_ready = False
        self._closed = threading.Event()
        self._moved: set[str] = set()  # watched paths that have changed, to be reported once they are watched again
        self._armed: Watch | None = None  # what reports changes until there is a newer one
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def close(self) -> None:
        """Stop watching. A change seen before may still be reported."""
        self._closed.set()

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        known = self._identities()
        while not self._closed.is_set():
            former = self._armed
            existing = sorted(path for path, identity in known.items() if identity)
            try:
                touched = self._watch(existing, known)
            except FileNotFoundError:  # removed in the meantime
                touched = set()
            except (OSError, RuntimeError) as error:
                touched = undecodable_paths(error)
                if not touched:
                    self._make_room(former, error)
            now = self._identities()
            self._moved |= touched | {path for path in self.paths if now[path] != known[path]}
            known = now
        self._disarm()

    def _watch(self, existing: list[str], known: dict[str, FileIdentity]) -> set[str]:
        """Report changes until a watched path may have been replaced; return the watched paths that changed.

        They count as replaced even if their identity is the same: a new directory can get the inode of the old one.
        """
        watched = self._changes(existing)
        for changes in watched:
            if self._moved:
                self._on_change(self._moved)
                self._moved = set()
            if not self._is_ready:
                self._is_ready = True
                self._on_ready()
            if self._armed is not watched:
                former, self._armed = self._armed, watched
                changes |= next(former, set()) if former else set()
            if changes:
                self._on_change(changes)
            touched = changes & self.paths
            if touched or self._identities() != known:
                return touched
        return set()

    def _changes(self, existing: list[str]) -> Watch:
        """Yield changed paths, or an empty set, several times a second."""
        from watchfiles import Change, watch  # late: it costs memory and time

        if not existing:
            while not self._closed.wait(CHECK_INTERVAL):
                yield set()
            return
        for changes in watch(
            *existing,
            watch_filter=None,
            debounce=2 * BATCH_DELAY,
            step=BATCH_DELAY,
            rust_timeout=int(CHECK_INTERVAL * 1000),
            yield_on_timeout=True,
            stop_event=self._closed,
            raise_interrupt=False,
            ignore_permission_denied=True,
            force_polling=self._polls or None,  # None: as WATCHFILES_FORCE_POLLING says
            poll_delay_ms=POLL_INTERVAL,
        ):
            # Why: polling also reports the directory in which a file has appeared.
            yield {path for kind, path in changes if kind is not Change.modified or not os.path.isdir(path)}

    def _make_room(self, former: Watch | None, error: Exception) -> None:
        """Do without the former watches, which count too if there is a limit, or else without the kernel."""
        if former and self._armed is former:
            self._disarm()
        else:
            self._fall_back_to_polling(error)

    def _disarm(self) -> None:
        if self._armed:
            self._armed.close()
        self._armed = None

    def _fall_back_to_polling(self, error: Exception) -> None:
        """Scan all files instead, if the kernel cannot report changes, such as when its limit of watches is reached."""
        if self._polls:
            self._closed.wait(POLL_INTERVAL / 1000)
        else:
            hint = "scanning all files every second instead; raise fs.inotify.max_user_watches?"
            logger.warning("cannot watch files: %s; %s", error, hint)
        self._polls = True

    def _identities(self) -> dict[str, FileIdentity]:
        return {path: file_identity(path) for path in self.paths}


def undecodable_paths(error: Exception) -> set[str]:
    """Return the changed file that watchfiles could not name because the name is not UTF-8; its bytes are escaped."""
    return {*_UNDECODABLE.findall(str(error))}


def file_identity(path: str) -> FileIdentity:
    """Return device and inode, or None if there is no such file."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
