"""Which line belongs to which stream, in order: what the two files of a process do not say."""

from array import array
from collections.abc import Iterator

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

    def numbers_backwards(self, stream: Stream, last: int) -> Iterator[int]:
        """Yield the numbers of that stream's lines from `last` down to `floor`, in any thread."""
        end = last + 1
        for change in reversed(self._changes[:]):
            first = change // 2
            if change % 2 == (stream == "stderr"):
                yield from range(end - 1, first - 1, -1)
            end = min(end, first)
