"""Text that is too long for a toast."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from pmtui.dashboard.dialogs.dialog import Dialog


class Notice(Dialog[None]):
    """Scrolling text; Enter, q or Esc leaves it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,q", "leave", show=False)]
    hint = "Esc closes"

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self.title_text = title
        self._text = text

    def compose_body(self) -> ComposeResult:
        with VerticalScroll(classes="body"):
            yield Static(Content(self._text), id="text")
