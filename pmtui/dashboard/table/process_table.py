"""The table of processes, drawn line by line: only visible rows that changed are repainted."""

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from pmtui.control import Snapshot
from pmtui.dashboard.actions import bindings
from pmtui.dashboard.backend.state import DashboardState
from pmtui.dashboard.style.formats import shorten
from pmtui.dashboard.style.glyphs import UNICODE, Glyphs, scrollbar_thumb
from pmtui.dashboard.style.styles import Styles, styles_for
from pmtui.dashboard.table.columns import SPARK_WIDTH, TableRow
from pmtui.dashboard.table.layout import ColumnLayout, layout_columns
from pmtui.dashboard.table.rendering import header_line, row_cells, row_line
from pmtui.dashboard.table.view import TableView

WHEEL_ROWS = 3


class ProcessTable(Widget, can_focus=True):
    """Show snapshots. The cursor is a process id, not a row number, so sorting never moves it to another process."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = bindings("table")
    DEFAULT_CSS = """
    ProcessTable { background: $background; }
    """

    @dataclass
    class Selected(Message):
        """The cursor has moved to another process, or to none."""

        process_id: str | None

    @dataclass
    class Opened(Message):
        """A process was double-clicked."""

        process_id: str

    @dataclass
    class ViewChanged(Message):
        """The filter or the sort order has changed."""

        table_view: TableView

    def __init__(self, glyphs: Glyphs = UNICODE, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.glyphs = glyphs
        self.table_view = TableView()
        self.selected: str | None = None
        self.marks: set[str] = set()
        self._message = ""
        self._snapshots: Sequence[Snapshot] = []
        self._rows: list[Snapshot] = []
        self._now = 0.0
        self._top = 0
        self._cpu: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=SPARK_WIDTH))
        self._column_layout: Sequence[ColumnLayout] = []
        self._text_styles: Styles | None = None
        self._painted: list[object] = []

    # what is shown

    def show(self, state: DashboardState) -> None:
        snapshots = state.snapshots
        for row in snapshots:
            self._cpu[row.id].append(row.cpu)
        known = {row.id for row in snapshots}
        for gone in self._cpu.keys() - known:
            del self._cpu[gone]
        self.marks &= known
        self._snapshots, self._now = snapshots, state.now
        self._update_rows()

    def set_view(self, view: TableView) -> None:
        if view != self.table_view:
            self.table_view = view
            self._update_rows()
            self._scroll_to_selected()
            self.post_message(self.ViewChanged(view))

    @property
    def ids(self) -> Sequence[str]:
        """Return the shown processes, from top to bottom."""
        return [row.id for row in self._rows]

    @property
    def snapshot(self) -> Snapshot | None:
        """Return the process under the cursor."""
        return next((row for row in self._rows if row.id == self.selected), None)

    @property
    def chosen(self) -> Sequence[str]:
        """Return the marked processes, or the one under the cursor."""
        marked = [row.id for row in self._snapshots if row.id in self.marks]
        return marked or ([self.selected] if self.selected else [])

    @property
    def message(self) -> str:
        """Return the text shown instead of rows."""
        return self._message

    @message.setter
    def message(self, text: str) -> None:
        self._message = text
        self._repaint()

    def _update_rows(self) -> None:
        before = self.ids
        self._rows = self.table_view.rows(self._snapshots)
        ids = self.ids
        if self.selected not in ids:
            place = before.index(self.selected) if self.selected in before else 0
            self.select(ids[min(place, len(ids) - 1)] if ids else None)
        self._update_columns()
        self._clamp()
        self._repaint()

    # the cursor

    def select(self, process_id: str | None) -> None:
        if process_id != self.selected:
            self.selected = process_id
            self._scroll_to_selected()
            self.post_message(self.Selected(process_id))
            self._repaint()

    def move(self, step: int) -> None:
        """Move the cursor by `step` rows, stopping at the ends."""
        ids = self.ids
        if ids:
            place = ids.index(self.selected) if self.selected in ids else 0
            self.select(ids[max(0, min(len(ids) - 1, place + step))])
            self._scroll_to_selected()

    def action_cursor(self, step: int) -> None:
        self.move(step)

    def action_page(self, step: int) -> None:
        self.move(step * max(1, self.page - 1))

    def action_first(self) -> None:
        self.move(-len(self._rows))

    def action_last(self) -> None:
        self.move(len(self._rows))

    def toggle_mark(self) -> None:
        """Mark or unmark the process under the cursor, and move to the next one."""
        if self.selected:
            self.marks ^= {self.selected}
            self.move(1)
            self._repaint()

    def clear_marks(self) -> None:
        self.marks.clear()
        self._repaint()

    @property
    def page(self) -> int:
        """Return how many rows fit below the header."""
        return max(0, self.size.height - 1)

    @property
    def columns(self) -> Sequence[str]:
        """Return the keys of the visible columns."""
        return [placed.column.key for placed in self._column_layout]

    def _scroll_to_selected(self) -> None:
        ids = self.ids
        if self.selected in ids and self.page:
            place = ids.index(self.selected)
            self._top = max(min(self._top, place), place - self.page + 1)
            self._clamp()
            self._repaint()

    def _clamp(self) -> None:
        self._top = max(0, min(self._top, len(self._rows) - self.page))

    # events

    def on_resize(self, event: events.Resize) -> None:
        self._update_columns()
        self._clamp()
        self._scroll_to_selected()
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
        if 0 <= place < len(self._rows):
            self.select(self._rows[place].id)
            if event.chain == 2 and self.selected:
                self.post_message(self.Opened(self.selected))

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
        return len(self._snapshots) + 1

    def _update_columns(self) -> None:
        columns = layout_columns(
            self.size.width - 1,
            max((len(row.id) for row in self._snapshots), default=0),
            with_health=any(row.health for row in self._snapshots),
            with_ports=any(row.ports for row in self._snapshots),
        )
        if columns != self._column_layout:
            self._column_layout = columns
            self._painted.clear()

    def _repaint(self) -> None:
        """Repaint the lines that differ from what is on the screen."""
        lines = [self._row_state(y) for y in range(self.size.height)]
        if len(self._painted) != len(lines):
            self.refresh()
        else:
            stale = [y for y, line in enumerate(lines) if line != self._painted[y]]
            if stale:
                self.refresh(*(Region(0, y, self.size.width, 1) for y in stale))
        self._painted = list(lines)

    def _row_state(self, y: int) -> object:
        """Return everything that determines how line `y` looks."""
        bar = scrollbar_thumb(self._top, self.page, len(self._rows), self.page)
        if y == 0:
            return self.table_view.sort, self.table_view.is_descending, len(self.marks)
        place = self._top + y - 1
        if place >= len(self._rows):
            return "" if self._rows else self.message, y - 1 in bar
        row = self._rows[place]
        cells = row_cells(self._row(row), self._column_layout)
        return cells, row.id == self.selected and (1, self.has_focus), row.id in self.marks, y - 1 in bar, bool(bar)

    def _row(self, snapshot: Snapshot) -> TableRow:
        return TableRow(snapshot, self._cpu[snapshot.id], self._now, self.glyphs)

    def render_line(self, y: int) -> Strip:
        return self._bare_line(y).adjust_cell_length(self.size.width).apply_style(self.rich_style)

    def _bare_line(self, y: int) -> Strip:
        styles = self._text_styles = self._text_styles or styles_for(self.app)
        width = self.size.width
        place = self._top + y - 1
        if y == 0:
            return header_line(self._column_layout, self.table_view, self.glyphs, styles)
        if place < len(self._rows):
            return self._row_strip(self._rows[place], y, styles)
        if not self._rows and self.message and y == min(2, self.size.height - 1):
            return Strip([Segment("  " + shorten(self.message, width - 4, self.glyphs.ellipsis), styles["dim"])])
        return Strip([])

    def _row_strip(self, row: Snapshot, y: int, styles: Styles) -> Strip:
        selected = row.id == self.selected
        marked = row.id in self.marks
        sign = self.glyphs.mark if marked else self.glyphs.cursor if selected else " "
        gutter = [Segment(sign, styles["warn" if marked else "accent"]), Segment(" ")]
        cells = row_cells(self._row(row), self._column_layout)
        strip = row_line(
            cells, self._column_layout, gutter, styles["bold" if selected else "text"], styles, self.glyphs.ellipsis
        )
        strip = strip.adjust_cell_length(self.size.width - 1)
        if selected:
            strip = strip.apply_style(styles.cursor if self.has_focus else styles.idle_cursor)
        thumb_here = y - 1 in scrollbar_thumb(self._top, self.page, len(self._rows), self.page)
        return Strip([*strip, Segment(self.glyphs.thumb if thumb_here else " ", styles["dim"])])
