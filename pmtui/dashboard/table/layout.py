"""Which columns fit into a width, and how wide each is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pmtui.dashboard.table.columns import COLUMNS, Column

GUTTER = 2
"""Cells before the first column, for cursor and mark."""
GAP = 2
MAX_ID_WIDTH = 28
MAX_NARROW_ID_WIDTH = 16
NARROW_WIDTH = 110
MIN_ID_WIDTH = 6
WIDE_STATUS_WIDTH = 21
WIDE_STATUS_FROM = 118
"""Cells of a table in which the status has room for the number of retries."""
MIN_REASON_WIDTH = 26
"""Cells the reason needs before columns from OPTIONAL_RANK on are shown."""
OPTIONAL_RANK = 4


@dataclass(frozen=True, slots=True)
class ColumnLayout:
    """A column and its distance `x` from the left edge."""

    column: Column
    x: int
    width: int


def layout_columns(
    width: int, longest_id: int, *, with_ports: bool = True, only: Sequence[str] = ()
) -> Sequence[ColumnLayout]:
    """Drop columns by rank until the rest fits; the last column gets the remaining width.

    `only` names the columns of a table that stands beside the log.
    """
    wanted = [c for c in COLUMNS if (c.key in only if only else with_ports or c.key != "port")]
    widths = {column.key: column.width for column in wanted}
    is_narrow = width < NARROW_WIDTH
    widths["id"] = max(MIN_ID_WIDTH, min(MAX_NARROW_ID_WIDTH if is_narrow else MAX_ID_WIDTH, longest_id))
    if width >= WIDE_STATUS_FROM:
        widths["status"] = WIDE_STATUS_WIDTH
    while droppable := [c for c in wanted if c.rank]:
        last = max(droppable, key=lambda column: column.rank)
        reserve = MIN_REASON_WIDTH - widths["why"] if last.rank >= OPTIONAL_RANK and not only else 0
        if _right_edge(_place(wanted, widths, is_narrow)) + reserve <= width:
            break
        wanted.remove(last)
    spare = width - _right_edge(_place(wanted, widths, is_narrow))
    if spare < 0:
        widths["id"] = max(MIN_ID_WIDTH, widths["id"] + spare)
    elif wanted[-1].key == "why":
        widths["why"] += spare
    return _place(wanted, widths, is_narrow)


def _place(columns: Sequence[Column], widths: Mapping[str, int], is_narrow: bool) -> Sequence[ColumnLayout]:
    placed: list[ColumnLayout] = []
    for column in columns:
        x = _right_edge(placed) + _gap(column, is_narrow) if placed else GUTTER
        placed.append(ColumnLayout(column, x, widths[column.key]))
    return placed


def _right_edge(placed: Sequence[ColumnLayout]) -> int:
    return placed[-1].x + placed[-1].width


def _gap(column: Column, is_narrow: bool) -> int:
    """Return the cells before a column; right-aligned ones need fewer if space is short."""
    return 1 if column.key == "spark" or (is_narrow and column.align == "right") else GAP
