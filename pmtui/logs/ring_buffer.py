"""The newest lines of one process in memory. Written by one thread at a time, read from any."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

import msgspec

from pmtui.control import LogLine, RawLogLine, Stream
from pmtui.text.sanitize import strip_escapes
from pmtui.text.timestamps import rfc3339

MAX_NUMBER = 1 << 62
"""A number that no line reaches, and a time that never comes."""
Listener = Callable[[], None]


class Chunk(NamedTuple):
    """Whole lines that were read at once: `data` ends with a newline, `first` is the number of its first line."""

    first: int
    lines: int
    ms: int
    stream: Stream
    run: int
    data: bytes


class RawLine(NamedTuple):
    """One line as its process wrote it, without the newline. `ms` is the wall clock, 0 when it is not known."""

    seq: int
    ms: int
    stream: Stream
    run: int
    data: bytes

    @property
    def text(self) -> str:
        """The line without anything that a terminal obeys."""
        return strip_escapes(self.data)

    def to_log_line(self, process_id: str) -> LogLine:
        return LogLine(
            seq=self.seq,
            time=rfc3339(self.ms) if self.ms else "",
            stream=self.stream,
            text=self.text,
            run=self.run,
            id=process_id,
        )

    def to_raw_log_line(self, process_id: str) -> RawLogLine:
        """As `shown`, with the bytes."""
        return RawLogLine(**msgspec.structs.asdict(self.to_log_line(process_id)), data=self.data)


class RingBuffer:
    """Bounded by lines and by bytes. Lines are numbered from 1 on; `start` is the oldest kept, `end` the next to come.

    It holds the chunks that came from the pipes and splits them only for whoever reads.
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
        self._listeners: list[Listener] = []

    def append(self, stream: Stream, run: int, ms: int, data: bytes, lines: int) -> int:
        """Takes `lines` whole lines and gives the number of the first one."""
        with self._lock:
            first = self.end
            self._chunks.append(Chunk(first, lines, ms, stream, run, data))
            self.end = first + lines
            self._size += len(data)
            self._trim()
        for listener in self._listeners:
            listener()
        return first

    def clear(self) -> None:
        with self._lock:
            self._chunks.clear()
            self._size = 0
            self.start = self.end

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Calls `listener` after every chunk, in the thread that read it, until what is returned is called."""
        with self._lock:
            self._listeners = [*self._listeners, listener]

        def forget() -> None:
            with self._lock:
                self._listeners = [known for known in self._listeners if known is not listener]

        return forget

    def chunks(self) -> list[Chunk]:
        """All that is held, oldest first; the first one may begin before `start`."""
        return self.view()[1]

    def view(self) -> tuple[int, list[Chunk]]:
        """`start` and `chunks` of the same moment."""
        with self._lock:
            return self.start, list(self._chunks)

    def raw(self, first: int, count: int) -> list[RawLine]:
        """At most `count` lines from number `first` on, as they were written; older ones than `start` are gone."""
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
        """As `raw`, fit to be shown anywhere."""
        return [line.to_log_line(self.process_id) for line in self.raw(first, count)]

    def _trim(self) -> None:
        chunks = self._chunks
        self.start = max(self.start, self.end - self.max_lines)
        while len(chunks) > 1 and (self._size > self.max_bytes or chunks[1].first <= self.start):
            self._size -= len(chunks.popleft().data)
        self.start = max(self.start, chunks[0].first)


def split(chunk: Chunk, first: int, last: int) -> Iterator[RawLine]:
    """The lines of a chunk whose numbers are in `range(first, last)`."""
    begin = max(first, chunk.first)
    texts = chunk.data.split(b"\n")
    for seq, text in enumerate(islice(texts, begin - chunk.first, min(last - chunk.first, chunk.lines)), begin):
        yield RawLine(seq, chunk.ms, chunk.stream, chunk.run, text)
