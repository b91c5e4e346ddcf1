"""Processes as a table that fits the width of the terminal."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from pmtui.cli.output import Output, cell_width, fit
from pmtui.control import Snapshot, explain
from pmtui.dashboard.style.statuses import status_label
from pmtui.text.formatting import duration, memory, percent

GAP = 2
MIN_REASON_WIDTH = 16


class TextColumn(NamedTuple):
    """A column. Columns of rank 0 are always shown; if space is short, the one of the highest rank is dropped first."""

    title: str
    rank: int
    is_number: bool
    text: Callable[[Snapshot, Output, float], str]


def status(row: Snapshot, output: Output, now: float) -> str:
    return status_label(row, now, output.glyphs).text


def if_alive(text: Callable[[Snapshot], str]) -> Callable[[Snapshot, Output, float], str]:
    return lambda row, output, now: text(row) if row.pid else output.glyphs.dash


COLUMNS = (
    TextColumn("ID", 0, False, lambda row, out, now: fit(row.id, out.width and out.width // 3, out.glyphs.ellipsis)),
    TextColumn("PID", 4, True, if_alive(lambda row: str(row.pid))),
    TextColumn("STATUS", 0, False, status),
    TextColumn("UPTIME", 2, True, if_alive(lambda row: duration(row.uptime_seconds))),
    TextColumn("RESTARTS", 3, True, lambda row, out, now: str(row.restart_count)),
    TextColumn("CPU%", 5, True, if_alive(lambda row: percent(row.cpu))),
    TextColumn("MEM", 5, True, if_alive(lambda row: memory(row.memory))),
    TextColumn("HEALTH", 7, False, lambda row, out, now: row.health or out.glyphs.dash),
    TextColumn("PORT", 6, True, lambda row, out, now: ",".join(map(str, row.ports)) or out.glyphs.dash),
    TextColumn("ORIGIN", 8, False, lambda row, out, now: "ad hoc" if row.origin == "adhoc" else out.glyphs.dash),
    TextColumn("GROUP", 8, False, lambda row, out, now: row.group or out.glyphs.dash),
)
OPTIONAL = ("HEALTH", "PORT", "ORIGIN", "GROUP")
"""Omitted if no process has a value for them."""


def table(rows: Sequence[Snapshot], output: Output, now: float) -> list[str]:
    """Return the lines of the table. The reason of each status takes what is left of the width."""
    texts = {column.title: [column.text(row, output, now) for row in rows] for column in COLUMNS}
    columns = [c for c in COLUMNS if c.title not in OPTIONAL or set(texts[c.title]) - {output.glyphs.dash}]
    widths = {c.title: max([len(c.title), *map(cell_width, texts[c.title])]) for c in columns}
    reasons = [explain(row) for row in rows]
    longest = max(map(cell_width, reasons), default=0)
    columns = fit_columns(columns, widths, output.width, min(longest, MIN_REASON_WIDTH))
    room = None if output.width is None else output.width - total_width(columns, widths) - GAP
    has_reason = longest > 0 and (room is None or room >= min(longest, MIN_REASON_WIDTH))
    titles = "".join(pad_cell(c.title, c, widths) for c in columns) + ("WHY" if has_reason else "")
    lines = [output.paint(titles.rstrip(), "dim")]
    for index, row in enumerate(rows):
        cells = [
            output.paint(
                pad_cell(texts[c.title][index], c, widths),
                status_label(row, now, output.glyphs).tone if c.text is status else "",
            )
            for c in columns
        ]
        if row.urls:
            linked = [link_port(cell, row, output) for cell in cells]
            cells = [new if c.title == "PORT" else old for c, old, new in zip(columns, cells, linked, strict=True)]
        reason = output.paint(fit(reasons[index], room, output.glyphs.ellipsis), "dim") if has_reason else ""
        lines.append(f"{''.join(cells)}{reason}".rstrip())
    return lines


def link_port(cell: str, row: Snapshot, output: Output) -> str:
    text = cell.strip()
    return cell.replace(text, output.link(text, row.urls[0]), 1)


def fit_columns(columns: list[TextColumn], widths: dict[str, int], width: int | None, reserve: int) -> list[TextColumn]:
    """Return the columns that fit beside `reserve` cells for the reason."""
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
