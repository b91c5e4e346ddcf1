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

READ = 256 << 10
"""Bytes read at once from one pipe."""
HOT = 16 << 10
"""Bytes read at once from one pipe, a quarter of what it holds, that are a flood."""
WIDEST = 1 << 20
"""Bytes that the pipe of the first flood holds; those of others hold as much as is read at once. Who writes to it is
then woken far less often, and that costs more than the bytes themselves."""
MOST_WIDE = 32
"""Pipes that are wider, until they are closed: all pipes of a user together have a limit."""
EBB = 0.02
"""Seconds in which a flood that is over gives less than HOT."""
_PATIENCE = 0.003  # seconds to wait for more, while others may want something written
_REST = 0.001  # seconds without reading after a little was read: many lines are one wake-up
_AT_ONCE = 4  # pipes that are read before what they gave is written


class Sink(Protocol):
    """Where the bytes of one pipe go. It is fed by one thread at a time, the loop's or the one that writes."""

    def feed(self, data: bytes) -> bool:
        """Takes it in any case. False: the next should wait until `may_come`."""

    def may_come(self) -> bool: ...

    def end(self) -> None:
        """There is no more."""


GiveBack = Callable[[Exception | None], None]
"""Takes the error that the sink has raised."""


class _Flood:
    def __init__(self, sink: Sink, give_back: GiveBack) -> None:
        self.sink = sink
        self.give_back = give_back
        self.given = HOT  # bytes since the last look for the ebb


class Floods:
    """The pipes that are read by `pull`, in the thread that writes. `is_stuck` tells that it stands still.

    Whoever reads a pipe that may be here, or feeds the sink of one, holds `lock`: it is never held while anything is
    written. `wake` is called when there is one more flood.
    """

    def __init__(self, is_stuck: Callable[[], bool], wake: Callable[[], None]) -> None:
        self.lock = threading.Lock()
        self.is_stuck = is_stuck
        self._wake = wake
        self._floods: dict[int, _Flood] = {}
        self._pipes = select.epoll()
        self._wide: set[int] = set()
        self._ebb_at = 0.0

    def __bool__(self) -> bool:
        return bool(self._floods)

    def add(self, fd: int, sink: Sink, give_back: GiveBack) -> None:
        """Reads this pipe from now on. When it ebbs, ends or has to wait, it is left and `give_back` is called, in the
        thread that writes. OSError where the system cannot watch it."""
        with self.lock:
            self._pipes.register(fd, select.EPOLLIN)
            self._floods[fd] = _Flood(sink, give_back)
        self._wake()

    def remove(self, fd: int) -> bool:
        """Leaves the pipe, and tells whether it was here. Nothing of it is being read or fed any more."""
        with self.lock:
            return self._remove(fd)

    def widen(self, fd: int) -> None:
        """Makes the pipe of a flood hold more, here or not, if few do and the system lets it."""
        if fd not in self._wide and len(self._wide) < MOST_WIDE:
            with suppress(OSError):
                fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, READ if self._wide else WIDEST)
            self._wide.add(fd)

    def forget(self, fd: int) -> None:
        """Its pipe is going to be closed."""
        self._wide.discard(fd)

    def pull(self) -> bool:
        """Feeds what has come, and waits a little for it. False: there is no flood."""
        if not self._floods:
            return False
        total = 0
        ready = self._pipes.poll(_PATIENCE, _AT_ONCE)
        for fd, _ in ready:
            with self.lock:
                total += self._read(fd)
        if len(ready) < _AT_ONCE:  # all had their turn
            self._give_back_what_ebbs()
        if 0 < total < HOT:
            time.sleep(_REST)
        return True

    def close(self) -> None:
        """To be called when nobody pulls any more."""
        self._pipes.close()

    def _read(self, fd: int) -> int:
        flood = self._floods.get(fd)
        if not flood:
            return 0  # removed since it was found ready
        data = read(fd)
        if data is None:
            return 0
        flood.given += len(data)
        try:
            if not data or not flood.sink.feed(data):
                self._give_back(fd)
        except Exception as error:
            self._give_back(fd, error)
        return len(data)

    def _give_back_what_ebbs(self) -> None:
        now = time.monotonic()
        if now < self._ebb_at:
            return
        self._ebb_at = now + EBB
        with self.lock:
            for fd, flood in list(self._floods.items()):
                if flood.given < HOT:
                    self._give_back(fd)
                flood.given = 0

    def _give_back(self, fd: int, error: Exception | None = None) -> None:
        give_back = self._floods[fd].give_back
        self._remove(fd)
        give_back(error)

    def _remove(self, fd: int) -> bool:
        if not self._floods.pop(fd, None):
            return False
        self._pipes.unregister(fd)
        return True


def read(fd: int) -> bytes | None:
    """What has come, READ bytes at most; empty at the end, None when nothing has come.

    It asks first how much that is: a read that gives less than it has room for leaves a hole in the heap.
    """
    try:
        there = int.from_bytes(fcntl.ioctl(fd, termios.FIONREAD, bytes(4)), sys.byteorder)
        return os.read(fd, min(there, READ) or 1)
    except BlockingIOError:
        return None
    except OSError:
        return b""
