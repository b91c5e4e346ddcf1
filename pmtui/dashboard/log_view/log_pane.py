"""The log of a process, drawn line by line: the pane pulls the visible lines ten times a second."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from pmtui.dashboard.actions import bindings
from pmtui.dashboard.log_view.lines import FilteredLines, Line, LineBuffer, Lines, PausedView
from pmtui.dashboard.log_view.rendering import RenderOptions, line_strips, run_strip, shown_text
from pmtui.dashboard.log_view.search import Finder, MatchCount, Search, is_error
from pmtui.dashboard.log_view.selection import CellPosition, TextSelection, highlight
from pmtui.dashboard.log_view.viewport import ScreenRow, Viewport
from pmtui.dashboard.style.formats import shorten
from pmtui.dashboard.style.glyphs import UNICODE, Glyphs, scrollbar_thumb
from pmtui.dashboard.style.styles import Styles, styles_for

FRAME_INTERVAL = 0.1
"""Seconds between two frames; four times as long while the terminal has no focus."""
WHEEL_ROWS = 3
SIDEWAYS_CELLS = 8
MAX_CACHED_STRIPS = 512


@dataclass(frozen=True)
class PaneState:
    """What the bar above the pane shows; `newer` counts the lines below a paused view."""

    follows: bool = True
    newer: int = 0
    search: str = ""
    filtered: bool = False
    count: MatchCount = MatchCount()  # noqa: RUF009


class LogPane(Widget, can_focus=True):
    """Show `Lines`: follow or pause, search, select and copy."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = bindings("log")
    DEFAULT_CSS = """
    LogPane { background: $background; }
    """

    @dataclass
    class Changed(Message):
        """The bar above has to be updated."""

        state: PaneState

    @dataclass
    class Copied(Message):
        """Text was selected with the mouse."""

        text: str

    @dataclass
    class ReachedTop(Message):
        """The reader has reached the oldest line in memory; there may be older ones in files."""

        held: PausedView

    @dataclass
    class Opened(Message):
        """The pane was double-clicked."""

    def __init__(self, glyphs: Glyphs = UNICODE, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.glyphs = glyphs
        self.message = ""
        self.render_options = RenderOptions(width=0)
        self.state = PaneState()
        self.finder = Finder()
        self._lines: Lines = LineBuffer()
        self._viewport = Viewport(self._lines, self._rows_of)
        self._filtered = False
        self._selection: TextSelection | None = None
        self._anchor: CellPosition | None = None
        self._follows_after_click = False
        self._strips: dict[tuple[Line, bool], Sequence[Strip]] = {}
        self._text_styles: Styles | None = None
        self._last_drawn: object = None
        self._frame: Sequence[ScreenRow] = ()
        self._ticks = 0

    def on_mount(self) -> None:
        self.set_interval(FRAME_INTERVAL, self._tick)

    # what is shown

    def show(self, lines: Lines, names: int = 0) -> None:
        """Show other lines, from their end; `names` is the width of a column with the process's id."""
        self._lines = lines
        self.render_options = replace(self.render_options, names=names, x=0)
        self._start_view()

    def everything(self) -> Sequence[Line]:
        """Return all lines that can be reached by scrolling, oldest first."""
        view = self._viewport.view
        return view.lines(view.start, view.end - view.start)

    @property
    def on_screen(self) -> Sequence[str]:
        """Return the texts of the visible lines."""
        return [shown_text(row.line)[0] for row in self._frame if row.sub == 0]

    def change(self, options: RenderOptions) -> None:
        """Redraw the lines with other options."""
        self.render_options = options
        self._forget_strips()

    def follow(self) -> None:
        self._viewport.follow()
        self._view_changed()

    def toggle_follow(self) -> None:
        if self._viewport.follows:
            self._viewport.pause()
            self._view_changed()
        else:
            self.follow()

    def scroll_rows(self, step: int) -> None:
        """Scroll by rows; scrolling up (negative) pauses."""
        followed = self._viewport.follows
        self._viewport.scroll(step)
        if followed != self._viewport.follows:
            self._view_changed()
        if step < 0:
            self._request_older()
        self.tick()

    def _request_older(self) -> None:
        held = self._viewport.held
        if held is not None and self._viewport.is_at_top:
            self.post_message(self.ReachedTop(held))

    def add_older(self, held: PausedView, lines: Sequence[Line]) -> None:
        """Add lines at the top without moving what is on the screen."""
        if self._viewport.held is held:
            wanted = [line for line in lines if self.finder.matches(line)] if self._filtered else lines
            held.prepend(wanted)
            self._view_changed()

    def action_cursor(self, step: int) -> None:
        self.scroll_rows(step)

    def action_page(self, step: int) -> None:
        self.scroll_rows(step * max(1, self.size.height - 1))

    def action_first(self) -> None:
        self._viewport.home()
        self._request_older()
        self._view_changed()

    def action_last(self) -> None:
        self.follow()

    def action_sideways(self, step: int) -> None:
        if not self.render_options.wrap:
            self.change(replace(self.render_options, x=max(0, self.render_options.x + step * SIDEWAYS_CELLS)))

    def _start_view(self) -> None:
        lines: Lines = FilteredLines(self._lines, self.finder.matches) if self._filtered else self._lines
        lines.pull()
        self._viewport = Viewport(lines, self._rows_of)
        self._viewport.height = self.size.height
        self._selection = None
        self._view_changed()
        self._forget_strips()

    def _view_changed(self) -> None:
        if self._viewport.follows:
            self.finder.current = None
        self.finder.set_view(self._viewport.view)
        self.tick()

    # finding

    def search(self, text: str) -> None:
        """Highlight matches; an empty text ends the search and its filter."""
        self.finder.search = Search(text) if text else None
        self.finder.current = None
        self.render_options = replace(self.render_options, search=self.finder.search)
        if self._filtered:
            self._filtered = bool(text)
            self._start_view()
        self.finder.set_view(self._viewport.view)
        self._forget_strips()

    def toggle_filter(self) -> None:
        """Show only matching lines, or all again."""
        if self.finder.search is not None:
            self._filtered = not self._filtered
            self._start_view()

    def find(self, step: int) -> bool:
        """Go to the next match (-1: the previous one), wrapping around; return False if there is none."""
        return self._jump(step, self.finder.matches)

    def find_error(self, step: int) -> bool:
        """Go to the next error; return False if there is none."""
        return self._jump(step, lambda line: is_error(line.data))

    def _jump(self, step: int, wanted: Callable[[Line], bool]) -> bool:
        current = self.finder.current
        self._viewport.pause()
        self._view_changed()
        self.finder.current = current
        place = self.finder.jump(self._viewport.view, step, wanted)
        if place is None:
            return False
        self._viewport.show(place)
        self._forget_strips()
        return True

    # the frame

    def _tick(self) -> None:
        self._ticks += 1
        if self.app.app_focus or self._ticks % 4 == 0:
            self.tick()

    def tick(self) -> None:
        """Redraw if anything has changed."""
        if not self.is_mounted or not self.display or not self.size.height:
            return
        viewport = self._viewport
        viewport.source.pull()
        self.finder.pull()
        seen = (viewport, viewport.view, viewport.state, self._selection, self.message)
        if seen != self._last_drawn:
            self._last_drawn = seen
            self._frame = viewport.rows()
            self.refresh()
        self._post_state()

    def _post_state(self) -> None:
        search = self.finder.search
        state = PaneState(
            follows=self._viewport.follows,
            newer=self._viewport.newer,
            search=search.text if search else "",
            filtered=self._filtered,
            count=self.finder.count,
        )
        if state != self.state:
            self.state = state
            self.post_message(self.Changed(state))

    def _forget_strips(self) -> None:
        self._strips.clear()
        self._last_drawn = None
        self.tick()

    def _rows_of(self, line: Line, begins_run: bool) -> Sequence[Strip]:
        strips = self._strips.get((line, begins_run))
        if strips is None:
            styles = self._text_styles = self._text_styles or styles_for(self.app)
            current = line.position == self.finder.current
            strips = line_strips(line, self.render_options, styles, self.glyphs, current=current)
            if begins_run:
                strips = [run_strip(line.run, self.render_options, styles, self.glyphs), *strips]
            if len(self._strips) > MAX_CACHED_STRIPS:
                self._strips.clear()
            self._strips[line, begins_run] = strips
        return strips

    def render_line(self, y: int) -> Strip:
        return self._bare_line(y).adjust_cell_length(self.size.width).apply_style(self.rich_style)

    def _bare_line(self, y: int) -> Strip:
        styles = self._text_styles = self._text_styles or styles_for(self.app)
        width = self.size.width
        if y >= len(self._frame):
            empty = not self._frame and y == min(1, self.size.height - 1)
            return Strip(
                [Segment("  " + shorten(self.message, width - 4, self.glyphs.ellipsis), styles["dim"])] if empty else []
            )
        row = self._frame[y]
        strip = row.strip
        if self._selection is not None:
            strip = self._with_selection(row, strip, styles)
        return Strip([*strip.adjust_cell_length(width - 1), self._scrollbar_cell(y, styles)])

    def _with_selection(self, row: ScreenRow, strip: Strip, styles: Styles) -> Strip:
        assert self._selection is not None
        options = self.render_options
        skipped = self._text_row(row) * options.text_width + options.x
        cells = self._selection.cells(row.line.position, cell_len(shown_text(row.line)[0]))
        begin, end = (max(0, min(options.text_width, cell - skipped)) for cell in (cells.start, cells.stop))
        return highlight(strip, options.prefix + begin, options.prefix + end, styles.selection)

    def _text_row(self, row: ScreenRow) -> int:
        """Return the row's index within its line's text, not counting a run separator."""
        return max(0, row.sub - ((row.line, True) in self._strips))

    def _scrollbar_cell(self, y: int, styles: Styles) -> Segment:
        view, height = self._viewport.view, self.size.height
        first = self._frame[0].line.position - view.start
        cells = scrollbar_thumb(first, len(self._frame), view.end - view.start, height)
        return Segment(self.glyphs.thumb if y in cells else " ", styles["dim"])

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._text_styles = None
        self._forget_strips()

    # the mouse

    def on_resize(self, event: events.Resize) -> None:
        self._viewport.height = event.size.height
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
        self._anchor = None
        self.release_mouse()
        if self._selection is not None:
            self.post_message(self.Copied(self.selected_text))
        elif self._follows_after_click:
            self.follow()

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
        return "\n".join(chosen.cut(line.position, shown_text(line)[0]) for line in lines)

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
