"""All keys on one screen, made from the list of actions."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from pmtui.dashboard.actions import Action, Section
from pmtui.dashboard.style.styles import Styles, styles_for

COLUMNS: Sequence[Sequence[Section]] = (("Processes", "Table"), ("Logs", "View", "Moving"))
"""Sections on the left and on the right, or one above the other."""
SYNTAX_HELP = {
    "Filter": (
        ("word", "in the id, group, command or status"),
        ("!word", "without the word"),
        ("@group", "of this group"),
        ("is:failed", "of this status; is:problem for everything with a problem"),
    ),
    "Mouse": (
        ("click", "selects a row, sorts by a title, presses a key"),
        ("double-click", "shows the log on the whole screen"),
        ("drag", "copies text in the log"),
    ),
}
KEYS_WIDTH = 14
"""Cells of the column with the keys."""
MIN_WIDE_WIDTH = 150
"""Cells of a terminal in which two columns fit side by side."""


class Help(ModalScreen[None]):
    """A scrolling list; Enter, q, ? or Esc leaves it."""

    DEFAULT_CSS = """
    Help { align: center middle; }
    Help > VerticalScroll {
        width: 80; max-width: 100%; height: auto; max-height: 100%;
        background: $surface; border: round $border; border-title-color: $accent;
        border-subtitle-color: $text-muted; padding: 0 1; scrollbar-size-vertical: 1;
    }
    Help Container { height: auto; }
    Help Static { width: 1fr; height: auto; }
    Help.-wide > VerticalScroll { width: 148; }
    Help.-wide Container { layout: horizontal; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter", "app.pop_screen", show=False),
        Binding("j", "scroll(1)", show=False),
        Binding("k", "scroll(-1)", show=False),
    ]

    def __init__(self, actions: Sequence[Action]) -> None:
        super().__init__()
        self._actions = actions

    def compose(self) -> ComposeResult:
        with VerticalScroll() as box:
            box.border_title = "Keys"
            box.border_subtitle = "j k scroll · Esc closes"
            with Container():
                styles = styles_for(self.app)
                for side, (title, words) in zip(COLUMNS, SYNTAX_HELP.items(), strict=True):
                    yield Static(help_table([*keys_of(self._actions, side), (title, words)], styles))

    def on_mount(self) -> None:
        self.set_class(self.app.size.width >= MIN_WIDE_WIDTH, "-wide")

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= MIN_WIDE_WIDTH, "-wide")

    def action_scroll(self, step: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=step, animate=False)


Part = tuple[str, Iterable[tuple[str, str]]]


def keys_of(actions: Sequence[Action], sections: Sequence[Section]) -> Iterable[Part]:
    """Group the keys that do the same, or the same in reverse."""
    for section in sections:
        wanted = [action for action in actions if action.section == section]
        by_help = groupby(wanted, key=lambda action: action.help)
        yield section, [(" ".join(action.all_keys for action in same), text) for text, same in by_help]


def help_table(parts: Iterable[Part], styles: Styles) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=KEYS_WIDTH)
    table.add_column()
    for title, rows in parts:
        table.add_row(Text(title, style=styles["bold"]), "")
        for keys, meaning in rows:
            table.add_row(Text(keys, style=styles["accent"]), Text(meaning, style=styles["text"]))
        table.add_row("", "")
    return table
