"""Floods: pipes that give so much, and so many of them, that the thread which writes the logs reads them itself.

So nobody has to be woken between reading and writing, what is written is still in the processor's cache, and the loop
has nothing to do with it. A disk that stands still gives the pipes back to the loop, which never waits for one.
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
"""Bytes read at once from one pipe, a quarter of what it holds, that are a flood."""
MAX_PIPE_BYTES = 1 << 20
"""Bytes that the pipe of the first flood holds; those of others hold as much as is read at once. Who writes to it is
then woken far less often, and that costs more than the bytes themselves."""
MAX_WIDE_PIPES = 32
"""Pipes that are wider, until they are closed: all pipes of a user together have a limit."""
BULK_CHECK_INTERVAL = 0.02
"""Seconds in which a flood that is over gives less than HOT."""
_POLL_TIMEOUT = 0.003  # seconds to wait for more, while others may want something written
_IDLE_DELAY = 0.001  # seconds without reading after a little was read: many lines are one wake-up
_BATCH_SIZE = 4  # pipes that are read before what they gave is written


class Sink(Protocol):
    """Where the bytes of one pipe go. It is fed by one thread at a time, the loop's or the one that writes."""

    def feed(self, data: bytes) -> bool:
        """Takes it in any case. False: the next should wait until `may_come`."""

    def has_room(self) -> bool: ...

    def feed_eof(self) -> None:
        """There is no more."""


OnRelease = Callable[[Exception | None], None]
"""Takes the error that the sink has raised."""


class _BulkPipe:
    def __init__(self, sink: Sink, give_back: OnRelease) -> None:
        self.sink = sink
        self.on_release = give_back
        self.recent_bytes = BULK_THRESHOLD  # bytes since the last look for the ebb


class BulkReader:
    """The pipes that are read by `pull`, in the thread that writes. `is_stuck` tells that it stands still.

    Whoever reads a pipe that may be here, or feeds the sink of one, holds `lock`: it is never held while anything is
    written. `wake` is called when there is one more flood.
    """

    def __init__(self, is_stuck: Callable[[], bool], wake: Callable[[], None]) -> None:
        self.lock = threading.Lock()
        self.is_stuck = is_stuck
        self._wake = wake
        self._bulk_pipes: dict[int, _BulkPipe] = {}
        self._pipes = select.epoll()
        self._wide: set[int] = set()
        self._next_check = 0.0

    def __bool__(self) -> bool:
        return bool(self._bulk_pipes)

    def add(self, fd: int, sink: Sink, give_back: OnRelease) -> None:
        """Reads this pipe from now on. When it ebbs, ends or has to wait, it is left and `give_back` is called, in the
        thread that writes. OSError where the system cannot watch it."""
        with self.lock:
            self._pipes.register(fd, select.EPOLLIN)
            self._bulk_pipes[fd] = _BulkPipe(sink, give_back)
        self._wake()

    def remove(self, fd: int) -> bool:
        """Leaves the pipe, and tells whether it was here. Nothing of it is being read or fed any more."""
        with self.lock:
            return self._remove(fd)

    def widen(self, fd: int) -> None:
        """Makes the pipe of a flood hold more, here or not, if few do and the system lets it."""
        if fd not in self._wide and len(self._wide) < MAX_WIDE_PIPES:
            with suppress(OSError):
                fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, MAX_READ_BYTES if self._wide else MAX_PIPE_BYTES)
            self._wide.add(fd)

    def forget(self, fd: int) -> None:
        """Its pipe is going to be closed."""
        self._wide.discard(fd)

    def pull(self) -> bool:
        """Feeds what has come, and waits a little for it. False: there is no flood."""
        if not self._bulk_pipes:
            return False
        total = 0
        ready = self._pipes.poll(_POLL_TIMEOUT, _BATCH_SIZE)
        for fd, _ in ready:
            with self.lock:
                total += self._read(fd)
        if len(ready) < _BATCH_SIZE:  # all had their turn
            self._release_idle()
        if 0 < total < BULK_THRESHOLD:
            time.sleep(_IDLE_DELAY)
        return True

    def close(self) -> None:
        """To be called when nobody pulls any more."""
        self._pipes.close()

    def _read(self, fd: int) -> int:
        flood = self._bulk_pipes.get(fd)
        if not flood:
            return 0  # removed since it was found ready
        data = read_available(fd)
        if data is None:
            return 0
        flood.recent_bytes += len(data)
        try:
            if not data or not flood.sink.feed(data):
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
            for fd, flood in list(self._bulk_pipes.items()):
                if flood.recent_bytes < BULK_THRESHOLD:
                    self._release(fd)
                flood.recent_bytes = 0

    def _release(self, fd: int, error: Exception | None = None) -> None:
        give_back = self._bulk_pipes[fd].on_release
        self._remove(fd)
        give_back(error)

    def _remove(self, fd: int) -> bool:
        if not self._bulk_pipes.pop(fd, None):
            return False
        self._pipes.unregister(fd)
        return True


def read_available(fd: int) -> bytes | None:
    """What has come, READ bytes at most; empty at the end, None when nothing has come.

    It asks first how much that is: a read that gives less than it has room for leaves a hole in the heap.
    """
    try:
        there = int.from_bytes(fcntl.ioctl(fd, termios.FIONREAD, bytes(4)), sys.byteorder)
        return os.read(fd, min(there, MAX_READ_BYTES) or 1)
    except BlockingIOError:
        return None
    except OSError:
        return b""
