"""Reads the pipes of all processes in the loop's thread, unless many of them carry a lot of output.

All pipes are in one epoll, and that is in the loop: one callback serves all that are ready. After reading little, the
loop does not listen for a moment, so that thousands of single lines a second are a few wake-ups. Bulk output is read on
at once; if there are many such pipes, the writer's thread takes over. Silent processes cost no timer and no wake-up.
"""

import asyncio
import os
import select
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from pmtui.logs.capture.bulk_reader import (
    BULK_CHECK_INTERVAL,
    BULK_THRESHOLD,
    MAX_PIPE_BYTES,
    BulkReader,
    Sink,
    read_available,
    read_terminal,
)

IDLE_DELAY = 0.02
"""Seconds without listening after little was read."""
MIN_BULK_PIPES = 3
"""Bulk pipes at the same time from which the writer's thread reads them. A single one is read faster here, while the
other thread writes; with many, every processor is busy, and one thread for both costs half as much."""
CHECK_INTERVAL = 0.1
"""Seconds between checks that the writer's thread does not stand still while it has pipes to read."""
RESUME_CHECK_INTERVAL = 0.003
"""Seconds between checks whether a paused pipe may be read again."""
ORPHAN_PIPE_TIMEOUT = 0.5
"""Seconds for which the pipe of an ended process is read while another one still holds it."""
TERMINAL_BYTES = 4095
"""Bytes that a terminal gives at once while there is more."""
TERMINAL_PAUSE = 0.002
"""Seconds without listening to such a terminal. Why: it holds a sixteenth of what a pipe holds, so that reading on at
once would cost a sixteenth of the output per wake-up."""
_MALLOC_HINT_BYTES = 16 << 20
# Why: freeing a block this large makes glibc keep freed memory up to that size. Otherwise page faults are a third of
# the CPU time of bulk output. It must be more than what waits for the disk.
_MAX_DRAIN_BYTES = MAX_PIPE_BYTES + 1  # bytes read from one pipe by `finish`: all that it can hold, and its end


class _Ending:
    """The open pipes of a process that has ended."""

    def __init__(self, fds: set[int], done: Callable[[], None]) -> None:
        self.fds = fds
        self.done = done
        self.timer: asyncio.TimerHandle | None = None


class PipeReader:
    """Reads every pipe passed to `follow` and feeds it to its sink, until `finish` closes it.

    With a `bulk_reader`, sinks may also be fed in the writer's thread.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, bulk_reader: BulkReader | None = None) -> None:
        bytes(_MALLOC_HINT_BYTES)
        self._loop = loop
        self._bulk_reader = bulk_reader
        self._lock = bulk_reader.lock if bulk_reader is not None else threading.Lock()
        self._pipes = select.epoll()
        self._listened: set[int] = set()
        self._sinks: dict[int, Sink] = {}
        self._terminals: set[int] = set()
        self._endings: dict[int, _Ending] = {}
        self._paused: set[int] = set()
        self._check_timer: asyncio.TimerHandle | None = None
        self._resume_timer: asyncio.TimerHandle | None = None
        self._listen_timer: asyncio.TimerHandle | None = None
        self._bulk_seen_at: dict[int, float] = {}  # when each last carried a lot
        self._bulk_until = 0.0
        self._bulk_bytes = 0
        loop.add_reader(self._pipes.fileno(), self._serve)

    def follow(self, fd: int, sink: Sink, *, is_terminal: bool = False) -> None:
        """Read the non-blocking end of a pipe or of a terminal from now on, and own it."""
        self._sinks[fd] = sink
        if is_terminal:
            self._terminals.add(fd)
        self.resume(fd)

    def finish(self, fds: Sequence[int], done: Callable[[], None]) -> None:
        """Read the rest of an ended process, close its pipes and call `done`; if possible, all in this call.

        A pipe that another process still holds is read for ORPHAN_PIPE_TIMEOUT seconds.
        """
        ending = _Ending(set(fds), done)
        self._endings |= dict.fromkeys(fds, ending)
        if not fds:
            done()
        for fd in fds:
            self._reclaim(fd)
            self._drain(fd)
        if ending.fds:
            ending.timer = self._loop.call_later(ORPHAN_PIPE_TIMEOUT, self._expire, ending)

    def pause(self, fd: int) -> None:
        """Leave the pipe unread, so that its process waits once it is full."""
        if self._bulk_reader is not None:
            self._bulk_reader.remove(fd)
        self._unlisten(fd)

    def resume(self, fd: int) -> None:
        if fd in self._listened:
            return
        self._listened.add(fd)
        if fd in self._terminals:
            self._loop.add_reader(fd, self._serve_terminal, fd)
        else:
            self._pipes.register(fd, select.EPOLLIN)

    def close(self) -> None:
        self._loop.remove_reader(self._pipes.fileno())
        for fd in self._sinks:
            self.pause(fd)
        timers = (self._listen_timer, self._resume_timer, self._check_timer)
        for timer in (*timers, *(ending.timer for ending in self._endings.values())):
            if timer:
                timer.cancel()
        for fd in self._sinks:
            os.close(fd)
        self._sinks.clear()
        self._pipes.close()

    def _serve(self) -> None:
        """Read every pipe that is ready once, and decide when to listen again."""
        biggest = total = 0
        for fd, _ in self._pipes.poll(0):
            size = self._read(fd)
            total += size
            biggest = max(biggest, size)
        if self._is_bulk(biggest, total) or not total:
            self._listen()
        else:
            self._listen_later()

    def _serve_terminal(self, fd: int) -> None:
        """Read a terminal. Why not with the pipes: an echo is expected at once, not after IDLE_DELAY."""
        size = self._read(fd)
        if size >= TERMINAL_BYTES and fd in self._listened:
            self._unlisten(fd)
            self._loop.call_later(TERMINAL_PAUSE, self._resume_terminal, fd, self._sinks[fd])

    def _resume_terminal(self, fd: int, sink: Sink) -> None:
        if self._sinks.get(fd) is sink and fd not in self._paused:
            self.resume(fd)

    def _is_bulk(self, biggest: int, total: int) -> bool:
        """Return whether a pipe was found a quarter full, or has delivered as much in small pieces since then."""
        now = self._loop.time()
        if now < self._bulk_until:
            self._bulk_bytes += total
        if biggest >= BULK_THRESHOLD or self._bulk_bytes >= BULK_THRESHOLD:
            self._bulk_until = now + IDLE_DELAY
            self._bulk_bytes = 0
        return now < self._bulk_until

    def _listen(self) -> None:
        if self._listen_timer:
            self._listen_timer = None
            self._loop.add_reader(self._pipes.fileno(), self._serve)

    def _listen_later(self) -> None:
        if not self._listen_timer:
            self._loop.remove_reader(self._pipes.fileno())
        self._listen_timer = self._loop.call_later(IDLE_DELAY, self._serve)

    def _read(self, fd: int) -> int:
        sink = self._sinks.get(fd)
        if not sink:
            return 0  # closed since it was found ready
        with self._lock:
            chunk = read_terminal(fd) if fd in self._terminals else read_available(fd)
            has_room = not chunk or sink.feed(chunk)
        if chunk is None:
            return 0
        if not chunk:
            self._finish_pipe(fd)
        elif not has_room:
            self._pause(fd)
        elif len(chunk) >= BULK_THRESHOLD and fd not in self._terminals:
            self._hand_over(fd, sink)
        return len(chunk)

    def _hand_over(self, fd: int, sink: Sink) -> None:
        """Let the writer's thread read the pipe if there are many, the disk moves and the process is alive."""
        if self._bulk_reader is None or fd in self._endings:
            return
        self._bulk_reader.widen(fd)
        if not self._has_many_bulk_pipes(fd) or self._bulk_reader.is_stuck():
            return
        self._unlisten(fd)
        try:
            self._bulk_reader.add(fd, sink, partial(self._on_release, fd, sink))
        except OSError:
            self.resume(fd)
            return
        if not self._check_timer:
            self._check_timer = self._loop.call_later(CHECK_INTERVAL, self._check_bulk_reader)

    def _has_many_bulk_pipes(self, fd: int) -> bool:
        now = self._loop.time()
        self._bulk_seen_at[fd] = now
        return (
            bool(self._bulk_reader)
            or sum(now - at < BULK_CHECK_INTERVAL for at in self._bulk_seen_at.values()) >= MIN_BULK_PIPES
        )

    def _on_release(self, fd: int, sink: Sink, error: Exception | None) -> None:
        # In the writer's thread.
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._resume_released, fd, sink, error)

    def _resume_released(self, fd: int, sink: Sink, error: Exception | None) -> None:
        if self._sinks.get(fd) is sink:  # else it has been closed, and another pipe may have its number
            if sink.has_room():
                self.resume(fd)
            else:
                self._pause(fd)
        if error:
            raise error

    def _check_bulk_reader(self) -> None:
        self._check_timer = None
        if not self._bulk_reader:
            return
        if self._bulk_reader.is_stuck():
            for fd in self._sinks:
                self._reclaim(fd)
        else:
            self._check_timer = self._loop.call_later(CHECK_INTERVAL, self._check_bulk_reader)

    def _reclaim(self, fd: int) -> None:
        if self._bulk_reader and self._bulk_reader.remove(fd):
            self.resume(fd)

    def _unlisten(self, fd: int) -> None:
        if fd in self._listened:
            self._listened.discard(fd)
            if fd in self._terminals:
                self._loop.remove_reader(fd)
            else:
                self._pipes.unregister(fd)

    def _finish_pipe(self, fd: int) -> None:
        self.pause(fd)
        self._paused.discard(fd)
        with self._lock:
            self._sinks[fd].feed_eof()
        if ending := self._endings.pop(fd, None):
            del self._sinks[fd]
            self._terminals.discard(fd)
            self._bulk_seen_at.pop(fd, None)
            if self._bulk_reader is not None:
                self._bulk_reader.forget(fd)
            os.close(fd)
            ending.fds.discard(fd)
            if not ending.fds:
                if ending.timer:
                    ending.timer.cancel()
                ending.done()

    def _drain(self, fd: int) -> None:
        left = _MAX_DRAIN_BYTES
        while left > 0 and (size := self._read(fd)):
            left -= size

    def _expire(self, ending: _Ending) -> None:
        for fd in list(ending.fds):
            self._drain(fd)
            if fd in ending.fds:
                self._finish_pipe(fd)

    def _pause(self, fd: int) -> None:
        self.pause(fd)
        self._paused.add(fd)
        if not self._resume_timer:
            self._resume_timer = self._loop.call_later(RESUME_CHECK_INTERVAL, self._resume_paused)

    def _resume_paused(self) -> None:
        self._resume_timer = None
        for fd in list(self._paused):
            if self._sinks[fd].has_room():
                self._paused.discard(fd)
                self.resume(fd)
        if self._paused:
            self._resume_timer = self._loop.call_later(RESUME_CHECK_INTERVAL, self._resume_paused)
