"""Pages of a log: the newest lines that fit, or those after a cursor, in bounded memory."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol, Unpack

from pmtui.control import InvalidError, LogLine, LogQuery
from pmtui.logs.search.levels import LEVELS, parse_level
from pmtui.mcp.budget import clamp, cut
from pmtui.text.formatting import printable
from pmtui.text.regex import Pattern

PAGE_LINES = 500
"""Lines that are requested at a time."""
MAX_PAGES = 40
"""Pages that one call searches for lines that match."""
FOOTER_CHARS = 80
"""Characters kept for the last line of an answer, which has the cursor."""


class Fetch(Protocol):
    """`Control.logs`."""

    async def __call__(self, process_id: str, **query: Unpack[LogQuery]) -> Sequence[LogLine]: ...


async def read_page(fetch: Fetch, process_id: str, cursor: str, grep: str, level: str, max_chars: int) -> str:
    """Return lines and the cursor behind them. Raises InvalidError if an argument is invalid."""
    room = clamp(max_chars) - FOOTER_CHARS
    newest = await fetch(process_id, lines=1)
    end = newest[-1].seq if newest else 0
    if not cursor:
        return await _read_newest(fetch, process_id, grep, level, end, room)
    position = _parse_cursor(cursor)
    if position > end:
        note = "the log has begun again, probably with a new manager; these are its newest lines\n"
        return note + await _read_newest(fetch, process_id, grep, level, end, room - len(note))
    return await _read_after(fetch, process_id, _filter(grep, level), position, end, room)


async def _read_newest(fetch: Fetch, process_id: str, grep: str, level: str, end: int, room: int) -> str:
    query = LogQuery(lines=min(PAGE_LINES * 4, room // 14 + 1), before=end + 1)
    if grep:
        query["grep"] = grep
    if level:
        query["level"] = level
    kept = list[str]()
    for line in reversed(await fetch(process_id, **query)):
        text = format_line(line)
        if len(text) + 1 > room:
            kept += [cut(text, room)] if not kept else []
            break
        kept.append(text)
        room -= len(text) + 1
    return "\n".join([*reversed(kept), f"cursor: {end}" if kept else f"no lines; cursor: {end}"])


async def _read_after(
    fetch: Fetch, process_id: str, passes: Callable[[LogLine], bool], position: int, end: int, room: int
) -> str:
    kept, first = list[str](), position
    async for line in _pages(fetch, process_id, position, end):
        if passes(line):
            text = format_line(line)
            if len(text) + 1 > room:
                if not kept:  # a line that never fits would be in the way for ever
                    kept, first = [cut(text, room)], line.seq
                break
            kept.append(text)
            room -= len(text) + 1
        first = line.seq
    else:
        first = max(first, min(end, position + PAGE_LINES * MAX_PAGES))
    more = f" ({end - first} lines follow)" if first < end else ""
    return "\n".join([*kept, f"{'' if kept else 'no lines; '}cursor: {first}{more}"])


async def _pages(fetch: Fetch, process_id: str, position: int, end: int) -> AsyncIterator[LogLine]:
    for _ in range(MAX_PAGES):
        if position >= end:
            return
        upper = min(position + PAGE_LINES, end)
        for line in await fetch(process_id, lines=upper - position, before=upper + 1):
            if line.seq > position:
                yield line
        position = upper


def _filter(grep: str, level: str) -> Callable[[LogLine], bool]:
    try:
        pattern = Pattern(grep) if grep else None
        accepted = LEVELS[LEVELS.index(parse_level(level)) :] if level else None
    except ValueError as error:
        raise InvalidError(str(error)) from None

    def passes(line: LogLine) -> bool:
        if accepted and line.level not in accepted:
            return False
        return pattern is None or pattern.is_in(line.text.encode(errors="replace"))

    return passes


def _parse_cursor(cursor: str) -> int:
    try:
        return int(cursor)
    except ValueError:
        raise InvalidError(f"'{cut(cursor, 40)}' is no cursor; take the number from the answer before") from None


def format_line(line: LogLine) -> str:
    """Return the line behind its time of day; stderr is marked."""
    mark = "! " if line.stream == "stderr" else ""
    return f"{line.time[11:19]} {mark}{printable(line.text)}"
