"""One line of a log as a whole: its fields, or all lines of a traceback."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Literal

import msgspec
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from pmtui.dashboard.dialogs.dialog import Dialog
from pmtui.dashboard.log_view.display import LEVEL_TONES, plain_text
from pmtui.dashboard.log_view.lines import Line
from pmtui.dashboard.style.formats import clock_time, printable
from pmtui.dashboard.style.styles import Styles
from pmtui.logs.structure.record import Record, parse_record
from pmtui.text.sanitize import strip_escapes

EntryKind = Literal["line", "error", "match"]


class EntryDialog(Dialog[str]):
    """Scrolls, and goes on to other lines, errors and matches. `y` answers with the line as it was written."""

    DEFAULT_CSS = """
    EntryDialog > #box { width: 90%; }
    EntryDialog .body { width: 100%; }
    EntryDialog #text { width: 100%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,q", "leave", show=False),
        Binding("j,down", "scroll(1)", show=False),
        Binding("k,up", "scroll(-1)", show=False),
        Binding("left", "find('line', -1)", show=False),
        Binding("right", "find('line', 1)", show=False),
        Binding("E", "find('error', -1)", id="previous_error", show=False),
        Binding("e", "find('error', 1)", id="next_error", show=False),
        Binding("N", "find('match', -1)", id="previous_match", show=False),
        Binding("n", "find('match', 1)", id="next_match", show=False),
        Binding("y", "copy", show=False),
    ]
    hint = "j k scroll · ← → lines · e E errors · y copies · Esc closes"

    def __init__(self, line: Line, styles: Styles, find: Callable[[EntryKind, int], Line | None]) -> None:
        super().__init__()
        self.title_text = entry_title(line)
        self._line, self._styles, self._find_line = line, styles, find

    def compose_body(self) -> ComposeResult:
        with VerticalScroll(classes="body"):
            yield Static(entry_content(self._line, self._styles), id="text")

    def action_scroll(self, step: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=step, animate=False)

    def action_find(self, kind: EntryKind, step: int) -> None:
        """Show the next line, error or match (-1: the previous one); stay if there is none."""
        line = self._find_line(kind, step)
        if line is None or line == self._line:
            return
        self._line = line
        self.query_one("#box").border_title = Content(entry_title(line)).markup
        self.query_one("#text", Static).update(entry_content(line, self._styles))
        self.query_one(VerticalScroll).scroll_home(animate=False)

    def action_copy(self) -> None:
        self.dismiss(plain_text(self._line))


def entry_title(line: Line) -> str:
    return f"{line.process_id} · run {line.run} · {line.stream} · {clock_time(line.ms)}"


def entry_content(line: Line, styles: Styles) -> Table | Text:
    record = parse_record(strip_escapes(line.data)) if b"\n" not in line.data else None
    return record_table(record, styles) if record else Text(plain_text(line), style=styles["text"])


def record_table(record: Record, styles: Styles) -> Table:
    """Level and message, then one field per row; nested ones are indented."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    if record.level:
        table.add_row(Text("level", styles["dim"]), Text(record.level, styles[LEVEL_TONES[record.level]]))
    if record.message:
        table.add_row(Text("message", styles["dim"]), Text(_shown(record.message), styles["bold"]))
    for name, value in _rows(record.extra, ""):
        table.add_row(Text(name, styles["dim"]), Text(_shown(value), styles["text"]))
    return table


def _rows(fields: Mapping[str, Any], indent: str) -> Iterator[tuple[str, str]]:
    for key, value in fields.items():
        name = f"{indent}{printable(key)}"
        if isinstance(value, Mapping) and value:
            yield name, ""
            yield from _rows(value, indent + "  ")
        else:
            yield name, value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _shown(text: str) -> str:
    return "\n".join(printable(part) for part in text.expandtabs().splitlines())
