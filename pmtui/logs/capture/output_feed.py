"""The output of a terminal as it comes, for viewers; without one, only its end is kept."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress

from pmtui.control import TerminalEvent, TerminalOutput, TerminalSize
from pmtui.logs.capture.bulk_reader import Sink
from pmtui.terminal.sequences import TerminalModes, without_questions

MAX_TAIL_BYTES = 256 << 10
"""Bytes of output that a new viewer begins with."""
MAX_PENDING_BYTES = 128 << 10
"""Bytes that may wait for a viewer; what is older is then left out, except for modes."""
KEPT_BYTES = 8 << 10
"""Bytes that are left after that: several screens."""
FLOOD_BYTES = 16 << 10
FLOOD_PAUSE = 0.05
"""After so many bytes at once, a viewer gets the next ones only after so many seconds."""


class OutputFeed:
    """The output of the current run. Fed in one thread at a time: the loop's, or that of the log writer."""

    def __init__(self) -> None:
        self.run = 0
        self._lock = threading.Lock()
        self._tail: deque[bytes] = deque()
        self._tail_bytes = 0
        self._former_modes = TerminalModes()  # of what is no longer in the tail
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
            self._former_modes = TerminalModes()
            for viewer in self._viewers:
                viewer.restart(run)

    def feed(self, data: bytes) -> None:
        with self._lock:
            self._tail.append(data)
            self._tail_bytes += len(data)
            while self._tail_bytes - len(self._tail[0]) >= MAX_TAIL_BYTES:
                dropped = self._tail.popleft()
                self._tail_bytes -= len(dropped)
                self._former_modes.feed(dropped)
            for viewer in self._viewers:
                viewer.feed(data)

    def tail(self) -> bytes:
        """Return the end of the output, after what sets the modes again that earlier output has set."""
        with self._lock:
            return self._former_modes.replay() + b"".join(self._tail)

    def send_size(self, columns: int, rows: int) -> None:
        with self._lock:
            for viewer in self._viewers:
                viewer.send_size(TerminalSize(columns=columns, rows=rows))

    def add_viewer(self, size: TerminalSize) -> "Viewer":
        viewer = Viewer(asyncio.get_running_loop(), self.run)
        viewer.send_size(size)
        with self._lock:
            viewer.feed(without_questions(self._former_modes.replay() + b"".join(self._tail)), is_whole=True)
            self._viewers.append(viewer)
        return viewer

    def remove_viewer(self, viewer: "Viewer") -> None:
        with self._lock:
            self._viewers.remove(viewer)


class FeedSink:
    """Passes the bytes of a pipe on to a feed and to another sink."""

    def __init__(self, feed: OutputFeed, sink: Sink) -> None:
        self._feed, self._sink = feed, sink
        self.has_room: Callable[[], bool] = sink.has_room
        self.feed_eof: Callable[[], None] = sink.feed_eof

    def feed(self, data: bytes) -> bool:
        self._feed.feed(data)
        return self._sink.feed(data)


class Viewer:
    """Collects what one viewer has not received yet. A slow viewer misses output instead of delaying anything."""

    def __init__(self, loop: asyncio.AbstractEventLoop, run: int) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._run = run
        self._is_first = True
        self._pending = b""
        self._size: TerminalSize | None = None
        self._wake = asyncio.Event()

    def restart(self, run: int) -> None:
        with self._lock:
            self._run, self._pending, self._is_first = run, b"", True
        self._notify()

    def feed(self, data: bytes, *, is_whole: bool = False) -> None:
        with self._lock:
            self._pending += data
            if len(self._pending) > MAX_PENDING_BYTES and not is_whole:
                modes = TerminalModes()
                modes.feed(self._pending[:-KEPT_BYTES])
                self._pending = modes.replay() + self._pending[-KEPT_BYTES:]
        self._notify()

    def send_size(self, size: TerminalSize) -> None:
        with self._lock:
            self._size = size
        self._notify()

    async def events(self) -> AsyncGenerator[TerminalEvent, None]:
        while True:
            await self._wake.wait()
            self._wake.clear()
            with self._lock:
                size, self._size = self._size, None
                data, self._pending = self._pending, b""
                run, is_first, self._is_first = self._run, self._is_first, False
            if size:
                yield size
            if data or is_first:
                yield TerminalOutput(run=run, data=data, first=is_first)
            if len(data) > FLOOD_BYTES:
                await asyncio.sleep(FLOOD_PAUSE)

    def _notify(self) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._wake.set)
