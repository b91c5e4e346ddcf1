"""Which line belongs to which stream, in order: what the two files of a process do not say."""

from array import array
from collections.abc import Iterator, Sequence

from pmtui.control import Stream

_MAX_CHANGES = 1 << 14  # 128 KiB


class StreamOrder:
    """Remembers at which lines the output changed from one stream to the other, back to line number `floor`."""

    def __init__(self, floor: int = 1) -> None:
        self.floor = floor
        self._changes = array("q")  # number of the first line, doubled, and one more for stderr
        self._newest: Stream | None = None

    def record(self, stream: Stream, first: int) -> None:
        if stream == self._newest:
            return
        self._newest = stream
        self._changes.append(first * 2 + (stream == "stderr"))
        if len(self._changes) > _MAX_CHANGES:
            del self._changes[: _MAX_CHANGES // 2]
            self.floor = self._changes[0] // 2

    def ranges(self, stream: Stream, last: int) -> list[range]:
        """Return the numbers of that stream's lines from `floor` to `last`, newest range first, in any thread."""
        found, end = list[range](), last + 1
        for change in reversed(self._changes[:]):
            first = change // 2
            if change % 2 == (stream == "stderr") and first < end:
                found.append(range(first, end))
            end = min(end, first)
        return found


def numbers_backwards(ranges: Sequence[range]) -> Iterator[int]:
    for one in ranges:
        yield from reversed(one)


def count_between(ranges: Sequence[range], low: int, high: int) -> int:
    """Count the numbers from `low` to `high`."""
    return sum(max(0, min(one.stop, high + 1) - max(one.start, low)) for one in ranges)


def first_from(ranges: Sequence[range], low: int) -> int | None:
    """Return the smallest number that is at least `low`."""
    return min((max(one.start, low) for one in ranges if one.stop > low), default=None)


def number_at(ranges: Sequence[range], count: int) -> int | None:
    """Return the number of line `count` from the end, or None if there are not as many."""
    for one in ranges:
        if count <= len(one):
            return one.stop - count
        count -= len(one)
    return None
