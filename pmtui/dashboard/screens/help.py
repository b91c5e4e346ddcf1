"""All keys on one screen, made from the list of actions."""

from itertools import groupby
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from pmtui.dashboard.actions import ACTIONS, Section

ORDER: tuple[Section, ...] = ("Processes", "Table", "Logs", "View", "Moving")
FILTERS = (
    ("word", "in id, group, command or status"),
    ("!word", "not that"),
    ("@group", "of that group"),
    ("is:failed", "of that status; is:problem for all that need a look"),
)
MOUSE = (
    ("click", "selects; on a title sorts; on a key presses it"),
    ("double click", "gives the logs the whole screen"),
    ("drag", "in the log: copies"),
)


class Help(ModalScreen[None]):
    """Scrolls; any of the usual keys leaves it."""

    DEFAULT_CSS = """
    Help { align: center middle; }
    Help > VerticalScroll {
        width: 84; max-width: 96%; height: auto; max-height: 94%;
        background: $surface; border: round $border; border-title-color: $accent;
        border-subtitle-color: $text-muted; padding: 0 2; scrollbar-size-vertical: 1;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter", "app.pop_screen", show=False),
        Binding("j", "scroll(1)", show=False),
        Binding("k", "scroll(-1)", show=False),
    ]

    def compose(self) -> ComposeResult:
        with VerticalScroll() as box:
            box.border_title = "Keys"
            box.border_subtitle = "Esc goes back"
            yield Static(help_table(str(self.app.theme_variables.get("accent", "blue"))))

    def action_scroll(self, step: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=step, animate=False)


def help_table(accent: str) -> Table:
    """Keys and what they do, section by section."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=23)
    table.add_column()
    by_section = sorted(ACTIONS, key=lambda action: ORDER.index(action.section))
    style = "bold" if accent.startswith("ansi") else f"bold {accent}"
    for section, actions in groupby(by_section, key=lambda action: action.section):
        table.add_row(Text(section, style=style), "")
        for help_text, same in groupby(actions, key=lambda action: action.help):
            keys = " ".join(action.all_keys for action in same)
            table.add_row(Text(f"  {keys}"), Text(help_text))
        table.add_row("", "")
    for title, rows in (("Filter", FILTERS), ("Mouse", MOUSE)):
        table.add_row(Text(title, style=style), "")
        for word, meaning in rows:
            table.add_row(Text("  " + word), Text(meaning))
        table.add_row("", "")
    return table
