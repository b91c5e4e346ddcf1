"""All keys on one screen, made from the list of actions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from pmtui.dashboard.actions import Action, Section
from pmtui.dashboard.style.styles import Styles, styles_for

SYNTAX_HELP: Mapping[str, Sequence[tuple[str, str]]] = {
    "Filter": (
        ("word", "in the id, group, command or status"),
        ("!word", "without the word"),
        ("@group", "of this group"),
        ("is:failed", "of this status; is:problem for everything with a problem"),
    ),
    "Search": (
        ("word", 'all words must match; "a phrase", !without'),
        ("re:5\\d\\d", "a regular expression"),
        ("key=value", "a field of a JSON or logfmt line; * matches any text"),
        ("level:warn", "this level or a more severe one"),
        ("-5m", "the last five minutes"),
    ),
    "Mouse": (
        ("click", "selects a row, sorts by a title, presses a key"),
        ("double-click", "shows the log on the whole screen"),
        ("drag", "copies text in the log"),
    ),
}
KEYS_WIDTH = 14
"""Cells of the column with the keys."""
COLUMN_WIDTH = 66
"""Cells of one column of the list; as many as fit stand side by side."""


class Help(ModalScreen[None]):
    """A list in columns, with what concerns the focus first; Enter, q, ? or Esc leaves it."""

    DEFAULT_CSS = """
    Help { align: center middle; }
    Help > VerticalScroll {
        width: 100%; height: auto; max-height: 100%;
        background: $surface; border: round $border; border-title-color: $accent;
        border-subtitle-color: $text-muted; padding: 0 1; scrollbar-size-vertical: 1;
    }
    Help Horizontal { height: auto; }
    Help Static { width: 1fr; height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter", "app.pop_screen", show=False),
        Binding("j", "scroll(1)", show=False),
        Binding("k", "scroll(-1)", show=False),
    ]

    def __init__(self, actions: Sequence[Action], first: Section = "Processes") -> None:
        super().__init__()
        self._actions, self._first = actions, first

    def compose(self) -> ComposeResult:
        with VerticalScroll() as box:
            box.border_title = "Keys"
            box.border_subtitle = "j k scroll · Esc closes"
            yield Horizontal()

    def on_mount(self) -> None:
        self._fill(self.app.size.width)

    def on_resize(self, event: events.Resize) -> None:
        self._fill(event.size.width)

    def _fill(self, width: int) -> None:
        """Distribute the parts over as many columns as fit."""
        count = max(1, (width - 4) // COLUMN_WIDTH)
        box = self.query_one(Horizontal)
        if len(box.children) != count:
            parts = columns_of([*keys_of(self._actions, self._first), *SYNTAX_HELP.items()], count)
            box.remove_children()
            box.mount_all(Static(help_table(column, styles_for(self.app))) for column in parts)

    def action_scroll(self, step: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=step, animate=False)


Part = tuple[str, Sequence[tuple[str, str]]]


def keys_of(actions: Sequence[Action], first: Section) -> Iterator[Part]:
    """Yield the sections, that of the focus first. Keys that do the same, or the same in reverse, are one row."""
    sections = list(dict.fromkeys([first, *(action.section for action in actions)]))
    for section in sections:
        wanted = [action for action in actions if action.section == section]
        by_help = groupby(wanted, key=lambda action: action.help)
        yield section, [(" ".join(action.all_keys for action in same), text) for text, same in by_help]


def columns_of(parts: Sequence[Part], count: int) -> Sequence[Sequence[Part]]:
    """Fill the columns one after the other, each to about the same height."""
    heights = [len(rows) + 2 for _, rows in parts]
    limit = max(*heights, -(-sum(heights) // count))
    columns: list[list[Part]] = [[]]
    height = 0
    for part, own in zip(parts, heights, strict=True):
        if height and height + own > limit and len(columns) < count:
            columns.append([])
            height = 0
        columns[-1].append(part)
        height += own
    return columns


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
