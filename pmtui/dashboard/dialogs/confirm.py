"""A question before something that cannot be undone."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from pmtui.dashboard.dialogs.dialog import Dialog


class Confirm(Dialog[bool]):
    """Yes by `y`, anything else is No, which is also what Enter means at first."""

    DEFAULT_CSS = """
    Confirm #buttons { width: auto; height: 1; margin-bottom: 1; }
    Confirm Button { min-width: 12; margin-right: 2; background: $panel; }
    Confirm Button:focus {
        background: $accent; color: $background; text-style: bold !important; background-tint: $accent 0%;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", show=False),
        Binding("n", "answer(False)", show=False),
        Binding("q", "answer(False)", show=False),
        Binding("left,h", "app.focus_previous", show=False),
        Binding("right,l", "app.focus_next", show=False),
    ]

    def __init__(self, title: str, text: str, yes: str) -> None:
        super().__init__()
        self.title_text = title
        self._text, self._yes = text, yes

    def compose_body(self) -> ComposeResult:
        with VerticalScroll(can_focus=False, classes="body"):
            yield Static(Content(self._text), id="text")
        with Horizontal(id="buttons"):
            yield Button("n  No", id="no", compact=True)
            yield Button(Content(f"y  {self._yes}"), id="yes", compact=True)

    def on_mount(self) -> None:
        self.query_one("#hint").display = False
        self.query_one("#no").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(event.button.id == "yes")

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)

    def action_leave(self) -> None:
        self.dismiss(False)
