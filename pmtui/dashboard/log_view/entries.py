"""Lines in which a traceback is one entry."""

import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pmtui.control import Stream
from pmtui.dashboard.log_view.lines import BATCH_SIZE, Line, LineBuffer, Lines, skipped_marker
from pmtui.logs.structure.blocks import MAX_BLOCK_LINES, State, continues, joins, opens
from pmtui.text.sanitize import strip_escapes

HOLD_TIME = 0.15
"""Seconds for which an entry that may go on is held back, so that filters see it whole."""
MAX_GAP_MS = 1000
"""Milliseconds between two lines of one entry."""
MAX_LOGGED_GAP_MS = 50
"""Milliseconds between the line of an error and the traceback that is logged with it."""
_OPENING_BYTES = b" \tTpft+"
_MAY_BE_HEADER = (b"Error", b"Exception", b"Throwable", b"ERROR", b"error")

Source = tuple[str, Stream]


@dataclass
class OpenEntry:
    """An entry that the next line of its process and stream may continue. `state` None: by a stack frame only."""

    position: int
    state: State | None
    run: int
    ms: int
    lines: int
    touched: float


class EntryLines(LineBuffer):
    """The lines of a source, with each traceback as one line whose data contains newlines.

    Holds as many lines as the source. Positions count entries.
    """

    def __init__(self, source: Lines) -> None:
        super().__init__()
        self.revision = 0
        self._source = source
        self._next = source.start
        self._visible_end = 0
        self._last_positions: deque[int] = deque()  # in the source, of the last line of each entry
        self._open: dict[Source, OpenEntry] = {}
        self._take(source.lines(source.start, source.end - source.start), 0.0)
        self._next = source.end
        self._hold(time.monotonic())

    @property
    def end(self) -> int:
        return self._visible_end

    @property
    def oldest(self) -> int | None:
        return self._source.oldest

    def lines(self, first: int, count: int) -> Sequence[Line]:
        return super().lines(first, min(count, self._visible_end - first))

    def pull(self) -> None:
        self._source.pull()
        now = time.monotonic()
        end = self._source.end
        if self._next != end:
            first = max(self._next, self._source.start, end - BATCH_SIZE)
            lines = self._source.lines(first, end - first)
            if first > self._next and lines:
                lines = [skipped_marker(first - self._next, lines[0]), *lines]
            self._take(lines, now)
            self._next = end
            self._drop_old()
        self._hold(now)

    def _take(self, lines: Iterable[Line], now: float) -> None:
        for line in lines:
            source = (line.process_id, line.stream)
            entry = self._open.pop(source, None)
            if entry and (state := self._continuation(entry, line)):
                self._extend(entry, line, now)
                self._open[source] = OpenEntry(entry.position, state, line.run, line.ms, entry.lines + 1, now)
            else:
                self._append_new(source, line, now)

    def _append_new(self, source: Source, line: Line, now: float) -> None:
        self.append(line)
        self._last_positions.append(line.position)
        state = opens(strip_escapes(line.data)) if line.data[:1] in _OPENING_BYTES else None
        if state or any(word in line.data for word in _MAY_BE_HEADER):
            self._open[source] = OpenEntry(self._end - 1, state, line.run, line.ms, 1, now)

    def _extend(self, entry: OpenEntry, line: Line, now: float) -> None:
        index = entry.position - self.start
        if 0 <= index < len(self._lines):
            self._lines[index] = self._lines[index]._replace(data=self._lines[index].data + b"\n" + line.data)
            self._last_positions[index] = line.position
            self.revision += 1

    def _continuation(self, entry: OpenEntry, line: Line) -> State | None:
        gap = abs(line.ms - entry.ms)
        if line.run != entry.run or gap > MAX_GAP_MS or entry.lines >= MAX_BLOCK_LINES:
            return None
        text = strip_escapes(line.data)
        if entry.state:
            return continues(entry.state, text)
        is_next = entry.position == self._end - 1 and gap <= MAX_LOGGED_GAP_MS
        return joins(text) or ("python" if is_next and opens(text) == "python" else None)

    def _drop_old(self) -> None:
        """Drop the entries that the source no longer has."""
        start = self._source.start
        while self._last_positions and (self._last_positions[0] < start or len(self._last_positions) > self._limit):
            self._last_positions.popleft()
            if len(self._lines) > len(self._last_positions):
                self._lines.popleft()

    def _hold(self, now: float) -> None:
        fresh = [entry.position for entry in self._open.values() if now - entry.touched < HOLD_TIME]
        self._visible_end = min(fresh, default=self._end)


def group(lines: Sequence[Line]) -> Sequence[Line]:
    """Return lines, oldest first, as entries."""
    entries = EntryLines(LineBuffer(lines, limit=max(1, len(lines))))
    return entries.lines(entries.start, len(lines))
