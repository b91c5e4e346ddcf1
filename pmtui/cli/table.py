"""Processes as a table that fits the width it has."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from pmtui.cli.output import Output, cell_width, fit
from pmtui.control import Snapshot, Status, explain
from pmtui.dashboard.style.glyphs import STATUS_TONES
from pmtui.text.formatting import countdown, duration, epoch_seconds, memory, percent

GAP = 2
MIN_REASON_WIDTH = 16


class TextColumn(NamedTuple):
    """Those of rank 0 are always there; the highest rank goes first when it gets narrow."""

    title: str
    rank: int
    is_number: bool
    text: Callable[[Snapshot, Output, float], str]


def status(row: Snapshot, ink: Output, now: float) -> str:
    text = f"{ink.glyphs.status[row.status]} {row.status}"
    if row.status is Status.CRASHED and row.next_start:
        text += f" {countdown(epoch_seconds(row.next_start) - now)}"
    return text


def if_alive(text: Callable[[Snapshot], str]) -> Callable[[Snapshot, Output, float], str]:
    return lambda row, ink, now: text(row) if row.pid else ink.glyphs.dash


COLUMNS = (
    TextColumn("ID", 0, False, lambda row, ink, now: fit(row.id, ink.width and ink.width // 3, ink.glyphs.ellipsis)),
    TextColumn("PID", 4, True, if_alive(lambda row: str(row.pid))),
    TextColumn("STATUS", 0, False, status),
    TextColumn("UPTIME", 2, True, if_alive(lambda row: duration(row.uptime_seconds))),
    TextColumn("RESTARTS", 3, True, lambda row, ink, now: str(row.restart_count)),
    TextColumn("CPU%", 5, True, if_alive(lambda row: percent(row.cpu))),
    TextColumn("MEM", 5, True, if_alive(lambda row: memory(row.memory))),
    TextColumn("HEALTH", 7, False, lambda row, ink, now: row.health or ink.glyphs.dash),
    TextColumn("PORT", 6, True, lambda row, ink, now: ",".join(map(str, row.ports)) or ink.glyphs.dash),
    TextColumn("GROUP", 8, False, lambda row, ink, now: row.group or ink.glyphs.dash),
)
OPTIONAL = ("HEALTH", "PORT", "GROUP")
"""Left out where no process has any."""


def table(rows: Sequence[Snapshot], ink: Output, now: float) -> list[str]:
    """The lines of the table; what made each process so stands in what is left of the width."""
    texts = {column.title: [column.text(row, ink, now) for row in rows] for column in COLUMNS}
    columns = [c for c in COLUMNS if c.title not in OPTIONAL or set(texts[c.title]) - {ink.glyphs.dash}]
    widths = {c.title: max(len(c.title), *map(cell_width, texts[c.title])) if rows else len(c.title) for c in columns}
    whys = [explain(row) for row in rows]
    longest = max(map(cell_width, whys), default=0)
    columns = fit_columns(columns, widths, ink.width, min(longest, MIN_REASON_WIDTH))
    left = None if ink.width is None else ink.width - total_width(columns, widths) - GAP
    has_why = longest > 0 and (left is None or left >= min(longest, MIN_REASON_WIDTH))
    titles = "".join(pad_cell(c.title, c, widths) for c in columns) + ("WHY" if has_why else "")
    lines = [ink.paint(titles.rstrip(), "dim")]
    for place, row in enumerate(rows):
        pieces = []
        for column in columns:
            piece = pad_cell(texts[column.title][place], column, widths)
            pieces.append(ink.paint(piece, STATUS_TONES[row.status]) if column.title == "STATUS" else piece)
        if has_why:
            pieces.append(ink.paint(fit(whys[place], left, ink.glyphs.ellipsis), "dim"))
        lines.append("".join(pieces).rstrip())
    return lines


def fit_columns(columns: list[TextColumn], widths: dict[str, int], width: int | None, reserve: int) -> list[TextColumn]:
    """As many of the columns as there is room for beside `reserve` for the last one."""
    columns = [*columns]
    while width is not None and total_width(columns, widths) + GAP * (reserve > 0) + reserve > width:
        last = max(columns, key=lambda column: column.rank)
        if not last.rank:
            break
        columns.remove(last)
    return columns


def total_width(columns: Sequence[TextColumn], widths: dict[str, int]) -> int:
    return sum(widths[column.title] for column in columns) + GAP * (len(columns) - 1)


def pad_cell(text: str, column: TextColumn, widths: dict[str, int]) -> str:
    blanks = " " * (widths[column.title] - cell_width(text))
    return (blanks + text if column.is_number else text + blanks) + " " * GAP
