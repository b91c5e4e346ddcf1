"""The message of a terminal that is too small for the dashboard."""

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widgets import Static

MIN_SIZE = Size(50, 12)


def is_too_small(size: Size) -> bool:
    return size.width < MIN_SIZE.width or size.height < MIN_SIZE.height


class TooSmall(ModalScreen[None]):
    """Covers the dashboard until there is room. Quitting is the only action that is safe without seeing it."""

    DEFAULT_CSS = """
    TooSmall { align: center middle; background: $background; }
    TooSmall Static { width: 100%; height: auto; text-align: center; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "app.quit", show=False)]

    def compose(self) -> ComposeResult:
        yield Static("")

    def on_mount(self) -> None:
        self._show_size(self.app.size)

    def on_resize(self, event: events.Resize) -> None:
        self._show_size(event.size)

    def on_screen_resume(self) -> None:
        self._show_size(self.app.size)

    def _show_size(self, size: Size) -> None:
        said = f"{size.width}x{size.height} is too small,\npmtui needs {MIN_SIZE.width}x{MIN_SIZE.height}.\n\nq quits"
        self.query_one(Static).update(Content(said))
        if self.is_current and not is_too_small(size):
            self.app.pop_screen()
