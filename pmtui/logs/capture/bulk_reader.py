"""Reads pipes in the writer's thread when many of them carry a lot of output.

No thread has to be woken between reading and writing, the data is still in the processor's cache when it is written,
and the loop is not involved. If the disk stalls, the pipes go back to the loop, which never waits for a disk.
"""

import fcntl
import os
import select
import sys
import termios
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

MAX_READ_BYTES = 256 << 10
"""Bytes read at once from one pipe."""
BULK_THRESHOLD = 16 << 10
"""Bytes in one read, a quarter of what a pipe holds, that make it a bulk pipe."""
MAX_PIPE_BYTES = 1 << 20
"""Size of the first bulk pipe; the others hold one read. A process that writes to a larger pipe is woken less often,
and waking it costs more than the bytes themselves."""
MAX_WIDE_PIPES = 32
"""Pipes that may be larger until they are closed; the system limits the pipes of a user in total."""
MAX_TERMINAL_BYTES = 64 << 10
"""Bytes read at once from one terminal."""
BULK_CHECK_INTERVAL = 0.02
"""Seconds in which a bulk pipe has to deliver BULK_THRESHOLD to stay one."""
_POLL_TIMEOUT = 0.003  # seconds to wait for more before writing what waits
_IDLE_DELAY = 0.001  # seconds without reading after little was read: one wake-up for many lines
_BATCH_SIZE = 4  # pipes that are read before their output is written


class Sink(Protocol):
    """Takes the bytes of one pipe, from one thread at a time: the loop's or the writer's."""

    def feed(self, data: bytes) -> bool:
        """Take the data. False asks the caller to wait for `has_room` before the next."""

    def has_room(self) -> bool: ...

    def feed_eof(self) -> None: ...


OnRelease = Callable[[Exception | None], None]
"""Called with the error that the sink raised, if any."""


class _BulkPipe:
    def __init__(self, sink: Sink, on_release: OnRelease) -> None:
        self.sink = sink
        self.on_release = on_release
        self.recent_bytes = BULK_THRESHOLD  # since the last check for idle pipes


class BulkReader:
    """Reads its pipes in `pull`, which the writer's thread calls; `wake` is called when there is one more.

    `lock` is held to read one of these pipes or feed its sink, and never while anything is written. `is_stuck` returns
    whether the writer's thread stands still.
    """

    def __init__(self, lock: threading.Lock, is_stuck: Callable[[], bool], wake: Callable[[], None]) -> None:
        self.lock = lock
        self.is_stuck = is_stuck
        self._wake = wake
        self._bulk_pipes: dict[int, _BulkPipe] = {}
        self._pipes = select.epoll()
        self._wide: set[int] = set()
        self._next_check = 0.0

    def __bool__(self) -> bool:
        return bool(self._bulk_pipes)

    def add(self, fd: int, sink: Sink, on_release: OnRelease) -> None:
        """Read this pipe until it is idle, at its end or has to wait; then call `on_release` in the writer's thread.

        Raises OSError if the system cannot watch the pipe.
        """
        with self.lock:
            self._pipes.register(fd, select.EPOLLIN)
            self._bulk_pipes[fd] = _BulkPipe(sink, on_release)
        self._wake()

    def remove(self, fd: int) -> bool:
        """Stop reading the pipe, and return whether it was read here."""
        with self.lock:
            return self._remove(fd)

    def widen(self, fd: int) -> None:
        """Enlarge a bulk pipe, no matter which thread reads it, if not too many are and the system permits it."""
        if fd not in self._wide and len(self._wide) < MAX_WIDE_PIPES:
            with suppress(OSError):
                fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, MAX_READ_BYTES if self._wide else MAX_PIPE_BYTES)
            self._wide.add(fd)

    def forget(self, fd: int) -> None:
        """The pipe is about to be closed."""
        self._wide.discard(fd)

    def pull(self) -> bool:
        """Wait a little for output and feed it to the sinks. Return False if there are no pipes here."""
        if not self._bulk_pipes:
            return False
        total = 0
        ready = self._pipes.poll(_POLL_TIMEOUT, _BATCH_SIZE)
        for fd, _ in ready:
            with self.lock:
                total += self._read(fd)
        if len(ready) < _BATCH_SIZE:  # all have had their turn
            self._release_idle()
        if 0 < total < BULK_THRESHOLD:
            time.sleep(_IDLE_DELAY)
        return True

    def close(self) -> None:
        """Close the epoll; `pull` must not be called any more."""
        self._pipes.close()

    def _read(self, fd: int) -> int:
        pipe = self._bulk_pipes.get(fd)
        if not pipe:
            return 0  # removed since it was found ready
        data = read_available(fd)
        if data is None:
            return 0
        pipe.recent_bytes += len(data)
        try:
            if not data or not pipe.sink.feed(data):
                self._release(fd)
        except Exception as error:
            self._release(fd, error)
        return len(data)

    def _release_idle(self) -> None:
        now = time.monotonic()
        if now < self._next_check:
            return
        self._next_check = now + BULK_CHECK_INTERVAL
        with self.lock:
            for fd, pipe in list(self._bulk_pipes.items()):
                if pipe.recent_bytes < BULK_THRESHOLD:
                    self._release(fd)
                pipe.recent_bytes = 0

    def _release(self, fd: int, error: Exception | None = None) -> None:
        on_release = self._bulk_pipes[fd].on_release
        self._remove(fd)
        on_release(error)

    def _remove(self, fd: int) -> bool:
        if not self._bulk_pipes.pop(fd, None):
            return False
        self._pipes.unregister(fd)
        return True


def read_terminal(fd: int) -> bytes | None:
    """Read what a terminal holds, which comes in small pieces. Return as `read_available` does."""
    chunks: list[bytes] = []
    size = 0
    while size < MAX_TERMINAL_BYTES and (chunk := read_available(fd)):
        chunks.append(chunk)
        size += len(chunk)
    return b"".join(chunks) or chunk


def read_available(fd: int) -> bytes | None:
    """Read at most MAX_READ_BYTES. Return b"" at the end, None if nothing is available."""
    try:
        # Why ask first: a read that returns less than it has room for leaves a hole in the heap.
        available = int.from_bytes(fcntl.ioctl(fd, termios.FIONREAD, bytes(4)), sys.byteorder)
        return os.read(fd, min(available, MAX_READ_BYTES) or 1)
    except BlockingIOError:
        return None
    except OSError:
        return b""
