"""How the dashboard reads the lines of processes."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from pmtui.dashboard.log_view.lines import Line, Lines
from pmtui.logs.ring_buffer import RawLine, RingBuffer


class LogSource(Protocol):
    """Gives access to lines; asked again whenever other processes are shown."""

    def lines_of(self, ids: Sequence[str]) -> Sequence[Lines]:
        """Return the lines of each process."""

    def older_than(self, process_id: str, number: int) -> Iterator[Line]:
        """Yield lines from files, newest first. Blocks on the disk, so call it on a thread."""


class BufferedLines:
    """The lines in a manager's memory, read from the dashboard's thread."""

    def __init__(self, ring: RingBuffer) -> None:
        self._buffer = ring

    @property
    def start(self) -> int:
        return self._buffer.start

    @property
    def end(self) -> int:
        return self._buffer.end

    @property
    def oldest(self) -> int | None:
        return self._buffer.start

    def pull(self) -> None:
        return

    def lines(self, first: int, count: int) -> Sequence[Line]:
        name = self._buffer.process_id
        return [to_line(raw, name) for raw in self._buffer.raw(first, count)]

    def partial_lines(self) -> Sequence[Line]:
        return [to_line(raw, self._buffer.process_id) for raw in self._buffer.partial_lines()[0]]


def to_line(raw: RawLine, process_id: str) -> Line:
    return Line(raw.seq, raw.ms, raw.stream, raw.run, raw.data, process_id, raw.partial)
