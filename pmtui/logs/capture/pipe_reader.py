"""The pipes of all processes, read in the loop's thread unless many of them flood.

All pipes are in one epoll, and that in the loop: one callback serves all that is ready. After a little was read the
loop does not listen for a moment, so that thousands of single lines a second are a few wake-ups; a flood is read on at
once, and many go to the thread that writes. When nothing is written there is no timer and no wake-up.
"""

import asyncio
import os
import select
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from pmtui.logs.capture.bulk_reader import EBB, HOT, WIDEST, Floods, Sink, read

REST = 0.02
"""Seconds without listening after a little was read."""
MANY = 3
"""Floods at the same time from which on the thread that writes reads them. One is faster read here while the other
thread writes; of many each processor has enough to do, and what one thread does alone costs half as much."""
LOOK = 0.1
"""Seconds between two looks whether the thread that reads the floods stands still."""
HOLD = 0.003
"""Seconds between two looks whether a pipe that was held back may be read again."""
STRANGER = 0.5
"""Seconds for which the pipe of an ended process is read while somebody else holds it."""
_FREED = 16 << 20
# glibc keeps what is freed if it once freed more than this at once; without that, page faults are a third of the CPU of
# a flood. It must be more than what waits for the disk.
_SWEEP = WIDEST + 1  # bytes read from one pipe within `finish`: all that it can hold, and its end


class _Ending:
    """The pipes of a process that is gone, as long as one is open."""

    def __init__(self, fds: set[int], done: Callable[[], None]) -> None:
        self.fds = fds
        self.done = done
        self.timer: asyncio.TimerHandle | None = None


class Pump:
    """Reads what was given to `follow` and feeds it to its sink, until `finish` closes it.

    With `floods` a sink may be fed in the thread that writes; without, all is read in the loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, floods: Floods | None = None) -> None:
        bytes(_FREED)
        self._loop = loop
        self._floods = floods
        self._lock = floods.lock if floods is not None else threading.Lock()
        self._pipes = select.epoll()
        self._listened: set[int] = set()
        self._sinks: dict[int, Sink] = {}
        self._endings: dict[int, _Ending] = {}
        self._held: set[int] = set()
        self._look_timer: asyncio.TimerHandle | None = None
        self._hold_timer: asyncio.TimerHandle | None = None
        self._rest_timer: asyncio.TimerHandle | None = None
        self._floods_here: dict[int, float] = {}  # when each was last found to flood
        self._hot_until = 0.0
        self._hot_bytes = 0
        loop.add_reader(self._pipes.fileno(), self._serve)

    def follow(self, fd: int, sink: Sink) -> None:
        """Reads the non-blocking end of a pipe from now on, and owns it."""
        self._sinks[fd] = sink
        self.resume(fd)

    def finish(self, fds: Sequence[int], done: Callable[[], None]) -> None:
        """The process is gone: reads the rest, closes, calls `done`; all in this call if the ends are there already.

        A pipe that a stranger still holds is read for half a second.
        """
        ending = _Ending(set(fds), done)
        self._endings |= dict.fromkeys(fds, ending)
        if not fds:
            done()
        for fd in fds:
            self._take_back(fd)
            self._sweep(fd)
        if ending.fds:
            ending.timer = self._loop.call_later(STRANGER, self._expire, ending)

    def pause(self, fd: int) -> None:
        """Leaves the pipe unread: its writer waits once it is full."""
        if self._floods is not None:
            self._floods.remove(fd)
        self._ignore(fd)

    def resume(self, fd: int) -> None:
        if fd not in self._listened:
            self._listened.add(fd)
            self._pipes.register(fd, select.EPOLLIN)

    def close(self) -> None:
        """Lets go of all pipes, unread."""
        self._loop.remove_reader(self._pipes.fileno())
        for fd in self._sinks:
            self.pause(fd)
        timers = (self._rest_timer, self._hold_timer, self._look_timer)
        for timer in (*timers, *(ending.timer for ending in self._endings.values())):
            if timer:
                timer.cancel()
        for fd in self._sinks:
            os.close(fd)
        self._sinks.clear()
        self._pipes.close()

    def _serve(self) -> None:
        """Reads every pipe that is ready once, and decides when to look again."""
        biggest = total = 0
        for fd, _ in self._pipes.poll(0):
            size = self._read(fd)
            total += size
            biggest = max(biggest, size)
        if self._is_flood(biggest, total) or not total:
            self._listen()
        else:
            self._rest()

    def _is_flood(self, biggest: int, total: int) -> bool:
        """One pipe was found a quarter full, or has given as much in small pieces since then."""
        now = self._loop.time()
        if now < self._hot_until:
            self._hot_bytes += total
        if biggest >= HOT or self._hot_bytes >= HOT:
            self._hot_until = now + REST
            self._hot_bytes = 0
        return now < self._hot_until

    def _listen(self) -> None:
        if self._rest_timer:
            self._rest_timer = None
            self._loop.add_reader(self._pipes.fileno(), self._serve)

    def _rest(self) -> None:
        if not self._rest_timer:
            self._loop.remove_reader(self._pipes.fileno())
        self._rest_timer = self._loop.call_later(REST, self._serve)

    def _read(self, fd: int) -> int:
        """Reads once and gives how much that was. At the end the pipe is closed if it is to be finished, else left."""
        sink = self._sinks.get(fd)
        if not sink:
            return 0  # closed since it was found ready
        with self._lock:
            chunk = read(fd)
            has_room = not chunk or sink.feed(chunk)
        if chunk is None:
            return 0
        if not chunk:
            self._end(fd)
        elif not has_room:
            self._hold(fd)
        elif len(chunk) >= HOT:
            self._give_away(fd, sink)
        return len(chunk)

    def _give_away(self, fd: int, sink: Sink) -> None:
        """The thread that writes reads it, if there are many, that thread moves and the process lives."""
        if self._floods is None or fd in self._endings:
            return
        self._floods.widen(fd)
        if not self._are_many(fd) or self._floods.is_stuck():
            return
        self._ignore(fd)
        try:
            self._floods.add(fd, sink, partial(self._give_back, fd, sink))
        except OSError:
            self.resume(fd)
            return
        if not self._look_timer:
            self._look_timer = self._loop.call_later(LOOK, self._look_at_floods)

    def _are_many(self, fd: int) -> bool:
        now = self._loop.time()
        self._floods_here[fd] = now
        return bool(self._floods) or sum(now - at < EBB for at in self._floods_here.values()) >= MANY

    def _give_back(self, fd: int, sink: Sink, error: Exception | None) -> None:
        """In the thread that writes."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._listen_again, fd, sink, error)

    def _listen_again(self, fd: int, sink: Sink, error: Exception | None) -> None:
        """It was given back. By now it may be closed, and another pipe have its number."""
        if self._sinks.get(fd) is sink:
            if sink.may_come():
                self.resume(fd)
            else:
                self._hold(fd)
        if error:
            raise error

    def _look_at_floods(self) -> None:
        """What the other thread cannot read, because its disk stands still, is read here."""
        self._look_timer = None
        if not self._floods:
            return
        if self._floods.is_stuck():
            for fd in self._sinks:
                self._take_back(fd)
        else:
            self._look_timer = self._loop.call_later(LOOK, self._look_at_floods)

    def _take_back(self, fd: int) -> None:
        if self._floods and self._floods.remove(fd):
            self.resume(fd)

    def _ignore(self, fd: int) -> None:
        if fd in self._listened:
            self._listened.discard(fd)
            self._pipes.unregister(fd)

    def _end(self, fd: int) -> None:
        self.pause(fd)
        self._held.discard(fd)
        with self._lock:
            self._sinks[fd].end()
        if ending := self._endings.pop(fd, None):
            del self._sinks[fd]
            self._floods_here.pop(fd, None)
            if self._floods is not None:
                self._floods.forget(fd)
            os.close(fd)
            ending.fds.discard(fd)
            if not ending.fds:
                if ending.timer:
                    ending.timer.cancel()
                ending.done()

    def _sweep(self, fd: int) -> None:
        """Reads what the pipe holds, full as it may be."""
        left = _SWEEP
        while left > 0 and (size := self._read(fd)):
            left -= size

    def _expire(self, ending: _Ending) -> None:
        for fd in list(ending.fds):
            self._sweep(fd)
            if fd in ending.fds:
                self._end(fd)

    def _hold(self, fd: int) -> None:
        self.pause(fd)
        self._held.add(fd)
        if not self._hold_timer:
            self._hold_timer = self._loop.call_later(HOLD, self._look_at_held)

    def _look_at_held(self) -> None:
        """Reads on where there is room again."""
        self._hold_timer = None
        for fd in list(self._held):
            if self._sinks[fd].may_come():
                self._held.discard(fd)
                self.resume(fd)
        if self._held:
            self._hold_timer = self._loop.call_later(HOLD, self._look_at_held)
