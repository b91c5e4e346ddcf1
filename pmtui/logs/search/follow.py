"""The lines of processes as they come: first those there are, then the live ones, none twice and none left out."""

import asyncio
import heapq
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from typing import NamedTuple

from pmtui.control import LogLine
from pmtui.logs.process_log import ProcessLog
from pmtui.logs.ring_buffer import RawLine
from pmtui.logs.search.query import Query, RunRange, line_filters, search_and_mark
from pmtui.logs.search.threads import run_in_thread

BATCH_SIZE = 500
"""Lines of one process that are taken from memory at a time."""
MAX_CATCH_UP_LINES = 50_000
"""Lines that are read back from the files for a reader that is behind; what is older it misses."""
_SEARCH_TIMEOUT = 2.0  # for the search in the lines of one turn


class MissedLines(NamedTuple):
    """Lines before the next one of that process that the reader was too slow for: they have left memory and files."""

    id: str
    lines: int


class Cursor:
    """How far one process's lines have been given: `next` is the number of the line to come."""

    def __init__(self, log: ProcessLog, following: int) -> None:
        self.log = log
        self.next = following
        self._backlog: list[RawLine] = []  # back from the files and not given yet, newest first

    async def read(self) -> tuple[int, list[RawLine]]:
        """The next lines, and how many before them are missed. Nothing when all are taken."""
        missed = 0
        if not self._backlog:
            lines = self.log.ring.raw(self.next, BATCH_SIZE)
            if lines and lines[0].seq == self.next:
                self.next += len(lines)
                return 0, lines
            missed = await self._read_back()
        lines = self._backlog[: -BATCH_SIZE - 1 : -1]
        del self._backlog[-BATCH_SIZE:]
        return missed, lines

    async def _read_back(self) -> int:
        """Reads what has left memory, and gives how many of those lines are missed."""
        begin, end = self.next, self.log.ring.start
        if end <= begin:
            return 0
        first = max(begin, end - MAX_CATCH_UP_LINES)
        self._backlog = await run_in_thread(lambda: read_back(self.log, first, end))
        self.next = end
        return end - begin - len(self._backlog)


def read_back(log: ProcessLog, first: int, end: int) -> list[RawLine]:
    """The lines with numbers in `range(first, end)`, newest first, in a thread that may wait for the disk."""
    found = []
    with closing(log.newest_first(below=end)) as lines:
        for line in lines:
            if line.seq < first:
                break
            found.append(line)
    return found


async def follow(
    logs: Sequence[ProcessLog], query: Query | None = None, after: Mapping[str, int] | None = None
) -> AsyncGenerator[LogLine | MissedLines, None]:
    """The last lines that fit `query`, and all that come; of the ids in `after` all behind those numbers instead.

    Lines of several processes are in the order of their times. It never ends by itself. A slow reader costs the
    processes nothing: what it has not taken waits in memory and in the files, and what leaves both is told as `Missed`.
    A number that has not been reached is of a former manager: all lines of this one are given.
    """
    query = query or Query()
    after = after or {}
    come = asyncio.Event()
    loop = asyncio.get_running_loop()

    def tell() -> None:
        if not come.is_set():
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(come.set)

    with ExitStack() as stack:
        for log in logs:
            stack.callback(log.ring.listen(tell))
        begin = {log.process_id: _start_after(log, after[log.process_id]) for log in logs if log.process_id in after}
        past, ends = await search_and_mark([log for log in logs if log.process_id not in after], query)
        begin |= ends
        places = [Cursor(log, begin[log.process_id]) for log in logs]
        for old in past:
            yield old
        while True:
            come.clear()
            turn = [(place, *await place.read()) for place in places]
            for place, missed, _ in turn:
                if missed:
                    yield MissedLines(place.log.process_id, missed)
            tests = line_filters(query, RunRange(), time.monotonic() + _SEARCH_TIMEOUT)
            taken = [[(line, place.log.process_id) for line in lines] for place, _, lines in turn]
            for line, process_id in heapq.merge(*taken, key=lambda taken: taken[0].ms):
                if all(test(line) for test in tests):
                    yield query.show(line, process_id)
            if any(missed or lines for _, missed, lines in turn):
                await asyncio.sleep(0)
            else:
                await come.wait()


def _start_after(log: ProcessLog, after: int) -> int:
    return after + 1 if after < log.ring.end else 1
