"""Leaves out the lines above a number without reading them one by one: counts blocks instead.

Numbered lines are counted by `StreamOrder`. Lines below its floor are ordered by time: of two streams, the lines after
one moment are left out, at which a block begins, and which no clock set back has made ambiguous as far as the first
lines of the blocks show. What remains above the number is for the reader, at most a few blocks.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from pmtui.logs.files.block_index import LineCounts, count_lines, first_lines, lines_of_block
from pmtui.logs.files.log_file import OpenFile
from pmtui.logs.files.stream_files import StreamFiles
from pmtui.logs.files.stream_order import StreamOrder, count_between, first_from, number_at
from pmtui.logs.ring_buffer import MAX_NUMBER
from pmtui.text.timestamps import parse_stamp

_MIN_LINE_BYTES_OF_PART = 32 << 10


def skip_above(
    streams: Sequence[StreamFiles], order: StreamOrder, below: int, deadline: float
) -> tuple[list[StreamFiles], int]:
    """Return the streams without lines numbered `below` or more, as far as is easily known, and the number above them.

    Raises TimeoutError at the monotonic `deadline`.
    """
    number = _top(streams) + 1
    skipped = [_skip_numbered(stream, order, below, deadline) for stream in streams]
    first = min(number - 1, order.floor - 1)  # of the lines that are ordered by time
    if below > first or any(stream.last >= order.floor for stream in skipped):
        return skipped, number
    rest, count = _skip_unnumbered(skipped, first - below + 1, deadline)
    return rest, first - count + 1 if count else number


def oldest_number(streams: Sequence[StreamFiles], order: StreamOrder, deadline: float) -> int:
    """Return a number that no line is below, near that of the oldest line. Raises TimeoutError."""
    lowest, unnumbered = _top(streams) + 1, 0
    for stream in streams:
        ranges = order.ranges(stream.stream, stream.last)
        count = sum(_most_lines(file, deadline) for file in stream.files) + sum(gap.lines for gap in stream.gaps)
        number = number_at(ranges, count) if count else None
        if number is not None:
            lowest = min(lowest, number)
        else:
            unnumbered += max(0, count - sum(map(len, ranges)))
    return min(lowest, order.floor - 1) - unnumbered + 1 if unnumbered else lowest


def _top(streams: Sequence[StreamFiles]) -> int:
    return max((stream.last for stream in streams), default=0)


def _most_lines(file: OpenFile, deadline: float) -> int:
    counts = count_lines(file, deadline)
    return counts.lines + (file.size // _MIN_LINE_BYTES_OF_PART if counts.has_long_lines else 0)


def _skip_numbered(stream: StreamFiles, order: StreamOrder, below: int, deadline: float) -> StreamFiles:
    ranges = order.ranges(stream.stream, stream.last)
    low = max(below, order.floor)
    gaps = sorted(gap for gap in stream.gaps if gap.before > low)
    if gaps and count_between(ranges, low, gaps[0].before - 1) < gaps[0].lines:
        low = gaps[0].before  # `below` is within this gap
        gaps = gaps[1:]
    count = count_between(ranges, low, stream.last) - sum(gap.lines - 1 for gap in gaps)
    files = _drop(stream, count, deadline)
    if count <= 0 or files is None:
        return stream
    return stream._replace(files=files, last=low - 1, above=first_from(ranges, low))


def _drop(stream: StreamFiles, count: int, deadline: float) -> list[OpenFile] | None:
    """Return the files without their last `count` lines; None if their lines cannot be counted by newlines."""
    files = [*stream.files]
    while files and count > 0:
        counts = count_lines(files[0], deadline)
        if counts.has_long_lines and not stream.timestamps:
            return None
        if counts.lines > count:
            files[0] = first_lines(files[0], counts, counts.lines - count)
            return files
        count -= counts.lines
        del files[0]
    return files


def _skip_unnumbered(streams: list[StreamFiles], count: int, deadline: float) -> tuple[list[StreamFiles], int]:
    """Leave out up to `count` lines, and return how many."""
    filled = [index for index, stream in enumerate(streams) if any(file.size for file in stream.files)]
    if len(filled) > 1 and all(stream.timestamps for stream in streams):
        return _skip_by_time(streams, count, deadline)
    skipped = 0
    for index in filled:  # without times, one stream is read after the other
        available = sum(count_lines(file, deadline).lines for file in streams[index].files)
        wanted = min(count - skipped, available)
        files = _drop(streams[index], wanted, deadline)
        if files is None:
            break
        streams[index] = streams[index]._replace(files=files)
        skipped += wanted
        if wanted < available:
            break
    return streams, skipped


def _skip_by_time(streams: list[StreamFiles], count: int, deadline: float) -> tuple[list[StreamFiles], int]:
    timelines = [_Timeline.of(stream, deadline) for stream in streams]
    moments = sorted({ms for one in timelines for ms in one.times if all(two.is_clear_at(ms) for two in timelines)})
    low, high = 0, len(moments)  # the earliest moment with at most `count` lines after it
    while low < high:
        middle = (low + high) // 2
        if sum(one.cut(moments[middle]).lines_after for one in timelines) <= count:
            high = middle
        else:
            low = middle + 1
    if low == len(moments):
        return streams, 0
    cuts = [one.cut(moments[low]) for one in timelines]
    rest = [stream._replace(files=cut.files) for stream, cut in zip(streams, cuts, strict=True)]
    return rest, sum(cut.lines_after for cut in cuts)


def _known(newer: int, ms: int) -> int:
    return ms or newer


class _Cut(NamedTuple):
    """The files up to a moment, and how many lines were written after it."""

    files: list[OpenFile]
    lines_after: int


class _Timeline:
    """When the blocks of a stream begin, newest first."""

    def __init__(self, files: Sequence[OpenFile], counts: Sequence[LineCounts]) -> None:
        self._files, self._counts = files, counts
        self._places = [
            (index, block)
            for index, one in enumerate(counts)
            for block in reversed(range(len(one.times)))
            if block == 0 or one.before[block + 1] > one.before[block]
        ]
        times = (counts[index].times[block] for index, block in self._places)
        self.times = [*accumulate(times, _known, initial=MAX_NUMBER)][1:]
        self._minima = [*accumulate(self.times, min)]
        self._maxima = [*accumulate(reversed(self.times), max)][::-1]

    @classmethod
    def of(cls, stream: StreamFiles, deadline: float) -> "_Timeline":
        files = [file for file in stream.files if file.size]
        return cls(files, [count_lines(file, deadline) for file in files])

    def is_clear_at(self, ms: int) -> bool:
        """Return whether all blocks after the moment are above all others."""
        index = self._index(ms)
        return index == len(self.times) or self._maxima[index] <= ms

    def cut(self, ms: int) -> _Cut:
        """Leave out the lines after the moment."""
        place = self._index(ms)
        if place == len(self._places):
            return _Cut([], sum(one.lines for one in self._counts))
        index, block = self._places[place]
        file, counts = self._files[index], self._counts[index]
        text, before = lines_of_block(file, block)
        lines = text.split(b"\n")
        if not lines[-1]:
            lines.pop()
        while lines and not 0 < parse_stamp(lines[-1]) <= ms:
            lines.pop()
        keep = counts.before[block] + before + len(lines)
        after = sum(one.lines for one in self._counts[:index]) + counts.lines - keep
        kept = [first_lines(file, counts, keep)] if keep < counts.lines else [file]
        return _Cut([*kept, *self._files[index + 1 :]], after)

    def _index(self, ms: int) -> int:
        """Return the place of the newest block that begins at the moment or before."""
        low, high = 0, len(self._minima)
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self._minima[middle] <= ms else (middle + 1, high)
        return low
