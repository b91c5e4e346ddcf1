"""Counts the lines of log files by blocks, so that a page far from the end is found without splitting what follows it.

A whole block never changes, for files only grow: what was counted is kept, 16 bytes for a block, for the files that
were used last.
"""

import os
import threading
import time
from array import array
from bisect import bisect_left
from collections import OrderedDict
from typing import NamedTuple

from pmtui.logs.capture.line_splitter import MAX_LINE_BYTES
from pmtui.logs.files.log_file import OpenFile
from pmtui.text.timestamps import STAMP_BYTES, parse_stamp

BLOCK_BYTES = 256 << 10
_MAX_FILES = 2000
_WINDOW_BYTES = MAX_LINE_BYTES // 2  # if each has a newline, no line is too long
_SAMPLE_BYTES = 64


class LineCounts(NamedTuple):
    """The lines of one file: `before[n]` is the number of newlines before block n, the last one that of all.

    `times[n]` is when the first line that begins in block n was written, 0 if unknown. `has_long_lines`: one may be
    longer than MAX_LINE_BYTES.
    """

    before: "array[int]"
    times: "array[int]"
    lines: int
    has_long_lines: bool


def count_lines(file: OpenFile, deadline: float) -> LineCounts:
    """Raises TimeoutError at the monotonic `deadline`; what was counted until then is kept."""
    entry = _entry_of(file)
    before, times, has_long_lines = entry.extend(file, deadline)
    whole = len(times) * BLOCK_BYTES
    if whole < file.size:
        rest = os.pread(file.fd, file.size - whole, whole)
        before.append(before[-1] + rest.count(b"\n"))
        times.append(_first_time(rest, is_first=not whole))
        has_long_lines |= _may_have_long_line(rest)
    is_open = file.size > 0 and os.pread(file.fd, 1, file.size - 1) != b"\n"
    return LineCounts(before, times, before[-1] + is_open, has_long_lines)


def first_lines(file: OpenFile, counts: LineCounts, keep: int) -> OpenFile:
    """Return the file up to the end of line number `keep`; it has more."""
    if keep <= 0:
        return file._replace(size=0)
    block = bisect_left(counts.before, keep) - 1
    left, position = keep - counts.before[block], block * BLOCK_BYTES
    data = os.pread(file.fd, min(BLOCK_BYTES, file.size - position), position)
    end = -1
    for _ in range(left):
        end = data.index(b"\n", end + 1)
    return file._replace(size=position + end + 1)


def lines_of_block(file: OpenFile, block: int) -> tuple[bytes, int]:
    """Return the lines that begin in the block, behind its first newline, and how many newlines it has before them."""
    position = block * BLOCK_BYTES
    data = os.pread(file.fd, min(2 * BLOCK_BYTES, file.size - position), position)
    begin = data.find(b"\n", 0, BLOCK_BYTES) + 1 if block else 0
    end = data.find(b"\n", BLOCK_BYTES) + 1
    return data[begin:end] if end else data[begin:], int(begin > 0)


class _Entry:
    """What is known of one file."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forget()

    def extend(self, file: OpenFile, deadline: float) -> "tuple[array[int], array[int], bool]":
        """Count further blocks of the file, and return copies of the counts and times of its whole blocks."""
        wanted = file.size // BLOCK_BYTES
        with self._lock:
            if not self._is_still(file):
                self._forget()
            while len(self._times) < wanted:
                if time.monotonic() > deadline:
                    raise TimeoutError
                self._add(os.pread(file.fd, BLOCK_BYTES, len(self._times) * BLOCK_BYTES))
            return self._before[: wanted + 1], self._times[:wanted], self._has_long_lines

    def _add(self, block: bytes) -> None:
        if not self._times:
            self._head = block[:_SAMPLE_BYTES]
        self._tail = block[-_SAMPLE_BYTES:]
        self._before.append(self._before[-1] + block.count(b"\n"))
        self._has_long_lines |= _may_have_long_line(block)
        self._times.append(_first_time(block, is_first=not self._times))

    def _forget(self) -> None:
        self._before, self._times = array("Q", [0]), array("Q")
        self._has_long_lines = False
        self._head = self._tail = b""

    def _is_still(self, file: OpenFile) -> bool:
        """Return whether the file still begins, and goes on, with what was counted: it may be a new one."""
        end = len(self._times) * BLOCK_BYTES
        if not end:
            return True
        if os.fstat(file.fd).st_size < end:
            return False
        tail = os.pread(file.fd, _SAMPLE_BYTES, end - _SAMPLE_BYTES)
        return os.pread(file.fd, _SAMPLE_BYTES, 0) == self._head and tail == self._tail


_entries: OrderedDict[tuple[int, int], _Entry] = OrderedDict()
_entries_lock = threading.Lock()


def _entry_of(file: OpenFile) -> _Entry:
    status = os.fstat(file.fd)
    key = (status.st_dev, status.st_ino)
    with _entries_lock:
        entry = _entries.setdefault(key, _Entry())
        _entries.move_to_end(key)
        if len(_entries) > _MAX_FILES:
            _entries.popitem(last=False)
    return entry


def _first_time(block: bytes, *, is_first: bool) -> int:
    begin = 0 if is_first else block.find(b"\n") + 1
    return parse_stamp(block[begin : begin + STAMP_BYTES])


def _may_have_long_line(block: bytes) -> bool:
    ends = range(_WINDOW_BYTES, len(block) + 1, _WINDOW_BYTES)
    return any(block.find(b"\n", end - _WINDOW_BYTES, end) < 0 for end in ends)
