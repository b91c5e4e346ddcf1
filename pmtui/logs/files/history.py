"""Reads lines back from the files, newest first, each with its number, its time and its run.

A line that the present manager wrote keeps the number it had in memory: the files end with the last line written, and
`StreamOrder` knows which numbers belong to each stream. Lines of former managers are numbered 0, -1, -2, … backwards,
ordered by time. In files without timestamps, times and runs are unknown and therefore 0.
"""

import heapq
import math
import os
import time
from collections.abc import Iterator
from typing import NamedTuple

from pmtui.control import Stream
from pmtui.logs.capture.line_splitter import MAX_LINE_BYTES, cut_at
from pmtui.logs.files.log_file import OpenFile
from pmtui.logs.files.run_index import RunRecord, run_at, run_of
from pmtui.logs.files.skip import oldest_number, skip_above
from pmtui.logs.files.stream_files import StreamFiles
from pmtui.logs.files.stream_order import StreamOrder, numbers_backwards
from pmtui.logs.ring_buffer import MAX_NUMBER, RawLine
from pmtui.text.timestamps import STAMP_BYTES, parse_stamp

_BLOCK_BYTES = 256 << 10
CUT_MARKER = b" [cut, continues below]\n"
"""The end of a part of a line that is too long, in files with timestamps: each part is a separate line there."""
_MARKER = CUT_MARKER.rstrip(b"\n")
_MAX_PARTIAL_BYTES = 16 << 20  # a longer line in a file is returned in parts


class _FileLine(NamedTuple):
    ms: int
    data: bytes
    cut: bool


class _FoundLine(NamedTuple):
    key: tuple[bool, int]  # sorts numbered lines by number, before all others by time
    seq: int | None
    stream: Stream
    line: _FileLine


def read_backwards(
    streams: list[StreamFiles],
    order: StreamOrder,
    runs: list[RunRecord],
    former: list[RunRecord],
    since_ms: int = 0,
    below: int = MAX_NUMBER,
    deadline: float = math.inf,
) -> Iterator[RawLine]:
    """Yield the lines with numbers below `below`, newest first, skipping files not written since `since_ms`.

    `runs` are this manager's; `former` are all that are remembered. Raises TimeoutError at `deadline`.
    """
    number = max((stream.last for stream in streams), default=0) + 1
    if below < number:
        streams, number = skip_above(streams, order, below, deadline)
    found = [_numbered(stream, order, since_ms, below, deadline) for stream in streams]
    for _, seq, stream, line in heapq.merge(*found, key=lambda line: line.key, reverse=True):
        if seq is not None:
            number = seq
            yield RawLine(number, line.ms, stream, run_of(runs, number), line.data, line.cut)
            continue
        number = min(number - 1, order.floor - 1)
        if number < below:
            yield RawLine(number, line.ms, stream, run_at(former, line.ms), line.data, line.cut)


def number_after(streams: list[StreamFiles], order: StreamOrder, end: int, ms: int, deadline: float) -> int:
    """Return the number from which on all lines below `end` are later, unless the clock was set back.

    Raises TimeoutError at `deadline`.
    """
    low, high = min(oldest_number(streams, order, deadline), end), end
    while low < high:
        middle = (low + high) // 2
        line = next(read_backwards(streams, order, [], [], below=middle + 1, deadline=deadline), None)
        if line is None or line.ms <= ms:
            low = middle + 1
        else:
            high = min(middle, line.seq)
    return low


def _numbered(
    stream: StreamFiles, order: StreamOrder, since_ms: int, below: int, deadline: float
) -> Iterator[_FoundLine]:
    numbers = numbers_backwards(order.ranges(stream.stream, stream.last))
    gaps = dict(stream.gaps)
    above = stream.last + 1 if stream.above is None else stream.above
    for count, line in enumerate(_lines(stream, since_ms)):
        if count % 256 == 0 and time.monotonic() > deadline:
            raise TimeoutError
        seq = next(numbers, None)
        for _ in range(gaps.pop(above, 1) - 1):  # the marker stands for all lines of the gap
            next(numbers, None)
        above = seq or 0
        if seq is not None and seq >= below:
            continue
        yield _FoundLine((False, line.ms) if seq is None else (True, seq), seq, stream.stream, line)


def _lines(stream: StreamFiles, since_ms: int) -> Iterator[_FileLine]:
    for file in stream.files:
        if file.mtime_ms < since_ms:
            return
        for line in _backwards(file):
            if stream.timestamps:
                yield _parse(line)
            elif len(line) <= MAX_LINE_BYTES:
                yield _FileLine(0, line, False)
            else:
                *parts, last = _cut(line)
                yield _FileLine(0, last, False)
                yield from (_FileLine(0, part, True) for part in reversed(parts))


def _parse(line: bytes) -> _FileLine:
    ms = parse_stamp(line)
    data = line[STAMP_BYTES:] if ms else line
    text = data.removesuffix(_MARKER) if len(data) > MAX_LINE_BYTES else data
    return _FileLine(ms, text, len(text) < len(data))


def _backwards(file: OpenFile) -> Iterator[bytes]:
    position, rest, is_last = file.size, b"", True
    while position:
        size = min(_BLOCK_BYTES, position)
        position -= size
        rest, *lines = (os.pread(file.fd, size, position) + rest).split(b"\n")
        if is_last and lines and not lines[-1]:
            lines.pop()
        is_last = False
        yield from reversed(lines)
        if len(rest) > _MAX_PARTIAL_BYTES:
            yield rest
            rest = b""
    if file.size:
        yield rest


def _cut(line: bytes) -> list[bytes]:
    """Split the line into the parts that `LineSplitter` made of it."""
    parts = []
    while len(line) > MAX_LINE_BYTES:
        end = cut_at(line[:MAX_LINE_BYTES])
        parts.append(line[:end])
        line = line[end:]
    return [*parts, line]
