"""The newest lines of one process in memory, written by one thread at a time and read by any."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

from pmtui.control import LogLine, RawLogLine, Stream
from pmtui.logs.search.levels import level_of
from pmtui.logs.structure.record import parse_fields
from pmtui.text.sanitize import last_state, strip_escapes
from pmtui.text.timestamps import rfc3339

MAX_NUMBER = 1 << 62
"""Larger than any line number and any time."""
PARTIAL_DELAY = 0.15
"""Seconds after which an unfinished line is shown. Why: most are finished by the next read."""
Listener = Callable[[], None]


class Chunk(NamedTuple):
    """Whole lines that were read at once. `data` ends with a newline; `first` is the number of its first line.

    `cut`: it is a part of a line that is too long, which continues in the next chunk of the stream.
    """

    first: int
    lines: int
    ms: int
    stream: Stream
    run: int
    data: bytes
    cut: bool = False


class RawLine(NamedTuple):
    """One line as its process wrote it, without the newline. `ms` is the wall clock, 0 if unknown.

    `cut`: it was too long, and the next line of the stream continues it. `partial`: it is not finished yet.
    """

    seq: int
    ms: int
    stream: Stream
    run: int
    data: bytes
    cut: bool = False
    partial: bool = False

    @property
    def text(self) -> str:
        return strip_escapes(self.data)

    def to_log_line(self, process_id: str) -> LogLine:
        text = self.text
        return LogLine(
            seq=self.seq,
            time=rfc3339(self.ms) if self.ms else "",
            stream=self.stream,
            text=text,
            run=self.run,
            id=process_id,
            level=level_of(text),
            fields=parse_fields(text),
            cut=self.cut,
            partial=self.partial,
        )

    def to_raw_log_line(self, process_id: str) -> RawLogLine:
        """Return the line for a reader that takes it apart itself."""
        return RawLogLine(
            seq=self.seq,
            time=rfc3339(self.ms) if self.ms else "",
            stream=self.stream,
            text=self.text,
            run=self.run,
            id=process_id,
            data=self.data,
            cut=self.cut,
            partial=self.partial,
        )


class _PartialLine(NamedTuple):
    ms: int
    run: int
    data: bytes
    shown_from: float  # monotonic


class RingBuffer:
    """Bounded by lines and by bytes. Lines are numbered from 1; `start` is the oldest one, `end` the next one.

    Holds the chunks read from the pipes, and splits them into lines only to read them. An unfinished line of each
    stream is kept beside them.
    """

    def __init__(self, process_id: str, max_lines: int = 2000, max_bytes: int = 1 << 20) -> None:
        self.process_id = process_id
        self.max_lines = max_lines
        self.max_bytes = max_bytes
        self.start = 1
        self.end = 1
        self._chunks: deque[Chunk] = deque()
        self._size = 0
        self._lock = threading.Lock()
        self._partials: dict[Stream, _PartialLine] = {}
        self._listeners: list[Listener] = []

    def append(self, stream: Stream, run: int, ms: int, data: bytes, lines: int, cut: bool = False) -> int:
        """Append `lines` whole lines, and return the number of the first one."""
        with self._lock:
            first = self.end
            self._partials.pop(stream, None)
            self._chunks.append(Chunk(first, lines, ms, stream, run, data, cut))
            self.end = first + lines
            self._size += len(data)
            self._trim()
        self._notify()
        return first

    def set_partial(self, stream: Stream, run: int, ms: int, data: bytes) -> None:
        """Replace the unfinished line of the stream. The next `append` to the stream removes it."""
        with self._lock:
            former = self._partials.get(stream)
            shown_from = former.shown_from if former else time.monotonic() + PARTIAL_DELAY
            self._partials[stream] = _PartialLine(ms, run, data, shown_from)
        self._notify()

    def partial_lines(self) -> tuple[list[RawLine], float | None]:
        """Return the unfinished lines to show, and the monotonic time when there will be another one, if known.

        Of a line that redraws itself only the last state is returned.
        """
        if not self._partials:
            return [], None
        now = time.monotonic()
        with self._lock:
            found = sorted(self._partials.items(), key=lambda item: item[1].ms)
            end = self.end
        lines = [
            RawLine(end, partial.ms, stream, partial.run, last_state(partial.data), partial=True)
            for stream, partial in found
            if partial.shown_from <= now
        ]
        return lines, min((partial.shown_from for _, partial in found if partial.shown_from > now), default=None)

    def clear(self) -> None:
        with self._lock:
            self._partials.clear()
            self._chunks.clear()
            self._size = 0
            self.start = self.end

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` after every read, in the thread that read. Return a function that ends this."""
        with self._lock:
            self._listeners = [*self._listeners, listener]

        def remove() -> None:
            with self._lock:
                self._listeners = [other for other in self._listeners if other is not listener]

        return remove

    def chunks(self) -> list[Chunk]:
        """Return all chunks, oldest first; the first one may begin before `start`."""
        return self.view()[1]

    def view(self) -> tuple[int, list[Chunk]]:
        """Return `start` and `chunks()` of the same moment."""
        with self._lock:
            return self.start, list(self._chunks)

    def data_from(self, first: int) -> bytes:
        """Return the lines from number `first` on as they were read, after others of the same chunk."""
        found = []
        with self._lock:
            for chunk in reversed(self._chunks):
                if chunk.first + chunk.lines <= first:
                    break
                found.append(chunk.data)
        return b"".join(reversed(found))

    def raw(self, first: int, count: int) -> list[RawLine]:
        """Return at most `count` lines from number `first` on, without those that are gone already."""
        chunks = []
        with self._lock:
            first = max(first, self.start)
            last = min(first + count, self.end)
            for chunk in reversed(self._chunks):
                if chunk.first + chunk.lines <= first:
                    break
                if chunk.first < last:
                    chunks.append(chunk)
        return [line for chunk in reversed(chunks) for line in split(chunk, first, last)]

    def lines(self, first: int, count: int) -> list[LogLine]:
        return [line.to_log_line(self.process_id) for line in self.raw(first, count)]

    def _notify(self) -> None:
        for listener in self._listeners:
            listener()

    def _trim(self) -> None:
        chunks = self._chunks
        self.start = max(self.start, self.end - self.max_lines)
        while len(chunks) > 1 and (self._size > self.max_bytes or chunks[1].first <= self.start):
            self._size -= len(chunks.popleft().data)
        self.start = max(self.start, chunks[0].first)


def split(chunk: Chunk, first: int, last: int) -> Iterator[RawLine]:
    begin = max(first, chunk.first)
    texts = chunk.data.split(b"\n")
    for seq, text in enumerate(islice(texts, begin - chunk.first, min(last - chunk.first, chunk.lines)), begin):
        yield RawLine(seq, chunk.ms, chunk.stream, chunk.run, text, chunk.cut)
