"""The log of a process, drawn line by line: the pane pulls the visible lines ten times a second."""

from dataclasses import dataclass, replace
from textwrap import wrap
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from pmtui.dashboard.actions import bindings
from pmtui.dashboard.log_view.lines import Line
from pmtui.dashboard.log_view.log_view import LogView
from pmtui.dashboard.log_view.selection import CellPosition, TextSelection, highlight
from pmtui.dashboard.log_view.viewport import ScreenRow
from pmtui.dashboard.style.glyphs import UNICODE, Glyphs, scrollbar_thumb

WHEEL_ROWS = 3
SIDEWAYS_CELLS = 8


class Drawing(NamedTuple):
    """What all lines of one picture have in common."""

    size: Size
    style: Style
    thumb: range


class LogPane(LogView, can_focus=True):
    """Draw the lines, and let the keyboard scroll and the mouse select and copy them."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = bindings("log")
    DEFAULT_CSS = """
    LogPane { background: $background; }
    """

    @dataclass
    class Copied(Message):
        """Text was selected with the mouse."""

        text: str

    @dataclass
    class Opened(Message):
        """The pane was double-clicked."""

    def __init__(self, glyphs: Glyphs = UNICODE, *, id: str | None = None) -> None:
        super().__init__(glyphs, id=id)
        self._anchor: CellPosition | None = None
        self._follows_after_click = False
        self._drawing: Drawing | None = None

    # keys

    def action_cursor(self, step: int) -> None:
        if self.finder.current is None:
            self.scroll_rows(step)
        else:
            self.move_mark(step)

    def action_page(self, step: int) -> None:
        self.scroll_rows(step * max(1, self.size.height - 1))

    def action_first(self) -> None:
        self.scroll_home()

    def action_last(self) -> None:
        self.follow()

    def action_sideways(self, step: int) -> None:
        if not self.render_options.wrap:
            self.change(replace(self.render_options, x=max(0, self.render_options.x + step * SIDEWAYS_CELLS)))

    # drawing

    def render_lines(self, crop: Region) -> list[Strip]:
        self._drawing = self._drawing_now()
        return super().render_lines(crop)

    def _drawing_now(self) -> Drawing:
        """Return what all lines have in common: to work it out takes longer than to draw one."""
        view, size = self._viewport.view, self.size
        thumb = range(0)
        if self._frame:
            first = self._frame[0].line.position - view.start
            thumb = scrollbar_thumb(first, len(self._frame), view.end - view.start, size.height)
        return Drawing(size, self.rich_style, thumb)

    def render_line(self, y: int) -> Strip:
        drawing = self._drawing = self._drawing or self._drawing_now()
        return self._bare_line(y, drawing).apply_style(drawing.style)

    def _bare_line(self, y: int, drawing: Drawing) -> Strip:
        styles, (width, height) = self.text_styles, drawing.size
        if y >= len(self._frame):
            rows = [] if self._frame else wrap(self.message, max(1, width - 4))
            place = y - min(1, height - 1)
            shown = [Segment("  " + rows[place], styles["dim"])] if 0 <= place < len(rows) else []
            return Strip(shown).adjust_cell_length(width)
        row = self._frame[y]
        strip = row.strip if self._selection is None else self._with_selection(row, self._selection)
        scrollbar = Segment(self.glyphs.thumb if y in drawing.thumb else " ", styles["dim"])
        return Strip([*strip.adjust_cell_length(width - 1), scrollbar], width)

    def _with_selection(self, row: ScreenRow, selection: TextSelection) -> Strip:
        options = self.render_options
        if b"\n" in row.line.data:
            chosen = selection.first.position <= row.line.position <= selection.last.position
            end = options.prefix + options.text_width if chosen else 0
            return highlight(row.strip, options.prefix, end, self.text_styles.selection)
        skipped = self._text_row(row) * options.text_width + options.x
        cells = selection.cells(row.line.position, cell_len(self.text_of(row.line)))
        begin, end = (max(0, min(options.text_width, cell - skipped)) for cell in (cells.start, cells.stop))
        return highlight(row.strip, options.prefix + begin, options.prefix + end, self.text_styles.selection)

    def _text_row(self, row: ScreenRow) -> int:
        """Return the row's index within its line's text, not counting a run separator."""
        return max(0, row.sub - ((row.line, True) in self._strips))

    # the mouse

    def on_resize(self, event: events.Resize) -> None:
        self._viewport.height = event.size.height
        if self.finder.current is not None:
            self._viewport.show(self.finder.current)
        self.change(replace(self.render_options, width=event.size.width - 1))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.scroll_rows(WHEEL_ROWS)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.scroll_rows(-WHEEL_ROWS)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        if event.button != 1 or not self._frame:
            return
        self.capture_mouse()
        self._follows_after_click = self._viewport.follows
        self._viewport.pause()
        self._selection = None
        self._view_changed()
        self._anchor = self._cell_position(event)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        head = self._cell_position(event)
        if self._anchor is not None and head is not None and (self._selection or head != self._anchor):
            self._selection = TextSelection(self._anchor, head)
            self.tick()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        if self._anchor is None:
            return
        anchor, self._anchor = self._anchor, None
        self.release_mouse()
        if self._selection is not None:
            self.post_message(self.Copied(self.selected_text))
        elif self._follows_after_click:
            self.follow()
        elif anchor is not None:
            self.mark(anchor.position)

    def on_click(self, event: events.Click) -> None:
        if event.chain == 2:
            self.post_message(self.Opened())

    @property
    def selected_text(self) -> str:
        """Return the selected text as it was written."""
        chosen = self._selection
        if chosen is None:
            return ""
        count = chosen.last.position - chosen.first.position + 1
        lines = self._viewport.view.lines(chosen.first.position, count)
        return "\n".join(self._selected_part(line, chosen) for line in lines)

    def _selected_part(self, line: Line, chosen: TextSelection) -> str:
        text = self.text_of(line)
        return text if b"\n" in line.data else chosen.cut(line.position, text)

    def clear_selection(self) -> bool:
        """Clear the selection; return False if there was none."""
        had = self._selection is not None
        self._selection = None
        self.tick()
        return had

    def _cell_position(self, event: events.MouseEvent) -> CellPosition | None:
        if not self._frame:
            return None
        row = self._frame[max(0, min(event.y, len(self._frame) - 1))]
        options = self.render_options
        cell = max(0, event.x - options.prefix) + self._text_row(row) * options.text_width + options.x
        return CellPosition(row.line.position, cell)
