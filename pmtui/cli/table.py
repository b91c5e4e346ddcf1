"""Processes as a table that fits the width it has."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from pmtui.cli.output import TONES, Ink, cells, fitted
from pmtui.control import Snapshot, Status
from pmtui.text.formatting import countdown, duration, memory, percent, seconds_of
from pmtui.why import why

GAP = 2
LEAST_WHY = 16


class Column(NamedTuple):
    """Those of rank 0 are always there; the highest rank goes first when it gets narrow."""

    title: str
    rank: int
    is_number: bool
    text: Callable[[Snapshot, Ink, float], str]


def status(row: Snapshot, ink: Ink, now: float) -> str:
    text = f"{ink.glyphs.status[row.status]} {row.status}"
    if row.status is Status.CRASHED and row.next_start:
        text += f" {countdown(seconds_of(row.next_start) - now)}"
    return text


def alive(text: Callable[[Snapshot], str]) -> Callable[[Snapshot, Ink, float], str]:
    return lambda row, ink, now: text(row) if row.pid else ink.glyphs.dash


COLUMNS = (
    Column("ID", 0, False, lambda row, ink, now: fitted(row.id, ink.width and ink.width // 3, ink.glyphs.ellipsis)),
    Column("PID", 4, True, alive(lambda row: str(row.pid))),
    Column("STATUS", 0, False, status),
    Column("UPTIME", 2, True, alive(lambda row: duration(row.uptime_seconds))),
    Column("RESTARTS", 3, True, lambda row, ink, now: str(row.restart_count)),
    Column("CPU%", 5, True, alive(lambda row: percent(row.cpu))),
    Column("MEM", 5, True, alive(lambda row: memory(row.memory))),
    Column("HEALTH", 7, False, lambda row, ink, now: row.health or ink.glyphs.dash),
    Column("PORT", 6, True, lambda row, ink, now: ",".join(map(str, row.ports)) or ink.glyphs.dash),
    Column("GROUP", 8, False, lambda row, ink, now: row.group or ink.glyphs.dash),
)
OPTIONAL = ("HEALTH", "PORT", "GROUP")
"""Left out where no process has any."""


def table(rows: Sequence[Snapshot], ink: Ink, now: float) -> list[str]:
    """The lines of the table; what made each process so stands in what is left of the width."""
    texts = {column.title: [column.text(row, ink, now) for row in rows] for column in COLUMNS}
    columns = [c for c in COLUMNS if c.title not in OPTIONAL or set(texts[c.title]) - {ink.glyphs.dash}]
    widths = {c.title: max(len(c.title), *map(cells, texts[c.title])) if rows else len(c.title) for c in columns}
    whys = [why(row) for row in rows]
    longest = max(map(cells, whys), default=0)
    columns = chosen(columns, widths, ink.width, min(longest, LEAST_WHY))
    left = None if ink.width is None else ink.width - needed(columns, widths) - GAP
    has_why = longest > 0 and (left is None or left >= min(longest, LEAST_WHY))
    titles = "".join(placed(c.title, c, widths) for c in columns) + ("WHY" if has_why else "")
    lines = [ink.paint(titles.rstrip(), "dim")]
    for place, row in enumerate(rows):
        pieces = []
        for column in columns:
            piece = placed(texts[column.title][place], column, widths)
            pieces.append(ink.paint(piece, TONES[row.status]) if column.title == "STATUS" else piece)
        if has_why:
            pieces.append(ink.paint(fitted(whys[place], left, ink.glyphs.ellipsis), "dim"))
        lines.append("".join(pieces).rstrip())
    return lines


def chosen(columns: list[Column], widths: dict[str, int], width: int | None, reserve: int) -> list[Column]:
    """As many of the columns as there is room for beside `reserve` for the last one."""
    columns = [*columns]
    while width is not None and needed(columns, widths) + GAP * (reserve > 0) + reserve > width:
        last = max(columns, key=lambda column: column.rank)
        if not last.rank:
            break
        columns.remove(last)
    return columns


def needed(columns: Sequence[Column], widths: dict[str, int]) -> int:
    return sum(widths[column.title] for column in columns) + GAP * (len(columns) - 1)


def placed(text: str, column: Column, widths: dict[str, int]) -> str:
    blanks = " " * (widths[column.title] - cells(text))
    return (blanks + text if column.is_number else text + blanks) + " " * GAP
