"""The base of all dialogs."""

from typing import ClassVar, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

Answer = TypeVar("Answer")
TIGHT_HEIGHT = 16
"""Terminals with fewer lines have no room for empty ones."""


class Dialog(ModalScreen[Answer]):
    """A box with a title in the middle of the screen; Esc leaves it without an answer.

    What has the class `body` shrinks, so that the line below it stays on the screen.
    """

    DEFAULT_CSS = """
    Dialog { align: center middle; }
    Dialog > #box {
        width: auto; min-width: 36; max-width: 90%; height: auto; max-height: 100%;
        background: $surface; border: round $border; border-title-color: $accent; padding: 1 2 0 2;
    }
    Dialog .body { width: auto; max-width: 100%; height: auto; }
    Dialog.-tight > #box { min-width: 0; max-width: 100%; padding: 0 1; }
    Dialog.-tight #box * { margin-bottom: 0; }
    Dialog #text { width: auto; max-width: 100%; height: auto; margin-bottom: 1; }
    Dialog #hint { width: auto; height: 1; color: $text-muted; margin-bottom: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Back", show=False)]
    title_text = ""
    hint = ""

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = Content(self.title_text).markup
            yield from self.compose_body()
            yield Static(Content(self.hint), id="hint")

    def on_mount(self) -> None:
        self.app.clear_notifications()
        self._fit(self.app.size.height)

    def on_resize(self, event: events.Resize) -> None:
        self._fit(event.size.height)

    def _fit(self, height: int) -> None:
        tight = height < TIGHT_HEIGHT
        self.set_class(tight, "-tight")
        for body in self.query(".body"):
            body.styles.max_height = max(1, height - 3 if tight else height - 7)

    def compose_body(self) -> ComposeResult:
        """Yield the content of the box."""
        raise NotImplementedError

    def action_leave(self) -> None:
        self.dismiss(None)
