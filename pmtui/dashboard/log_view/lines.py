"""Where the log pane takes its lines from: it asks for the visible ones, nobody sends them."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from pmtui.control import Stream
from pmtui.text.formatting import plural

BATCH_SIZE = 2000
"""Lines that one frame looks at, at most, so that no flood stops a key press."""

MAX_PAST_LINES = 10_000
"""Lines that several processes together show of what was before."""


class Line(NamedTuple):
    """One line as its process wrote it, at its place in the `Lines` it came from. `ms` is the wall clock."""

    position: int
    ms: int
    stream: Stream
    run: int
    data: bytes
    process_id: str


class Lines(Protocol):
    """Lines at absolute places: those from `start` up to, not with, `end` are there. Grows without telling."""

    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...

    @property
    def oldest(self) -> int | None:
        """The number that its process's log gives the oldest line; older ones are in files. None: there are none."""

    def pull(self) -> None:
        """Takes in what is new; called once a frame."""

    def lines(self, first: int, count: int) -> Sequence[Line]:
        """At most `count` lines from place `first` on; those that are gone are left out."""


class LineBuffer:
    """Lines kept in a list of bounded length, with places of its own. Also what a view without a process shows."""

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

    def lines(self, first: int, count: int) -> Sequence[Line]:
        begin = max(first, self.start) - self.start
        end = min(first + count, self._end) - self.start
        return [self._lines[place]._replace(position=self.start + place) for place in range(begin, end)]


class PausedView(LineBuffer):
    """The lines that were there when the reader stopped following; newer ones join when he has come to the end.

    However fast the source drops its old lines, those on the screen stay.
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
        """Adds lines before the oldest, themselves oldest first."""
        kept = [*lines, *self._lines]
        self._lines = deque(kept, maxlen=max(len(kept), self._limit))

    @property
    def newer(self) -> int:
        """Lines that came since."""
        return max(0, self._source.end - self._next)

    def append_newer(self) -> None:
        """Adds what came since; a line says so where some of it is lost."""
        self._source.pull()
        lost = self._source.start - self._next
        fresh = self._source.lines(self._next, self._source.end - self._next)
        if lost > 0 and fresh:
            self.append(skipped_marker(lost, fresh[0]))
        for line in fresh:
            self.append(line)
        self._next = self._source.end


def skipped_marker(count: int, before: Line) -> Line:
    """What stands in the place of lines that are left out."""
    return before._replace(data=f"… {plural(count, 'line', 'lines')} went by …".encode())


class FilteredLines(LineBuffer):
    """Those lines of a source that match, with the places that they have there in `places`."""

    def __init__(self, source: Lines, matches: Callable[[Line], bool]) -> None:
        super().__init__()
        self._source, self._matches = source, matches
        self._next = source.start
        self.positions: deque[int] = deque()

    @property
    def oldest(self) -> int | None:
        return self._source.oldest

    def pull(self) -> None:
        self._source.pull()
        first = max(self._next, self._source.start, self._source.end - BATCH_SIZE)
        for line in self._source.lines(first, self._source.end - first):
            if self._matches(line):
                self.append(line)
                self.positions.append(line.position)
        self._next = self._source.end
        while self.positions and self.positions[0] < self._source.start:
            self.positions.popleft()


class MergedLines(LineBuffer):
    """The lines of several sources by time. Where a flood brings too many at once, a line says how many went by."""

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

    def _append_new(self, share: int) -> None:
        """Adds what is new, at most `share` lines of each source."""
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
