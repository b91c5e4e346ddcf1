"""The line at the bottom for filters and searches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

Purpose = Literal["filter", "search"]
LABELS: dict[Purpose, tuple[str, str]] = {
    "filter": ("Filter", "words  !not  @group  is:failed"),
    "search": ("Search", "words  re:…  key=value  level:warn  -5m"),
}
KEYS: dict[Purpose, Sequence[tuple[str, str]]] = {
    "filter": (("Enter", "Filter"), ("Up Down", "Select"), ("Esc", "Cancel")),
    "search": (("Enter", "Find"), ("Tab", "Matches only"), ("Esc", "Cancel")),
}


class Prompt(Horizontal):
    """Reports every change while typing, and the result. Esc restores the previous text."""

    DEFAULT_CSS = """
    Prompt { height: 1; display: none; background: $panel; }
    Prompt.-open { display: block; }
    Prompt Static { width: auto; padding: 0 1; color: $accent; text-style: bold; }
    Prompt #prompt-hint { color: $text-muted; text-style: none; max-width: 70%; }
    Prompt #prompt-hint.-error { color: $error; }
    Prompt Input, Prompt Input:focus { width: 1fr; height: 1; border: none; padding: 0; background: $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", show=False),
        Binding("tab", "only", show=False, priority=True),
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
    ]

    @dataclass
    class Changed(Message):
        """The text has changed."""

        purpose: Purpose
        text: str

    @dataclass
    class Closed(Message):
        """Typing has ended. `only` means to show only matching lines."""

        purpose: Purpose
        text: str
        only: bool = False

    @dataclass
    class Moved(Message):
        """Up or Down was pressed: go to what was found so far."""

        purpose: Purpose
        step: int

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.purpose: Purpose = "filter"
        self._previous_text = ""

    def compose(self) -> ComposeResult:
        yield Static("", id="prompt-label")
        yield Input(id="prompt-input", select_on_focus=False, compact=True)
        yield Static("", id="prompt-hint")

    def open(self, purpose: Purpose, text: str) -> None:
        self.purpose, self._previous_text = purpose, text
        label, hint = LABELS[purpose]
        self.query_one("#prompt-label", Static).update(Content(label))
        self.query_one("#prompt-hint", Static).update(Content(hint))
        self.add_class("-open")
        entry = self.query_one(Input)
        entry.value = text
        entry.cursor_position = len(text)
        entry.focus()

    def show_error(self, error: str) -> None:
        """Say what is wrong with the text, or give the usual hint."""
        hint = self.query_one("#prompt-hint", Static)
        hint.update(Content(error or LABELS[self.purpose][1]))
        hint.set_class(bool(error), "-error")

    @property
    def keys(self) -> Sequence[tuple[str, str]]:
        """Return what keys do while text is being typed; nothing while it is not."""
        return KEYS[self.purpose] if self.is_open else ()

    @property
    def is_open(self) -> bool:
        return self.has_class("-open")

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.is_open:
            self.post_message(self.Changed(self.purpose, event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._close(event.value)

    def action_cancel(self) -> None:
        self.post_message(self.Changed(self.purpose, self._previous_text))
        self._close(self._previous_text)

    def action_move(self, step: int) -> None:
        self.post_message(self.Moved(self.purpose, step))

    def action_only(self) -> None:
        if self.purpose == "search":
            self._close(self.query_one(Input).value, only=True)

    def _close(self, text: str, *, only: bool = False) -> None:
        self.remove_class("-open")
        self.post_message(self.Closed(self.purpose, text, only))
