"""The output of a terminal as it comes, for viewers; without one, only its end is kept."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import suppress

from pmtui.control import TerminalEvent, TerminalOutput, TerminalSize
from pmtui.logs.capture.bulk_reader import Sink
from pmtui.terminal.sequences import TerminalModes, without_questions

MAX_TAIL_BYTES = 256 << 10
"""Bytes of output that a new viewer begins with."""
MAX_LINES_BYTES = 32 << 10
"""The same for one that prints lines, which takes longer to emulate than a screen that is drawn."""
SMALL_BYTES = 4 << 10
"""Bytes up to which pieces of output are kept as one."""
MAX_PENDING_BYTES = 128 << 10
"""Bytes that may wait for a viewer; what is older is then left out, except for modes."""
KEPT_BYTES = 4 << 10
"""Bytes that are left after that: a few screens of text."""
MAX_RATE, MAX_BURST = 128 << 10, 256 << 10
"""Bytes per second that a viewer gets in the long run, and at once. An application draws its whole screen with less; a
flood of lines is cheaper to leave out than to emulate."""
FLOOD_PAUSE = 0.05
"""Seconds between two parts of such a flood."""


Item = bytes | TerminalSize
"""Output, or the size that what follows is laid out for."""


class OutputFeed:
    """The output of the current run. Fed in one thread at a time: the loop's, or that of the log writer."""

    def __init__(self, size: TerminalSize) -> None:
        self.run = 0
        self._size = size
        self._lock = threading.Lock()
        self._tail: deque[Item] = deque()
        self._tail_bytes = 0
        self._first_size = size  # that of the beginning of the tail
        self._former_modes = TerminalModes()  # set by what is no longer in the tail
        self._viewers: list[Viewer] = []

    @property
    def is_truncated(self) -> bool:
        return self._tail_bytes >= MAX_TAIL_BYTES

    def start_run(self, run: int) -> None:
        """Begin with an empty screen."""
        with self._lock:
            self.run = run
            self._tail.clear()
            self._tail_bytes = 0
            self._first_size = self._size
            self._former_modes = TerminalModes()
            for viewer in self._viewers:
                viewer.restart(run)

    def feed(self, run: int, data: bytes) -> None:
        """Take output, unless it is of another run than the one that is shown."""
        if run != self.run:
            return
        with self._lock:
            if self._tail and isinstance(last := self._tail[-1], bytes) and len(last) < SMALL_BYTES:
                self._tail[-1] = last + data
            else:
                self._tail.append(data)
            self._tail_bytes += len(data)
            while self._tail_bytes - item_bytes(self._tail[0]) >= MAX_TAIL_BYTES:
                self._drop(self._tail.popleft())
            for viewer in self._viewers:
                viewer.feed(data)

    def set_size(self, size: TerminalSize) -> None:
        with self._lock:
            self._size = size
            self._tail.append(size)
            for viewer in self._viewers:
                viewer.send_size(size)

    def tail(self) -> list[Item]:
        """Return the end of the output with its sizes, after what sets the modes again that earlier output has set."""
        with self._lock:
            return self._beginning()

    @property
    def has_alternate_screen(self) -> bool:
        """Return whether a full-screen program draws."""
        with self._lock:
            return self._modes(self._tail).has_alternate_screen

    def add_viewer(self, on_loss: Callable[[], object] = lambda: None) -> "Viewer":
        """`on_loss` is called in the loop whenever output has been left out for this viewer."""
        viewer = Viewer(asyncio.get_running_loop(), self.run, on_loss)
        with self._lock:
            for item in self._beginning():
                if isinstance(item, TerminalSize):
                    viewer.send_size(item)
                else:
                    viewer.feed(without_questions(item), is_whole=True)
            self._viewers.append(viewer)
        return viewer

    def remove_viewer(self, viewer: "Viewer") -> None:
        with self._lock:
            self._viewers.remove(viewer)

    def _beginning(self) -> list[Item]:
        """Return what a viewer has to emulate. Lines that have scrolled away are left out, since they may be many."""
        left = MAX_TAIL_BYTES if self._modes(self._tail).has_alternate_screen else MAX_LINES_BYTES
        kept: deque[Item] = deque()
        rest = list(self._tail)
        while rest and left > 0:
            left -= item_bytes(rest[-1])
            kept.appendleft(rest.pop())
        sizes = [self._first_size, *(item for item in rest if isinstance(item, TerminalSize))]
        return [sizes[-1], self._modes(rest).replay(), *kept]

    def _modes(self, items: Iterable[Item]) -> TerminalModes:
        """Return the modes after these items of the tail."""
        modes = TerminalModes()
        modes.feed(self._former_modes.replay() + b"".join(item for item in items if isinstance(item, bytes)))
        return modes

    def _drop(self, item: Item) -> None:
        self._tail_bytes -= item_bytes(item)
        if isinstance(item, TerminalSize):
            self._first_size = item
        else:
            self._former_modes.feed(item)


def item_bytes(item: Item) -> int:
    return len(item) if isinstance(item, bytes) else 0


class FeedSink:
    """Passes the bytes of a pipe on to a feed and to another sink."""

    def __init__(self, feed: OutputFeed, run: int, sink: Sink) -> None:
        self._feed, self._run, self._sink = feed, run, sink
        self.has_room: Callable[[], bool] = sink.has_room
        self.feed_eof: Callable[[], None] = sink.feed_eof

    def feed(self, data: bytes) -> bool:
        self._feed.feed(self._run, data)
        return self._sink.feed(data)


class Viewer:
    """Collects what one viewer has not received yet. A slow viewer misses output instead of delaying anything."""

    def __init__(self, loop: asyncio.AbstractEventLoop, run: int, on_loss: Callable[[], object]) -> None:
        self._loop, self._on_loss = loop, on_loss
        self._has_lost = False
        self._lock = threading.Lock()
        self._run = run
        self._is_first = True
        self._pending: deque[Item] = deque()
        self._wake = asyncio.Event()
        self._allowance = float(MAX_BURST)
        self._allowed_at = loop.time()

    def restart(self, run: int) -> None:
        with self._lock:
            self._run, self._is_first = run, True
            self._pending = deque(item for item in self._pending if isinstance(item, TerminalSize))
            self._pending.append(b"")
        self._notify()

    def feed(self, data: bytes, *, is_whole: bool = False) -> None:
        with self._lock:
            if self._pending and isinstance(last := self._pending[-1], bytes):
                data = last + data
                self._pending.pop()
            self._pending.append(data if is_whole or len(data) <= MAX_PENDING_BYTES else self._shortened(data))
        self._notify()

    def send_size(self, size: TerminalSize) -> None:
        """Send the size in its place: what was printed before is not laid out for it."""
        with self._lock:
            self._pending.append(size)
        self._notify()

    async def events(self) -> AsyncGenerator[TerminalEvent, None]:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while event := self._next():
                yield event
                if self._has_lost:
                    self._has_lost = False
                    self._on_loss()
                if self._allowance < KEPT_BYTES:
                    await asyncio.sleep(FLOOD_PAUSE)

    def _next(self) -> TerminalEvent | None:
        with self._lock:
            if not self._pending:
                return None
            item = self._pending.popleft()
            if isinstance(item, TerminalSize):
                return item
            is_first, self._is_first = self._is_first, False
            return TerminalOutput(run=self._run, data=item if is_first else self._limited(item), first=is_first)

    def _limited(self, data: bytes) -> bytes:
        now = self._loop.time()
        self._allowance = min(MAX_BURST, self._allowance + (now - self._allowed_at) * MAX_RATE)
        self._allowed_at = now
        if len(data) > max(self._allowance, KEPT_BYTES):
            data = self._shortened(data)
        self._allowance -= len(data)
        return data

    def _shortened(self, data: bytes) -> bytes:
        """Return the end of the output, after what sets the same modes as the rest."""
        self._has_lost = True
        modes = TerminalModes()
        modes.feed(data[:-KEPT_BYTES])
        return modes.replay() + data[-KEPT_BYTES:]

    def _notify(self) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._wake.set)
