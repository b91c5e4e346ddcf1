"""Draws an emulated terminal, row by row."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from pmtui.dashboard.terminal_view.palette import rich_style

if TYPE_CHECKING:
    from pmtui.terminal.emulator import Emulator

CURSOR = Style(reverse=True)


class TerminalWidget(Widget):
    """Shows the emulator's screen; where it is smaller than the widget, the rest is empty."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    TerminalWidget { height: 1fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.emulator: Emulator | None = None
        self._cursor_row = 0

    def redraw(self, rows: Iterable[int]) -> None:
        """Draw these rows, and those that the cursor has left and entered."""
        assert self.emulator
        touched = {*rows, self._cursor_row, self.emulator.cursor[1]}
        self._cursor_row = self.emulator.cursor[1]
        width = self.size.width
        self.refresh(*(Region(0, row, width, 1) for row in touched))

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        emulator = self.emulator
        if emulator is None or y >= emulator.size[1]:
            return Strip.blank(width)
        strip = Strip([Segment(text, rich_style(style)) for text, style in emulator.runs(y) if text])
        strip = strip.adjust_cell_length(width)
        column, row = emulator.cursor
        if row == y and emulator.is_cursor_visible and column < width:
            before, under, after = strip.divide([column, column + 1, width])
            strip = Strip.join([before, under.apply_style(CURSOR), after])
        return strip
