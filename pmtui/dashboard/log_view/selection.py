"""A part of the log selected with the mouse."""

from dataclasses import dataclass
from functools import total_ordering

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from textual.strip import Strip


@total_ordering
@dataclass(frozen=True, slots=True)
class CellPosition:
    """A cell of a line's text: the line's position, and the number of cells before it."""

    position: int
    cell: int

    def __lt__(self, other: "CellPosition") -> bool:
        return (self.position, self.cell) < (other.position, other.cell)


@dataclass(frozen=True, slots=True)
class TextSelection:
    """From `anchor`, where the button was pressed, to `head`, where the mouse is; both included."""

    anchor: CellPosition
    head: CellPosition

    @property
    def first(self) -> CellPosition:
        return min(self.anchor, self.head)

    @property
    def last(self) -> CellPosition:
        return max(self.anchor, self.head)

    def cells(self, position: int, length: int) -> range:
        """Return the selected cells of a line whose text is `length` cells long."""
        if not self.first.position <= position <= self.last.position:
            return range(0)
        begin = self.first.cell if position == self.first.position else 0
        end = self.last.cell + 1 if position == self.last.position else length
        return range(min(begin, length), min(end, length))

    def cut(self, position: int, text: str) -> str:
        """Return the selected part of a line."""
        cells = self.cells(position, cell_len(text))
        begin = len(set_cell_size(text, cells.start).rstrip()) if cells.start else 0
        head = text[:begin]
        while cell_len(head) < cells.start and len(head) < len(text):
            head = text[: len(head) + 1]
        body = text[len(head) :]
        end = len(body)
        while end and cell_len(body[:end]) > len(cells):
            end -= 1
        return body[:end]


def highlight(strip: Strip, begin: int, end: int, style: Style) -> Strip:
    """Lay `style` over the cells from `begin` up to `end`."""
    if begin >= end:
        return strip
    length = strip.cell_length
    left, middle, right = strip.crop(0, begin), strip.crop(begin, end), strip.crop(end, length)
    return Strip.join([left, middle.apply_style(Style.null()) if not middle else _over(middle, style), right])


def _over(strip: Strip, style: Style) -> Strip:
    return Strip([segment._replace(style=(segment.style or Style.null()) + style) for segment in strip])
