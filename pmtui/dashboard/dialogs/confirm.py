"""Questions before something that cannot be undone."""

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from pmtui.dashboard.dialogs.dialog import Answer, Dialog

ANSWER_KEYS = "nyb"
"""Keys that answers may use."""


class Question(Dialog[Answer]):
    """Each answer has a key, a label and a value. Esc selects the first one, and Enter the focused one."""

    DEFAULT_CSS = """
    Question #buttons { width: auto; height: 1; margin-bottom: 1; }
    Question Button { min-width: 8; margin-right: 2; background: $panel; }
    Question Button:focus {
        background: $accent; color: $background; text-style: bold !important; background-tint: $accent 0%;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key, f"take('{key}')", show=False) for key in ANSWER_KEYS),
        Binding("q", "leave", show=False),
        Binding("left,h", "app.focus_previous", show=False),
        Binding("right,l", "app.focus_next", show=False),
    ]

    def __init__(self, title: str, text: str, answers: Mapping[str, tuple[str, Answer]]) -> None:
        super().__init__()
        self.title_text = title
        self._text, self._answers = text, answers

    def compose_body(self) -> ComposeResult:
        with VerticalScroll(can_focus=False, classes="body"):
            yield Static(Content(self._text), id="text")
        with Horizontal(id="buttons"):
            for key, (label, _) in self._answers.items():
                yield Button(Content(f"{key}  {label}"), id=f"answer-{key}", compact=True)

    def on_mount(self) -> None:
        self.query_one("#hint").display = False
        self.query(Button).first().focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_take((event.button.id or "").removeprefix("answer-"))

    def action_leave(self) -> None:
        self.action_take(next(iter(self._answers)))

    def action_take(self, key: str) -> None:
        if key in self._answers:
            self.dismiss(self._answers[key][1])


class Confirm(Question[bool]):
    """`y` means yes, anything else means no."""

    def __init__(self, title: str, text: str, yes: str) -> None:
        super().__init__(title, text, {"n": ("No", False), "y": (yes, True)})
