"""What all dialogs look like."""

from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer]):
    """A box in the middle of the screen, with a title; Escape leaves it without an answer."""

    DEFAULT_CSS = """
    Dialog { align: center middle; }
    Dialog > #box {
        width: auto; min-width: 36; max-width: 90%; height: auto; max-height: 90%;
        background: $surface; border: round $border; border-title-color: $accent; padding: 1 2 0 2;
    }
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

    def compose_body(self) -> ComposeResult:
        """What stands in the box."""
        raise NotImplementedError

    def action_leave(self) -> None:
        self.dismiss(None)
