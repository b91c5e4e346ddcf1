"""The lines of the process table as segments."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from pmtui.dashboard.style.formats import shorten
from pmtui.dashboard.style.glyphs import Glyphs, Tone
from pmtui.dashboard.style.styles import Styles
from pmtui.dashboard.table.columns import Cell, TableRow
from pmtui.dashboard.table.layout import GUTTER, ColumnLayout
from pmtui.dashboard.table.sections import NEEDS_A_LOOK, Section
from pmtui.dashboard.table.view import TableView


def row_cells(row: TableRow, columns: Sequence[ColumnLayout]) -> tuple[Cell, ...]:
    return tuple(placed.column.cell(row) for placed in columns)


def header_line(columns: Sequence[ColumnLayout], view: TableView, glyphs: Glyphs, styles: Styles) -> Strip:
    """Draw the titles, with an arrow on the sorted column."""
    texts = []
    for placed in columns:
        title = glyphs.restarts if placed.column.key == "restarts" else placed.column.title
        style = styles["dim"]
        if placed.column.key == view.sort:
            arrow = glyphs.falling if view.is_descending else glyphs.rising
            title, style = f"{title}{arrow}" if len(title) < placed.width else arrow, styles["accent"]
        texts.append((shorten(title, placed.width), style))
    return _line([Segment(" " * GUTTER)], columns, texts)


def row_line(
    cells: Sequence[Cell],
    columns: Sequence[ColumnLayout],
    gutter: Sequence[Segment],
    id_style: Style,
    styles: Styles,
    ellipsis: str,
) -> Strip:
    """Draw one process; `gutter` precedes its first column."""
    texts = [
        (
            shorten(cell.text, placed.width, ellipsis),
            id_style if placed.column.key == "id" else styles[cell.tone] + link_style(cell.url),
        )
        for placed, cell in zip(columns, cells, strict=True)
    ]
    return _line(gutter, columns, texts)


@lru_cache(maxsize=1024)
def link_style(url: str) -> Style:
    """Return the same style for the same address. Why: Rich makes each link different from all others."""
    return Style(link=url) if url else Style.null()


def section_line(section: Section, gutter: Sequence[Segment], styles: Styles, glyphs: Glyphs) -> Strip:
    """Draw the header of a section; a folded one says what its processes cost together."""
    tone: Tone = "warn" if section.key == NEEDS_A_LOOK else "accent"
    segments = [*gutter, Segment(section.title(glyphs), styles[tone])]
    if section.folded:
        segments.append(Segment(f"   {section.summary()}", styles["dim"]))
    return Strip(segments)


def _line(gutter: Sequence[Segment], columns: Sequence[ColumnLayout], texts: Iterable[tuple[str, Style]]) -> Strip:
    segments = list(gutter)
    x = GUTTER
    for placed, (text, style) in zip(columns, texts, strict=True):
        free = placed.width - cell_len(text)
        before = placed.x - x + (free if placed.column.align == "right" else 0)
        segments.append(Segment(" " * before))
        segments.append(Segment(text, style))
        segments.append(Segment(" " * (0 if placed.column.align == "right" else free)))
        x = placed.x + placed.width
    return Strip([segment for segment in segments if segment.text])
