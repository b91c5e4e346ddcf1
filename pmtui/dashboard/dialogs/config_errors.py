"""The errors of a config."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from pmtui.dashboard.dialogs.dialog import Dialog


class ConfigErrors(Dialog[str]):
    """What is wrong with the config. Answers with the action that is wanted next: `reload` or `edit_config`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,q", "leave", show=False),
        Binding("L", "answer('reload')", id="reload", show=False),
        Binding("ctrl+e", "answer('edit_config')", id="edit_config", show=False),
    ]
    title_text = "Errors in the config"

    def __init__(self, text: str, hint: str) -> None:
        super().__init__()
        self._text, self.hint = text, hint

    def compose_body(self) -> ComposeResult:
        with VerticalScroll(classes="body"):
            yield Static(Content(self._text), id="text")

    def action_answer(self, action: str) -> None:
        self.dismiss(action)
