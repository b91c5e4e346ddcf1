"""The lines that left memory, read back from the files: newest first, each with its number, its time and its run.

A line that the present manager wrote has the number it had in memory: the files end with the last one written, and
`Order` knows which numbers each stream has. Lines of former managers are numbered 0, -1, -2, … backwards, in the order
of their times. Files without timestamps say nothing of times and runs; those of their lines are 0.
"""

import heapq
import math
import os
import time
from collections.abc import Iterator
from typing import NamedTuple

from pmtui.control import Stream
from pmtui.logs.capture.line_splitter import MAX_LINE_BYTES, cut_at
from pmtui.logs.files.log_file import Gap, OpenFile
from pmtui.logs.files.run_index import RunRecord, run_at, run_of
from pmtui.logs.files.stream_order import StreamOrder
from pmtui.logs.ring_buffer import MAX_NUMBER, RawLine
from pmtui.text.timestamps import STAMP_BYTES, parse_stamp

_BLOCK_BYTES = 256 << 10
_MAX_PARTIAL_BYTES = 16 << 20  # bytes of a line in a file that are too many to hold at once


class StreamFiles(NamedTuple):
    """The files of one stream at one moment, newest first; `last` is the number of the last line in them."""

    stream: Stream
    files: list[OpenFile]
    last: int
    gaps: list[Gap]
    timestamps: bool

    def close(self) -> None:
        for file in self.files:
            os.close(file.fd)


class _FoundLine(NamedTuple):
    key: tuple[bool, int]  # lines of known number by that, before all others by time
    seq: int | None
    ms: int
    stream: Stream
    data: bytes


def read_backwards(
    streams: list[StreamFiles],
    order: StreamOrder,
    runs: list[RunRecord],
    former: list[RunRecord],
    since_ms: int = 0,
    below: int = MAX_NUMBER,
    deadline: float = math.inf,
) -> Iterator[RawLine]:
    """The lines in the files with numbers below `below`, newest first, without files not written since `since_ms`.

    `runs` are those of this manager by number of line, `former` all that are remembered, by time. TimeoutError at
    `deadline`.
    """
    found = [_numbered(stream, order, since_ms, below, deadline) for stream in streams]
    number = max((stream.last for stream in streams), default=0) + 1
    for line in heapq.merge(*found, key=lambda line: line.key, reverse=True):
        if line.seq is not None:
            number = line.seq
            yield RawLine(number, line.ms, line.stream, run_of(runs, number), line.data)
            continue
        number = min(number - 1, order.floor - 1)
        if number < below:
            yield RawLine(number, line.ms, line.stream, run_at(former, line.ms), line.data)


def _numbered(
    stream: StreamFiles, order: StreamOrder, since_ms: int, below: int, deadline: float
) -> Iterator[_FoundLine]:
    numbers = order.numbers_backwards(stream.stream, stream.last)
    gaps = dict(stream.gaps)
    above: int | None = stream.last + 1
    for count, line in enumerate(_lines(stream, since_ms)):
        if count % 256 == 0 and time.monotonic() > deadline:
            raise TimeoutError
        seq = next(numbers, None)
        for _ in range(gaps.pop(above or 0, 1) - 1):  # the marker of a gap stands for all that is missing
            next(numbers, None)
        above = seq
        if seq is not None and seq >= below:
            continue
        ms = parse_stamp(line) if stream.timestamps else 0
        data = line[STAMP_BYTES:] if ms else line
        yield _FoundLine((False, ms) if seq is None else (True, seq), seq, ms, stream.stream, data)


def _lines(stream: StreamFiles, since_ms: int) -> Iterator[bytes]:
    for file in stream.files:
        if file.mtime_ms < since_ms:
            return
        for line in _backwards(file):
            if len(line) <= MAX_LINE_BYTES or stream.timestamps:
                yield line
            else:
                yield from reversed(_cut(line))


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
    """The parts that the sink made of it."""
    parts = []
    while len(line) > MAX_LINE_BYTES:
        end = cut_at(line[:MAX_LINE_BYTES])
        parts.append(line[:end])
        line = line[end:]
    return [*parts, line]
