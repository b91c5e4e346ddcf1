"""The lines a log pane shows: the pane pulls the visible ones."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from pmtui.control import Stream
from pmtui.text.formatting import plural

BATCH_SIZE = 2000
"""Lines that one frame reads at most, so that a flood never delays a key press."""

MAX_PAST_LINES = 10_000
"""Past lines that several merged processes show together."""


class Line(NamedTuple):
    """One line as its process wrote it, at its position in its `Lines`. `ms` is wall-clock time."""

    position: int
    ms: int
    stream: Stream
    run: int
    data: bytes
    process_id: str
    partial: bool = False


class Lines(Protocol):
    """Lines at absolute positions from `start` up to but excluding `end`. Grows without notice."""

    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...

    @property
    def oldest(self) -> int | None:
        """Return the number of the oldest line in its process's log, or None if there are no older ones in files."""

    def pull(self) -> None:
        """Take in new lines; called once a frame."""

    def lines(self, first: int, count: int) -> Sequence[Line]:
        """Return at most `count` lines from `first` on, without those that are gone."""

    def partial_lines(self) -> Sequence[Line]:
        """Return the unfinished lines, oldest first; their position is `end`."""


class LineBuffer:
    """A bounded list of lines with its own positions."""

    def __init__(self, lines: Sequence[Line] = (), limit: int = 20_000) -> None:
        self._limit = limit
        self._lines: deque[Line] = deque(maxlen=limit)
        self._end = 0
        for line in lines:
            self.append(line)

    @property
    def start(self) -> int:
        return self._end - len(self._lines)

    @property
    def end(self) -> int:
        return self._end

    @property
    def oldest(self) -> int | None:
        return None

    def pull(self) -> None:
        return

    def append(self, line: Line) -> None:
        self._lines.append(line)
        self._end += 1

    def partial_lines(self) -> Sequence[Line]:
        return ()

    def lines(self, first: int, count: int) -> Sequence[Line]:
        begin = max(first, self.start) - self.start
        end = min(first + count, self._end) - self.start
        return [self._lines[place]._replace(position=self.start + place) for place in range(begin, end)]


class PausedView(LineBuffer):
    """The lines that were there when the reader paused; newer ones are added when the reader reaches the end.

    The lines on the screen stay, however fast the source drops old ones.
    """

    def __init__(self, source: Lines) -> None:
        self._source = source
        self._oldest = source.oldest
        kept = source.lines(source.start, source.end - source.start)
        super().__init__(kept)
        self._next = source.end

    @property
    def oldest(self) -> int | None:
        return self._oldest

    def prepend(self, lines: Sequence[Line]) -> None:
        """Add lines, oldest first, before the oldest one."""
        kept = [*lines, *self._lines]
        self._lines = deque(kept, maxlen=max(len(kept), self._limit))

    @property
    def newer(self) -> int:
        """Return how many lines have arrived since."""
        return max(0, self._source.end - self._next)

    def append_newer(self) -> None:
        """Add the lines that have arrived since, and a marker if some are lost."""
        self._source.pull()
        lost = self._source.start - self._next
        fresh = self._source.lines(self._next, self._source.end - self._next)
        if lost > 0 and fresh:
            self.append(skipped_marker(lost, fresh[0]))
        for line in fresh:
            self.append(line)
        self._next = self._source.end


def skipped_marker(count: int, before: Line) -> Line:
    """Return the line that stands for skipped ones."""
    return before._replace(data=f"… {plural(count, 'line', 'lines')} skipped …".encode())


class FilteredLines(LineBuffer):
    """The lines of a source that match; `positions` are their positions in the source."""

    def __init__(self, source: Lines, matches: Callable[[Line], bool]) -> None:
        super().__init__()
        self._source, self._matches = source, matches
        self.positions: deque[int] = deque()
        self._take(source.start)

    @property
    def oldest(self) -> int | None:
        return self._source.oldest

    def pull(self) -> None:
        self._source.pull()
        self._take(max(self._next, self._source.start, self._source.end - BATCH_SIZE))
        while self.positions and self.positions[0] < self._source.start:
            self.positions.popleft()

    def _take(self, first: int) -> None:
        for line in self._source.lines(first, self._source.end - first):
            if self._matches(line):
                self.append(line)
                self.positions.append(line.position)
        self._next = self._source.end

    def partial_lines(self) -> Sequence[Line]:
        return [line for line in self._source.partial_lines() if self._matches(line)]


class MergedLines(LineBuffer):
    """The lines of several sources in order of time. In a flood, a marker says how many lines were skipped."""

    def __init__(self, sources: Sequence[Lines]) -> None:
        super().__init__()
        self._sources = sources
        count = max(1, len(sources))
        past, self._share = max(50, MAX_PAST_LINES // count), max(20, BATCH_SIZE // count)
        self._next = [max(source.start, source.end - past) for source in sources]
        self._append_new(past)

    def pull(self) -> None:
        for source in self._sources:
            source.pull()
        self._append_new(self._share)

    def partial_lines(self) -> Sequence[Line]:
        lines = [line for source in self._sources for line in source.partial_lines()]
        return sorted(lines, key=lambda line: line.ms)

    def _append_new(self, share: int) -> None:
        """Add new lines, at most `share` of each source."""
        fresh: list[Line] = []
        for place, source in enumerate(self._sources):
            end = source.end
            first = max(self._next[place], source.start, end - share)
            lines = source.lines(first, end - first)
            if first > self._next[place] and lines:
                fresh.append(skipped_marker(first - self._next[place], lines[0]))
            fresh += lines
            self._next[place] = end
        for line in sorted(fresh, key=lambda line: line.ms):
            self.append(line)
