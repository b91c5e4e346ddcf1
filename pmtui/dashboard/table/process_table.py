"""The table of processes, drawn line by line: only cells that changed are repainted."""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from pmtui.control import Snapshot, Status
from pmtui.dashboard.actions import bindings
from pmtui.dashboard.backend.state import DashboardState
from pmtui.dashboard.style.formats import shorten
from pmtui.dashboard.style.glyphs import UNICODE, Glyphs, scrollbar_thumb
from pmtui.dashboard.style.statuses import is_problem
from pmtui.dashboard.style.styles import Styles, styles_for
from pmtui.dashboard.table.columns import SPARK_WIDTH, Cell, TableRow
from pmtui.dashboard.table.cursor import TableEntries
from pmtui.dashboard.table.layout import WIDE_STATUS_WIDTH, ColumnLayout, layout_columns
from pmtui.dashboard.table.rendering import header_line, row_cells, row_line, section_line
from pmtui.dashboard.table.sections import Entry, Section, key_of
from pmtui.dashboard.table.view import TableView

WHEEL_ROWS = 3
PROBLEM_PERIOD = 15.0
"""Seconds for which a process that has recovered stays among the problems, so that a crash loop does not jump."""
BESIDE_LOG_COLUMNS = ("id", "status", "cpu", "memory", "activity", "why")


class LineState(NamedTuple):
    """What determines how a line of the table looks. `cells` can change one by one."""

    rest: object
    cells: tuple[Cell, ...] = ()


class ProcessTable(TableEntries, Widget, can_focus=True):
    """Show snapshots. The cursor is a process id, not a row number, so sorting never moves it to another process."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = bindings("table")
    DEFAULT_CSS = """
    ProcessTable { background: $background; }
    """

    @dataclass
    class Selected(Message):
        """The cursor has moved to another process, to a section, or to nothing."""

        process_id: str | None

    @dataclass
    class Opened(Message):
        """A process was double-clicked."""

        process_id: str

    @dataclass
    class ViewChanged(Message):
        """The filter, the sort order or a fold has changed."""

        table_view: TableView

    def __init__(self, glyphs: Glyphs = UNICODE, *, id: str | None = None) -> None:
        Widget.__init__(self, id=id)
        TableEntries.__init__(self)
        self.glyphs = glyphs
        self.table_view = TableView()
        self.is_beside_log = False
        self._colored_ids: Mapping[str, int] = {}
        self._message = ""
        self._now = 0.0
        self._top = 0
        self._cpu: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=SPARK_WIDTH))
        self._problems: dict[str, float] = {}
        self._stopping: dict[str, float] = {}
        self._cells: dict[str, tuple[Snapshot, tuple[Cell, ...]]] = {}
        self._column_layout: Sequence[ColumnLayout] = []
        self._text_styles: Styles | None = None
        self._painted: list[LineState] = []

    # what is shown

    def show(self, state: DashboardState) -> None:
        for row in state.snapshots:
            self._cpu[row.id].append(row.cpu)
            if is_problem(row):
                self._problems[row.id] = state.now
        known = {row.id for row in state.snapshots}
        for gone in self._cpu.keys() - known:
            del self._cpu[gone]
        recent = {name: seen for name, seen in self._problems.items() if state.now - seen < PROBLEM_PERIOD}
        self._problems = {name: seen for name, seen in recent.items() if name in known}
        stopping = [row.id for row in state.snapshots if row.status is Status.STOPPING]
        self._stopping = {name: self._stopping.get(name, state.now) for name in stopping}
        self.marks &= known
        self._snapshots, self._now = state.snapshots, state.now
        self._cells.clear()
        self._update_entries()

    def set_view(self, view: TableView) -> None:
        if view != self.table_view:
            self.table_view = view
            self._update_entries()
            self._scroll_to_cursor()
            self.post_message(self.ViewChanged(view))

    @property
    def message(self) -> str:
        """Return the text shown instead of rows."""
        return self._message

    @message.setter
    def message(self, text: str) -> None:
        self._message = text
        self._repaint()

    def set_beside_log(self, beside: bool) -> None:
        """Show only the columns of a list, or all that fit."""
        if beside != self.is_beside_log:
            self.is_beside_log = beside
            self._update_columns()
            self._repaint()

    def color_ids(self, places: Mapping[str, int]) -> None:
        """Give ids the colors that they have in a merged log, by their places in the config; no places, no colors."""
        if places != self._colored_ids:
            self._colored_ids = places
            self._painted.clear()
            self._repaint()

    def _update_entries(self) -> None:
        before, was_visible = self._keys, 0 <= self.cursor_row < self.page
        self._entries = self.table_view.entries(self._snapshots, self._problems)
        keys = self._keys
        if self.cursor not in keys:
            ids = self.ids
            place = before.index(self.cursor) if self.cursor in before else None
            first = ids[0] if ids else None
            self.select(keys[min(place, len(keys) - 1)] if keys and place is not None else first)
        self._update_columns()
        self._clamp()
        if was_visible:
            self._scroll_to_cursor()
        self._repaint()

    # the cursor

    @property
    def cursor_row(self) -> int:
        """Return the cursor's row below the header; one outside of the page if it has been scrolled away."""
        keys = self._keys
        return keys.index(self.cursor) - self._top if self.cursor in keys else -1

    def select(self, key: str | None) -> None:
        """Move the cursor to a process, or to the header of a section."""
        if key != self.cursor:
            self.cursor = key
            self._scroll_to_cursor()
            self.post_message(self.Selected(self.selected))
            self._repaint()

    def move(self, step: int) -> None:
        """Move the cursor by `step` lines, stopping at the ends."""
        keys = self._keys
        if keys:
            place = keys.index(self.cursor) if self.cursor in keys else 0
            self.select(keys[max(0, min(len(keys) - 1, place + step))])
            self._scroll_to_cursor()

    def action_cursor(self, step: int) -> None:
        self.move(step)

    def action_page(self, step: int) -> None:
        self.move(step * max(1, self.page - 1))

    def action_first(self) -> None:
        self.move(-len(self._entries))

    def action_last(self) -> None:
        self.move(len(self._entries))

    def action_sideways(self, step: int) -> None:
        """Fold the section of the cursor, or unfold the one under it."""
        place = self._keys.index(self.cursor) if self.cursor in self._keys else 0
        above = [entry for entry in self._entries[: place + 1] if isinstance(entry, Section)]
        if above and above[-1].folded == (step > 0):
            self.toggle_fold(above[-1])

    def toggle_fold(self, section: Section) -> None:
        self.select(section.key)
        self.set_view(self.table_view.toggle_fold(section.key))

    def toggle_mark(self) -> None:
        """Mark or unmark what is under the cursor, and move to the next line."""
        if section := self.section:
            ids = {row.id for row in section.members}
            self.marks = self.marks - ids if ids <= self.marks else self.marks | ids
        elif self.selected:
            self.marks ^= {self.selected}
        self.move(1)
        self._repaint()

    def clear_marks(self) -> None:
        self.marks.clear()
        self._repaint()

    @property
    def page(self) -> int:
        """Return how many lines fit below the header."""
        return max(0, self.size.height - 1)

    @property
    def columns(self) -> Sequence[str]:
        """Return the keys of the visible columns."""
        return [placed.column.key for placed in self._column_layout]

    def _scroll_to_cursor(self) -> None:
        keys = self._keys
        if self.cursor in keys and self.page:
            place = keys.index(self.cursor)
            self._top = max(min(self._top, place), place - self.page + 1)
            self._clamp()
            self._repaint()

    def _clamp(self) -> None:
        self._top = max(0, min(self._top, len(self._entries) - self.page))

    # events

    def on_resize(self, event: events.Resize) -> None:
        self._update_columns()
        if self.cursor in self._keys and self._keys.index(self.cursor) < self.page:
            self._top = 0
        self._clamp()
        self._scroll_to_cursor()
        self._painted.clear()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._text_styles = None
        self._painted.clear()

    def on_focus(self) -> None:
        self._repaint()

    def on_blur(self) -> None:
        self._repaint()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._scroll(WHEEL_ROWS)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._scroll(-WHEEL_ROWS)

    def on_click(self, event: events.Click) -> None:
        if event.y == 0:
            self._click_header(event.x)
            return
        place = self._top + event.y - 1
        if not 0 <= place < len(self._entries):
            return
        entry = self._entries[place]
        self.select(key_of(entry))
        if isinstance(entry, Section):
            self.toggle_fold(entry)
        elif event.chain == 2:
            self.post_message(self.Opened(entry.id))

    def _click_header(self, x: int) -> None:
        for placed in self._column_layout:
            if placed.x <= x < placed.x + placed.width:
                key = "cpu" if placed.column.key == "spark" else placed.column.key
                self.set_view(self.table_view.sorted_by(key))

    def _scroll(self, step: int) -> None:
        self._top += step
        self._clamp()
        self._repaint()

    # drawing

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._entries) + 1

    def _update_columns(self) -> None:
        columns = layout_columns(
            self.size.width - 1,
            max((len(row.id) for row in self._snapshots), default=0),
            with_ports=any(row.ports for row in self._snapshots),
            only=BESIDE_LOG_COLUMNS if self.is_beside_log else (),
        )
        if columns != self._column_layout:
            self._column_layout = columns
            self._cells.clear()
            self._painted.clear()

    def _repaint(self) -> None:
        """Repaint the cells that differ from what is on the screen."""
        bar = self._scrollbar()
        lines = [self._line_state(y, bar) for y in range(self.size.height)]
        if len(self._painted) != len(lines):
            self.refresh()
        else:
            stale = [area for y, line in enumerate(lines) for area in self._changed_areas(y, line, self._painted[y])]
            if stale:
                self.refresh(*stale)
        self._painted = lines

    def _changed_areas(self, y: int, line: LineState, painted: LineState) -> Sequence[Region]:
        if line == painted:
            return []
        if line.rest != painted.rest or len(line.cells) != len(self._column_layout) != len(painted.cells):
            return [Region(0, y, self.size.width, 1)]
        changed = zip(self._column_layout, line.cells, painted.cells, strict=True)
        return [Region(placed.x, y, placed.width, 1) for placed, new, old in changed if new != old]

    def _scrollbar(self) -> range:
        page = self.page
        return scrollbar_thumb(self._top, page, len(self._entries), page)

    def _line_state(self, y: int, bar: range) -> LineState:
        if y == 0:
            return LineState((self.table_view.sort, self.table_view.is_descending))
        place = self._top + y - 1
        if place >= len(self._entries):
            return LineState(("" if self._entries else self.message, y - 1 in bar))
        entry = self._entries[place]
        flags = key_of(entry) == self.cursor and (1, self.has_focus), y - 1 in bar, bool(bar)
        if isinstance(entry, Section):
            return LineState((entry.title(self.glyphs), entry.folded and entry.summary(), *flags))
        return LineState((entry.id in self.marks, *flags), self._cells_of(entry))

    def _cells_of(self, snapshot: Snapshot) -> tuple[Cell, ...]:
        """Return the cells of a process, made once for each state that is shown."""
        known = self._cells.get(snapshot.id)
        if known is None or known[0] is not snapshot:
            known = self._cells[snapshot.id] = snapshot, row_cells(self._row(snapshot), self._column_layout)
        return known[1]

    def _row(self, snapshot: Snapshot) -> TableRow:
        status = next((placed.width for placed in self._column_layout if placed.column.key == "status"), 0)
        narrow, stopping = status < WIDE_STATUS_WIDTH, self._stopping.get(snapshot.id)
        return TableRow(snapshot, self._cpu[snapshot.id], self._now, self.glyphs, narrow, stopping)

    def render_line(self, y: int) -> Strip:
        return self._bare_line(y).adjust_cell_length(self.size.width).apply_style(self.rich_style)

    def _bare_line(self, y: int) -> Strip:
        styles = self._text_styles = self._text_styles or styles_for(self.app)
        place = self._top + y - 1
        if y == 0:
            return header_line(self._column_layout, self.table_view, self.glyphs, styles)
        if place < len(self._entries):
            return self._entry_strip(self._entries[place], y, styles)
        if not self._entries and self.message and y == min(2, self.size.height - 1):
            text = shorten(self.message, self.size.width - 4, self.glyphs.ellipsis)
            return Strip([Segment("  " + text, styles["dim"])])
        return Strip([])

    def _id_style(self, process_id: str, styles: Styles) -> Style:
        place = self._colored_ids.get(process_id)
        return styles["text"] if place is None else styles.id_style(place)

    def _entry_strip(self, entry: Entry, y: int, styles: Styles) -> Strip:
        selected = key_of(entry) == self.cursor
        marked = isinstance(entry, Snapshot) and entry.id in self.marks
        sign = self.glyphs.mark if marked else self.glyphs.cursor if selected else " "
        gutter = [Segment(sign, styles["warn" if marked else "accent"]), Segment(" ")]
        if isinstance(entry, Section):
            strip = section_line(entry, gutter, styles, self.glyphs)
        else:
            cells = self._cells_of(entry)
            style = self._id_style(entry.id, styles) + Style(bold=selected)
            strip = row_line(cells, self._column_layout, gutter, style, styles, self.glyphs.ellipsis)
        strip = strip.adjust_cell_length(self.size.width - 1)
        if selected:
            strip = strip.apply_style(styles.cursor if self.has_focus else styles.idle_cursor)
        return Strip([*strip, Segment(self.glyphs.thumb if y - 1 in self._scrollbar() else " ", styles["dim"])])
