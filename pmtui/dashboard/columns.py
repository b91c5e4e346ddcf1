"""Which columns the table shows in a given width, and how wide each is."""

from collections.abc import Sequence
from dataclasses import dataclass

from pmtui.dashboard.rows import COLUMNS, Column

GUTTER = 2
"""Cells before the first column: cursor and mark."""
GAP = 2
LONGEST_ID = 28
LONGEST_ID_WHEN_NARROW = 16
NARROW = 110
SHORTEST_ID = 6
COMFORT = 26
"""Cells that the reason should have before columns of the ranks from LUXURY on are shown."""
LUXURY = 5


@dataclass(frozen=True, slots=True)
class Placed:
    """A column at its place: `x` from the left edge of the table."""

    column: Column
    x: int
    width: int


def plan(width: int, longest_id: int, *, with_health: bool = True, with_ports: bool = True) -> Sequence[Placed]:
    """Drops columns by rank until the rest fits; what is left over goes to the last column, and to the ids."""
    wanted = [c for c in COLUMNS if (with_health or c.key != "health") and (with_ports or c.key != "port")]
    widths = {column.key: column.width for column in wanted}
    widths["id"] = max(SHORTEST_ID, min(LONGEST_ID if width >= NARROW else LONGEST_ID_WHEN_NARROW, longest_id))
    while droppable := [c for c in wanted if c.rank and c.key in widths]:
        last = max(droppable, key=lambda column: column.rank)
        reserve = COMFORT - widths["why"] if last.rank >= LUXURY else 0
        if _needed(widths) + reserve <= width:
            break
        del widths[last.key]
    spare = width - _needed(widths)
    if spare < 0:
        widths["id"] = max(SHORTEST_ID, widths["id"] + spare)
    elif "why" in widths:
        widths["why"] += spare
    return _place([column for column in wanted if column.key in widths], widths)


def _needed(widths: dict[str, int]) -> int:
    return GUTTER + sum(widths.values()) + GAP * (len(widths) - 1)


def _place(columns: Sequence[Column], widths: dict[str, int]) -> Sequence[Placed]:
    placed = []
    x = GUTTER
    for column in columns:
        placed.append(Placed(column, x, widths[column.key]))
        x += widths[column.key] + (1 if column.key == "cpu" and "spark" in widths else GAP)
    return placed
