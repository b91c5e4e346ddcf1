"""Select one of several entries."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from pmtui.dashboard.dialogs.dialog import Dialog


class SelectDialog(Dialog[str]):
    """A list of `(answer, text)`; Enter or a click selects one."""

    DEFAULT_CSS = """
    SelectDialog OptionList, SelectDialog OptionList:focus {
        width: auto; min-width: 30; max-width: 100%; height: auto;
        border: none; background: $surface; padding: 0; margin-bottom: 1;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor(1)", show=False),
        Binding("k", "cursor(-1)", show=False),
        Binding("q", "leave", show=False),
    ]
    hint = "Enter selects · Esc closes"

    def __init__(self, title: str, choices: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.title_text = title
        self._choices = choices

    def compose_body(self) -> ComposeResult:
        yield OptionList(
            *(Option(Content(text), id=f"choice-{place}") for place, (_, text) in enumerate(self._choices)),
            classes="body",
        )

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._choices[event.option_index][0])

    def action_cursor(self, step: int) -> None:
        options = self.query_one(OptionList)
        if step > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()
