"""Searches logs: the last matching lines, of one process or of several by time."""

import heapq
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Literal, NamedTuple, cast

from pmtui.control import MAX_LINES, Level, LogLine, Stream
from pmtui.logs.process_log import STREAMS, ProcessLog
from pmtui.logs.ring_buffer import MAX_NUMBER, RawLine
from pmtui.logs.search.levels import LEVELS, level_of, parse_level
from pmtui.logs.search.terms import LineTest, parse_field_tests, parse_terms
from pmtui.logs.search.threads import run_in_thread
from pmtui.text.regex import Pattern
from pmtui.text.timestamps import parse_time

SEARCH_TIMEOUT = 10.0
"""Seconds after which a search is given up."""
WINDOW_LINES = 1000
"""Lines that are read at a time to go forwards."""
TOO_LONG = "the search took too long; ask for less"
RunName = Literal["current", "previous"] | int


class QueryError(ValueError):
    """The query is invalid or takes too long; the message names the parameter."""


@dataclass(frozen=True)
class Query:
    """Selects the last `lines` of those that match all other fields. Times are milliseconds, both ends included.

    With `after`, selects the first `lines` with numbers above that one instead, of one log.

    `level` selects that level and worse ones. Lines of unknown time match neither `since_ms` nor `until_ms`.
    """

    lines: int = 100
    stream: Stream | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    pattern: Pattern | None = None
    run: RunName | None = None
    level: Level | None = None
    tests: Sequence[LineTest] = ()
    before: int = MAX_NUMBER
    after: int | None = None
    raw: bool = False
    rate: int | None = None

    def show(self, line: RawLine, process_id: str) -> LogLine:
        return line.to_raw_log_line(process_id) if self.raw else line.to_log_line(process_id)


def parse_query(parameters: Mapping[str, str]) -> Query:
    """Parse the parameters of a log query by their names in the API. Raises QueryError.

    Times are RFC 3339, or a duration such as `5m` before now.
    """
    parsed: dict[str, Any] = {}
    for name, (field, parse) in _PARSERS.items():
        if text := parameters.get(name):
            try:
                value = parse(text)
                parsed[field] = [*parsed.get(field, ()), *value] if field == "tests" else value
            except ValueError as error:
                raise QueryError(f"{name}: {error}") from error
    return Query(**parsed)


async def search(logs: Sequence[ProcessLog], query: Query, seconds: float = SEARCH_TIMEOUT) -> list[LogLine]:
    """Return the matching lines, oldest first, from memory and, if that is not enough, from the files.

    Searches in a thread. Raises QueryError after `seconds`.
    """
    return await run_in_thread(lambda: search_now(logs, query, time.monotonic() + seconds))


async def search_and_mark(logs: Sequence[ProcessLog], query: Query) -> tuple[list[LogLine], dict[str, int]]:
    """As `search`, but also return for every id the number of the first line that was not searched."""

    def search_from_here() -> tuple[list[LogLine], dict[str, int]]:
        ends = {log.process_id: log.ring.end for log in logs}  # only now: the thread may have started late
        return search_now(logs, query, time.monotonic() + SEARCH_TIMEOUT, ends), ends

    return await run_in_thread(search_from_here) if logs else ([], {})


def search_now(
    logs: Sequence[ProcessLog], query: Query, deadline: float, before: Mapping[str, int] | None = None
) -> list[LogLine]:
    """As `search`, in the caller's thread, and only lines with numbers below `before`."""
    ends = {log.process_id: min(query.before, (before or {}).get(log.process_id, MAX_NUMBER)) for log in logs}
    try:
        if query.after is not None:
            return [line for log in logs[:1] for line in _first_lines(log, query, deadline, query.after)]
        return _last_lines(logs, query, deadline, ends)
    except TimeoutError:
        raise QueryError(TOO_LONG) from None


def _last_lines(logs: Sequence[ProcessLog], query: Query, deadline: float, ends: Mapping[str, int]) -> list[LogLine]:
    with ExitStack() as stack:
        matching = [
            stack.enter_context(closing(_matching_lines(log, query, deadline, ends[log.process_id]))) for log in logs
        ]
        merged = heapq.merge(*matching, key=lambda match: match[0].ms, reverse=True)
        newest = list(islice(merged, min(query.lines, MAX_LINES)))
    return [query.show(line, process_id) for line, process_id in reversed(newest)]


def _first_lines(log: ProcessLog, query: Query, deadline: float, after: int) -> list[LogLine]:
    """Return the first matching lines above a number: reads backwards from a line a window further, and so on."""
    found, last = list[LogLine](), min(query.before, log.ring.end) - 1
    wanted = min(query.lines, MAX_LINES)
    position = max(after, log.oldest_number(deadline) - 1)
    while position < last and len(found) < wanted:
        end = min(position + WINDOW_LINES, last)
        with closing(_matching_lines(log, query, deadline, end + 1, position + 1)) as lines:
            found += reversed([query.show(line, process_id) for line, process_id in lines])
        position = end
    return found[:wanted]


class RunRange(NamedTuple):
    """The lines of one run: by number if this manager started it, else by time."""

    first: int = -MAX_NUMBER
    end: int = MAX_NUMBER
    begin_ms: int = 0
    end_ms: int = MAX_NUMBER

    def contains(self, line: RawLine) -> bool:
        return self.first <= line.seq < self.end and self.begin_ms <= line.ms < self.end_ms


def run_range(log: ProcessLog, run: RunName) -> RunRange | None:
    """Return the range of the newest run of that name or number, or None. Reads a file."""
    former, runs = log.former_runs(), log.runs
    known = [*former, *runs]
    ends = {"current": len(known) - 1, "previous": len(known) - 2}
    numbers = [run.number for run in known]
    index = ends[run] if isinstance(run, str) else max((i for i, n in enumerate(numbers) if n == run), default=-1)
    if index < 0:
        return None
    following = known[index + 1] if index + 1 < len(known) else None
    if index >= len(former):
        return RunRange(first=known[index].first, end=following.first if following else MAX_NUMBER)
    return RunRange(end=1, begin_ms=known[index].ms, end_ms=following.ms if following else MAX_NUMBER)


def _matching_lines(
    log: ProcessLog, query: Query, deadline: float, end: int, first: int = -MAX_NUMBER
) -> Generator[tuple[RawLine, str], None, None]:
    run = run_range(log, query.run) if query.run is not None else RunRange()
    if run is None:
        return
    if query.since_ms is not None or query.until_ms is not None:
        until = MAX_NUMBER if query.until_ms is None else query.until_ms
        since_number, until_number = log.numbers_between(query.since_ms or 0, until, deadline)
        first, end = max(first, since_number), min(end, until_number)
    filters = line_filters(query, run, deadline)
    with closing(log.newest_first(query.since_ms or 0, end, deadline)) as lines:
        for line in lines:
            if line.seq < max(run.first, first):
                return
            if all(passes(line) for passes in filters):
                yield line, log.process_id


def line_filters(query: Query, run: RunRange, deadline: float) -> list[Callable[[RawLine], bool]]:
    filters: list[Callable[[RawLine], bool]] = []
    if query.run is not None:
        filters.append(run.contains)
    if query.stream:
        filters.append(lambda line: line.stream == query.stream)
    if query.since_ms is not None or query.until_ms is not None:
        since, until = max(query.since_ms or 0, 1), MAX_NUMBER if query.until_ms is None else query.until_ms
        filters.append(lambda line: since <= line.ms <= until)
    if level := query.level:
        wanted = LEVELS[LEVELS.index(level) :]
        filters.append(lambda line: level_of(line.text) in wanted)
    filters += [partial(_passes, test) for test in query.tests]
    if pattern := query.pattern:
        filters.append(lambda line: _is_in(pattern, line, deadline))
    return filters


def _passes(test: LineTest, line: RawLine) -> bool:
    return test(line.data, line.ms)


def _is_in(pattern: Pattern, line: RawLine, deadline: float) -> bool:
    if time.monotonic() > deadline:
        raise QueryError(TOO_LONG)
    return pattern.is_in(line.data)


def _parse_lines(text: str) -> int:
    if not text.isdecimal() or len(text) > 18:
        raise ValueError(f"expected a number of lines, got {text[:40]!r}")
    return min(int(text), MAX_LINES)


def _parse_stream(text: str) -> Stream:
    if text not in STREAMS:
        raise ValueError(f"expected stdout or stderr, got {text[:40]!r}")
    return text


def _parse_number(text: str) -> int:
    digits = text.removeprefix("-")
    if not digits.isdecimal() or len(digits) > 18:
        raise ValueError(f"expected the number of a line, got {text[:40]!r}")
    return int(text)


def _parse_raw(text: str) -> bool:
    return text.lower() == "true"


def _parse_rate(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text[:18]) <= MAX_LINES:
        raise ValueError(f"expected a number of lines per second from 1 to {MAX_LINES}, got {text[:40]!r}")
    return int(text)


def _parse_run(text: str) -> RunName:
    if text in ("current", "previous"):
        return cast("RunName", text)
    if not text.isdecimal() or len(text) > 18:
        raise ValueError(f'expected "current", "previous" or the number of a run, got {text[:40]!r}')
    return int(text)


def _parse_search(text: str) -> list[LineTest]:
    return parse_terms(text).tests


_PARSERS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "lines": ("lines", _parse_lines),
    "stream": ("stream", _parse_stream),
    "since": ("since_ms", parse_time),
    "until": ("until_ms", parse_time),
    "grep": ("pattern", Pattern),
    "field": ("tests", parse_field_tests),
    "search": ("tests", _parse_search),
    "run": ("run", _parse_run),
    "level": ("level", parse_level),
    "before": ("before", _parse_number),
    "after": ("after", _parse_number),
    "raw": ("raw", _parse_raw),
    "rate": ("rate", _parse_rate),
}
