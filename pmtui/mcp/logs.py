"""Pages of a log: the newest lines that fit, or those after a cursor, in bounded memory."""

import time
from collections.abc import Iterable, Sequence
from typing import Protocol, Unpack

from pmtui.control import InvalidError, LogLine, PageQuery
from pmtui.mcp.budget import clamp, cut
from pmtui.text.formatting import printable

PAGE_LINES = 2000
"""Lines that are requested at most at a time."""
WINDOW_LINES = 20_000
"""Lines that one request searches for those that match."""
MAX_SECONDS = 5.0
"""How long one call searches for lines that match."""
START = "start"
"""The cursor before the oldest line."""
MIN_LINE_CHARS = 14
"""What a short line takes, with its time."""
MAX_NUMBER = 10**17
FOOTER_CHARS = 80
"""Characters kept for the last line of an answer, which has the cursor."""


class Fetch(Protocol):
    """`Control.logs`."""

    async def __call__(self, process_id: str, **query: Unpack[PageQuery]) -> Sequence[LogLine]: ...


async def read_page(fetch: Fetch, process_id: str, cursor: str, grep: str, level: str, max_chars: int) -> str:
    """Return lines and the cursor behind them. Raises InvalidError if an argument is invalid."""
    room = clamp(max_chars) - FOOTER_CHARS
    filters = PageQuery(lines=min(PAGE_LINES, room // MIN_LINE_CHARS + 1))
    if grep:
        filters["grep"] = grep
    if level:
        filters["level"] = level
    newest = await fetch(process_id, lines=1)
    end = newest[-1].seq if newest else 0
    if not cursor:
        return await _read_newest(fetch, process_id, filters, end, room)
    position = _parse_cursor(cursor)
    if position > end:
        note = "the log has begun again, probably with a new manager; these are its newest lines\n"
        return note + await _read_newest(fetch, process_id, filters, end, room - len(note))
    return await _read_after(fetch, process_id, filters, position, end, room)


async def _read_newest(fetch: Fetch, process_id: str, filters: PageQuery, end: int, room: int) -> str:
    query = PageQuery(before=end + 1)
    query.update(filters)
    kept = _fit(reversed(await fetch(process_id, **query)), room)
    return "\n".join([*reversed(kept), f"cursor: {end}" if kept else f"no lines; cursor: {end}"])


async def _read_after(fetch: Fetch, process_id: str, filters: PageQuery, position: int, end: int, room: int) -> str:
    deadline = time.monotonic() + MAX_SECONDS
    kept = list[str]()
    while position < end and not kept and time.monotonic() < deadline:
        last = min(position + WINDOW_LINES, end)
        query = PageQuery(after=position, before=last + 1)
        query.update(filters)
        found = await fetch(process_id, **query)
        kept = _fit(found, room)
        if kept:
            position = last if len(kept) == len(found) < filters["lines"] else found[len(kept) - 1].seq
        else:
            following = await fetch(process_id, lines=1, after=last)
            position = following[0].seq - 1 if following else end
    more = f" ({end - position} lines follow)" if position < end else ""
    return "\n".join([*kept, f"{'' if kept else 'no lines; '}cursor: {position}{more}"])


def _fit(lines: Iterable[LogLine], room: int) -> list[str]:
    """Return the first lines that fit: at least one, cut if it never fits."""
    kept = list[str]()
    for line in lines:
        text = format_line(line)
        if len(text) + 1 > room:
            kept += [cut(text, room)] if not kept else []
            break
        kept.append(text)
        room -= len(text) + 1
    return kept


def _parse_cursor(cursor: str) -> int:
    if cursor == START:
        return -MAX_NUMBER
    try:
        return max(-MAX_NUMBER, int(cursor))
    except ValueError:
        message = f"'{cut(cursor, 40)}' is no cursor; take it from the answer before, or '{START}' for the oldest lines"
        raise InvalidError(message) from None


def format_line(line: LogLine) -> str:
    """Return the line behind its time of day; stderr is marked."""
    mark = "! " if line.stream == "stderr" else ""
    return f"{line.time[11:19]} {mark}{printable(line.text)}"
