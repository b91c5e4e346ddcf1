"""Follows logs: first the lines there are, then new ones, each exactly once."""

import asyncio
import heapq
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from typing import NamedTuple

from pmtui.control import LogLine, Stream
from pmtui.logs.process_log import ProcessLog
from pmtui.logs.ring_buffer import RawLine
from pmtui.logs.search.query import Query, RunRange, line_filters, search_and_mark
from pmtui.logs.search.threads import run_in_thread

BATCH_SIZE = 500
"""Lines of one process that are taken from memory at a time."""
THROTTLE_INTERVAL = 0.1
"""Seconds between two turns of a reader that bounds its rate."""
BURST_TIME = 4.0
"""Seconds after which such a reader may have that many seconds' lines at once."""
MAX_CATCH_UP_LINES = 50_000
"""Lines that are read back from the files for a slow reader; it misses older ones."""
PARTIAL_INTERVAL = 0.1
"""Seconds between two states of unfinished lines: a progress bar may change much more often."""
_SEARCH_TIMEOUT = 2.0  # for the lines of one turn


class MissedLines(NamedTuple):
    """Lines before the next one of that process that have left memory and files before they were read."""

    id: str
    lines: int


class Cursor:
    """How far the log of one process is read: `next` is the number of the next line."""

    def __init__(self, log: ProcessLog, following: int) -> None:
        self.log = log
        self.next = following
        self._backlog: list[RawLine] = []  # read back from the files, newest first

    async def read(self, limit: int | None = None) -> tuple[int, list[RawLine]]:
        """Return how many lines were missed, and the next ones, if any; of more than `limit` the newest."""
        missed = self._skip_to_last(limit) if limit is not None else 0
        if not self._backlog:
            lines = self.log.ring.raw(self.next, BATCH_SIZE)
            if lines and lines[0].seq == self.next:
                self.next += len(lines)
                return missed, lines
            missed += await self._read_back()
        lines = self._backlog[: -BATCH_SIZE - 1 : -1]
        del self._backlog[-BATCH_SIZE:]
        return missed, lines

    def _skip_to_last(self, count: int) -> int:
        begin, self.next = self.next, max(self.next, self.log.ring.end - count)
        skipped = self.next - begin
        if skipped:
            skipped += len(self._backlog)
            self._backlog = []
        return skipped

    async def _read_back(self) -> int:
        """Read the lines that have left memory, and return how many of them are missed."""
        begin, end = self.next, self.log.ring.start
        if end <= begin:
            return 0
        first = max(begin, end - MAX_CATCH_UP_LINES)
        self._backlog = await run_in_thread(lambda: read_back(self.log, first, end))
        self.next = end
        return end - begin - len(self._backlog)


class PartialLines:
    """The unfinished lines of several logs: which of them have changed since they were last reported."""

    def __init__(self, logs: Sequence[ProcessLog], query: Query) -> None:
        self.next_at: float | None = None
        """The monotonic time from which on `changed` may return more, although nothing is read."""
        self._logs = logs
        self._query = query
        self._reported: dict[tuple[str, Stream], RawLine] = {}
        self._last_at = 0.0

    def finished(self, line: LogLine | MissedLines) -> None:
        """A line of this stream is reported: an unfinished one before it is replaced."""
        if isinstance(line, LogLine):
            self._reported.pop((line.id, line.stream), None)

    def changed(self) -> list[LogLine]:
        """Return those to report now."""
        now = time.monotonic()
        found: list[tuple[str, RawLine]] = []
        times: list[float] = []
        for log in self._logs:
            lines, next_at = log.ring.partial_lines()
            found += [(log.process_id, line) for line in lines if self._is_new(log.process_id, line)]
            times += [] if next_at is None else [next_at]
        if found and now < self._last_at + PARTIAL_INTERVAL:
            times.append(self._last_at + PARTIAL_INTERVAL)
            found = []
        self.next_at = min(times, default=None)
        self._last_at = now if found else self._last_at
        self._reported |= {(process_id, line.stream): line for process_id, line in found}
        filters = line_filters(self._query, RunRange(), now + _SEARCH_TIMEOUT)
        return [self._query.show(line, name) for name, line in found if all(passes(line) for passes in filters)]

    def _is_new(self, process_id: str, line: RawLine) -> bool:
        reported = self._reported.get((process_id, line.stream))
        return reported is None or (reported.run, reported.data) != (line.run, line.data)


class _Turn(NamedTuple):
    id: str
    missed: int
    lines: list[RawLine]


class _Throttle:
    """Limits the lines of a stream: `rate` per second in the long run, more in a burst."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._credit = rate * BURST_TIME
        self._time = time.monotonic()

    async def wait_turn(self) -> int:
        """Wait until a turn is due; return how many lines of each process it may take."""
        while True:
            now = time.monotonic()
            self._credit = min(self._credit + (now - self._time) * self._rate, self._rate * BURST_TIME)
            self._time = now
            if self._credit >= 1:
                return min(BATCH_SIZE, int(self._credit))
            await asyncio.sleep(THROTTLE_INTERVAL)

    async def finish_turn(self, lines: int) -> None:
        self._credit -= lines
        await asyncio.sleep(THROTTLE_INTERVAL)


def read_back(log: ProcessLog, first: int, end: int) -> list[RawLine]:
    """Return the lines with numbers in `range(first, end)`, newest first. May wait for the disk."""
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
    """Yield the last lines that match `query` and all new ones, without end, ordered by time.

    For the ids in `after`, all lines after those numbers are yielded instead of the last ones; a number that is not
    reached yet belongs to a former manager, and stands for 0. A slow reader costs the processes nothing: lines wait in
    memory and in the files, and those that leave both are reported as MissedLines.
    """
    query = query or Query()
    after = after or {}
    appended = asyncio.Event()
    with ExitStack() as stack:
        for log in logs:
            stack.callback(log.ring.listen(_setter(appended)))
        begin = {log.process_id: _start_after(log, after[log.process_id]) for log in logs if log.process_id in after}
        past, ends = await search_and_mark([log for log in logs if log.process_id not in after], query)
        begin |= ends
        cursors = [Cursor(log, begin[log.process_id]) for log in logs]
        partials = PartialLines(logs, query)
        for old in past:
            yield old
        throttle = _Throttle(query.rate) if query.rate else None
        while True:
            appended.clear()
            allowed = await throttle.wait_turn() if throttle else None
            turns = [_Turn(cursor.log.process_id, *await cursor.read(allowed)) for cursor in cursors]
            for item in _matching(turns, query):
                partials.finished(item)
                yield item
            if any(turn.missed or turn.lines for turn in turns):
                await (throttle.finish_turn(sum(len(turn.lines) for turn in turns)) if throttle else asyncio.sleep(0))
                continue
            for line in partials.changed():
                yield line
            await _wait(appended, partials.next_at)


async def _wait(event: asyncio.Event, until: float | None) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(None if until is None else max(until - time.monotonic(), 0.0)):
            await event.wait()


def _setter(event: asyncio.Event) -> Callable[[], None]:
    loop = asyncio.get_running_loop()

    def set_event() -> None:
        if not event.is_set():
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(event.set)

    return set_event


def _start_after(log: ProcessLog, after: int) -> int:
    return after + 1 if after < log.ring.end else 1


def _matching(turns: Sequence[_Turn], query: Query) -> list[LogLine | MissedLines]:
    """Search all lines at once, so that the time limit does not include the reader's time."""
    filters = line_filters(query, RunRange(), time.monotonic() + _SEARCH_TIMEOUT)
    found: list[LogLine | MissedLines] = [MissedLines(turn.id, turn.missed) for turn in turns if turn.missed]
    tagged = [[(line, turn.id) for line in turn.lines] for turn in turns]
    for line, process_id in heapq.merge(*tagged, key=lambda pair: pair[0].ms):
        if all(passes(line) for passes in filters):
            found.append(query.show(line, process_id))
    return found
