"""Which lines a log pane shows: their source, filters, the search, and the part on the screen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from pmtui.control import Level
from pmtui.dashboard.log_view.display import display, level_of_line, plain_text
from pmtui.dashboard.log_view.entries import EntryLines, group
from pmtui.dashboard.log_view.lines import FilteredLines, Line, LineBuffer, Lines, PausedView
from pmtui.dashboard.log_view.options import RenderOptions
from pmtui.dashboard.log_view.rendering import line_strips, run_strip
from pmtui.dashboard.log_view.search import Finder, MatchCount, Search
from pmtui.dashboard.log_view.viewport import ScreenRow, Viewport
from pmtui.dashboard.style.glyphs import UNICODE, Glyphs
from pmtui.dashboard.style.styles import Styles, styles_for
from pmtui.logs.search.levels import ERROR_LEVELS, LEVELS

if TYPE_CHECKING:
    from pmtui.dashboard.log_view.selection import TextSelection

FRAME_INTERVAL = 0.1
"""Seconds between two frames; four times as long while the terminal has no focus."""
MAX_CACHED_STRIPS = 512


@dataclass(frozen=True)
class PaneState:
    """What the bar above the pane shows; `newer` counts the lines below a paused view."""

    follows: bool = True
    newer: int = 0
    search: str = ""
    filtered: bool = False
    count: MatchCount = MatchCount()  # noqa: RUF009
    errors: MatchCount = MatchCount()  # noqa: RUF009
    level: Level | None = None
    pretty: bool = True


class LogView(Widget):
    """Lines, and how they are followed, filtered, searched and turned into rows. `LogPane` draws them."""

    @dataclass
    class Changed(Message):
        """The bar above has to be updated."""

        state: PaneState

    @dataclass
    class ReachedTop(Message):
        """The reader has reached the oldest line in memory; there may be older ones in files."""

        held: PausedView

    @dataclass
    class Wrapped(Message):
        """A jump went on at the other end."""

        step: int

    def __init__(self, glyphs: Glyphs = UNICODE, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.glyphs = glyphs
        self.message = ""
        self.render_options = RenderOptions(width=0, pretty=True)
        self.state = PaneState()
        self.finder = Finder()
        self._lines: Lines = LineBuffer()
        self._viewport = Viewport(self._lines, self._rows_of)
        self._filtered = False
        self._level: Level | None = None
        self._selection: TextSelection | None = None
        self._strips: dict[tuple[Line, bool], Sequence[Strip]] = {}
        self._text_styles: Styles | None = None
        self._last_drawn: object = None
        self._frame: Sequence[ScreenRow] = ()
        self._ticks = 0

    def on_mount(self) -> None:
        self.set_interval(FRAME_INTERVAL, self._tick)

    @property
    def text_styles(self) -> Styles:
        self._text_styles = self._text_styles or styles_for(self.app)
        return self._text_styles

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
        return [self.text_of(row.line) for row in self._frame if row.sub == 0]

    def text_of(self, line: Line) -> str:
        """Return a line as it is shown, or all lines of a traceback."""
        if b"\n" in line.data:
            return plain_text(line)
        return display(line, self.render_options, self.text_styles, self.glyphs)[0].text

    def change(self, options: RenderOptions) -> None:
        """Redraw the lines with other options."""
        regroup = options.pretty != self.render_options.pretty
        self.render_options = options
        if regroup:
            self._start_view()
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

    def scroll_home(self, *_: object, **__: object) -> None:
        self._viewport.home()
        self._request_older()
        self._view_changed()

    def _request_older(self) -> None:
        held = self._viewport.held
        if held is not None and self._viewport.is_at_top:
            self.post_message(self.ReachedTop(held))

    def add_older(self, held: PausedView, lines: Sequence[Line]) -> None:
        """Add lines at the top without moving what is on the screen."""
        if self._viewport.held is held:
            entries = group(lines) if self.render_options.pretty else lines
            held.prepend([line for line in entries if self._is_wanted(line)])
            self._view_changed()

    def _start_view(self) -> None:
        lines: Lines = EntryLines(self._lines) if self.render_options.pretty else self._lines
        if self._filtered or self._level:
            lines = FilteredLines(lines, self._is_wanted)
        lines.pull()
        self._viewport = Viewport(lines, self._rows_of)
        self._viewport.height = self.size.height
        self._selection = None
        self._view_changed()
        self._forget_strips()

    def _view_changed(self) -> None:
        if self._viewport.follows:
            self.finder.set_current(None)
        self.finder.set_view(self._viewport.view)
        self.tick()

    def _is_wanted(self, line: Line) -> bool:
        if self._level and LEVELS.index(level_of_line(line) or "trace") < LEVELS.index(self._level):
            return False
        return not self._filtered or self.finder.matches(line)

    # finding

    def search(self, text: str) -> str:
        """Highlight matches; an empty text ends the search and its filter. Returns what is wrong with the text."""
        try:
            search = Search(text) if text else None
        except ValueError as error:
            return str(error)
        self.finder.set_search(search)
        self.render_options = replace(self.render_options, search=search)
        if self._filtered:
            self._filtered = bool(text)
            self._start_view()
        self.finder.set_view(self._viewport.view)
        self._forget_strips()
        return ""

    def toggle_filter(self) -> None:
        """Show only matching lines, or all again."""
        if self.finder.search is not None:
            self._filtered = not self._filtered
            self._start_view()

    def set_level(self, level: Level | None) -> None:
        """Show only lines of this level or a more severe one, or all."""
        self._level = level
        self._start_view()

    def find(self, step: int) -> bool:
        """Go to the next match (-1: the previous one), wrapping around; return False if there is none."""
        return self._jump(step, self.finder.matches).total > 0

    def find_error(self, step: int) -> bool:
        """Go to the next error; return False if there is none."""
        count = self._jump(step, lambda line: level_of_line(line) in ERROR_LEVELS)
        self.finder.errors = count
        return count.total > 0

    def _jump(self, step: int, wanted: Callable[[Line], bool]) -> MatchCount:
        self._pause_keeping_mark()
        before, held = self.finder.current, self._viewport.held
        if step > 0 and before is not None and held is not None:
            rest = held.lines(before + 1, held.end - before - 1)
            if not any(map(wanted, rest)):
                held.append_newer()
        count = self.finder.jump(self._viewport.view, step, wanted)
        current = self.finder.current
        if current is not None and count.total:
            self._viewport.show(current)
            self._forget_strips()
            if before is not None and (current - before) * step < 0:
                self.post_message(self.Wrapped(step))
        return count

    def _pause_keeping_mark(self) -> None:
        current = self.finder.current
        self._viewport.pause()
        self._view_changed()
        self.finder.set_current(current)

    # the marked line

    @property
    def marked(self) -> Line | None:
        """Return the line the reader is on."""
        current = self.finder.current
        found = self._viewport.view.lines(current, 1) if current is not None else ()
        return found[0] if found else None

    def mark(self, position: int | None) -> None:
        if position is not None:
            self._pause_keeping_mark()
        self.finder.set_current(position)
        self._forget_strips()

    def mark_last_visible(self) -> None:
        """Put the mark on the last line of the screen."""
        self._pause_keeping_mark()
        rows = self._viewport.rows()
        if rows:
            self.mark(rows[-1].line.position)

    def move_mark(self, step: int) -> None:
        """Move the mark by `step` lines; beyond the newest one follows."""
        view, current = self._viewport.view, self.finder.current
        if current is None:
            return
        place = max(view.start, current + step)
        if place >= view.end:
            self.scroll_rows(step)
            return
        self.finder.set_current(place)
        self._viewport.show(place)
        if place == view.start:
            self._request_older()
        self._forget_strips()

    # the frame

    def _tick(self) -> None:
        self._ticks += 1
        if self.app.screen is not self.screen and not self.app.screen.is_modal:
            return  # covered
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
            errors=self.finder.errors,
            level=self._level,
            pretty=self.render_options.pretty,
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
            styles, options = self.text_styles, self.render_options
            current = line.position == self.finder.current
            strips = line_strips(line, options, styles, self.glyphs, current=current)
            if begins_run:
                strips = [run_strip(line, options, styles, self.glyphs), *strips]
            if len(self._strips) > MAX_CACHED_STRIPS:
                self._strips.clear()
            self._strips[line, begins_run] = strips
        return strips

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._text_styles = None
        self._forget_strips()
