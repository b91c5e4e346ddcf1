"""The thread that is told by the system what changes below some paths.

watchfiles goes silent for ever, without an error, when a watched folder is removed and made again, and after a watched
file is replaced. So the paths themselves are looked at several times a second, and what has become another folder or
file, or is there at last, is watched anew.
"""

import logging
import os
import re
import threading
from collections.abc import Callable, Iterable

logger = logging.getLogger(__name__)
CHECK_INTERVAL = 0.2
"""Seconds between two looks at the paths themselves."""
BATCH_DELAY = 50
"""Milliseconds without a change, or of changes, after which they are told of."""
POLL_INTERVAL = 1000
"""Milliseconds between two looks at all files, where the system cannot tell."""

_UNDECODABLE = re.compile('Unable to decode path "(.*)" to string', re.DOTALL)

FileIdentity = tuple[int, int] | None


class FileWatcher:
    """Watches from now on, until it is closed. `tell` and `armed` are called in its thread.

    `tell` gets the paths that have changed; also a watched one that has come, gone, or become another file. `armed`
    is called once, when nothing can escape it any more.
    """

    def __init__(
        self,
        paths: Iterable[str],
        tell: Callable[[set[str]], None],
        armed: Callable[[], None],
    ) -> None:
        self.paths = frozenset(paths)
        self._on_change = tell
        self._on_ready = armed
        self._polls = False
        self._is_ready = False
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def close(self) -> None:
        """Nothing more is watched; what was seen may still be told."""
        self._closed.set()

    def join(self) -> None:
        """Returns when the thread has ended: soon after `close`."""
        self._thread.join()

    def _run(self) -> None:
        known = self._identities()
        moved: set[str] = set()
        while not self._closed.is_set():
            there = sorted(path for path, identity in known.items() if identity)
            try:
                touched = self._watch(there, known, moved)
            except FileNotFoundError:  # it has gone since
                touched = set()
            except (OSError, RuntimeError) as error:
                touched = undecodable_paths(error)
                if not touched:
                    self._fall_back_to_polling(error)
            now = self._identities()
            moved = touched | {path for path in self.paths if now[path] != known[path]}
            known = now

    def _watch(self, there: list[str], known: dict[str, FileIdentity], moved: set[str]) -> set[str]:
        """Returns when the system may have lost a path, with those of which it told: they may be other ones now.

        A folder that is removed and made again can have the number of the old one.
        """
        for changes in self._changes(there):
            if moved:
                self._on_change(moved)
                moved = set()
            if not self._is_ready:
                self._is_ready = True
                self._on_ready()
            if changes:
                self._on_change(changes)
            touched = changes & self.paths
            if touched or self._identities() != known:
                return touched
        return set()

    def _changes(self, there: list[str]) -> Iterable[set[str]]:
        """What changes, or nothing, several times a second."""
        from watchfiles import watch  # not before something is watched: it takes memory and time

        if not there:
            while not self._closed.wait(CHECK_INTERVAL):
                yield set()
            return
        for changes in watch(
            *there,
            watch_filter=None,
            debounce=2 * BATCH_DELAY,
            step=BATCH_DELAY,
            rust_timeout=int(CHECK_INTERVAL * 1000),
            yield_on_timeout=True,
            stop_event=self._closed,
            raise_interrupt=False,
            ignore_permission_denied=True,
            force_polling=self._polls,
            poll_delay_ms=POLL_INTERVAL,
        ):
            yield {path for _, path in changes}

    def _fall_back_to_polling(self, error: Exception) -> None:
        """Where the system cannot tell (its limit of watches is reached), all files are looked at again and again."""
        if self._polls:
            self._closed.wait(POLL_INTERVAL / 1000)
        else:
            hint = "all files are looked at every second instead (is fs.inotify.max_user_watches too low?)"
            logger.warning("cannot be told of changed files: %s: %s", error, hint)
        self._polls = True

    def _identities(self) -> dict[str, FileIdentity]:
        return {path: file_identity(path) for path in self.paths}


def undecodable_paths(error: Exception) -> set[str]:
    """The changed file that watchfiles cannot tell, for its name is not UTF-8, with its bytes written out."""
    return {*_UNDECODABLE.findall(str(error))}


def file_identity(path: str) -> FileIdentity:
    """What tells one file or folder from another that has taken its place; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
