"""A line of text with clickable pieces."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from pmtui.dashboard.style.glyphs import UNICODE, Glyphs
from pmtui.dashboard.style.styles import Styles, styles_for


class Piece(NamedTuple):
    """Styled text; a click on it means `target`."""

    text: str
    style: Style
    target: str | None = None


class Bar(Widget):
    """One line, redrawn only if its pieces have changed."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Bar { height: 1; }
    """

    @dataclass
    class Picked(Message):
        """A piece was clicked."""

        target: str

    def __init__(self, glyphs: Glyphs = UNICODE, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.glyphs = glyphs
        self._text_styles: Styles | None = None
        self._drawn: Sequence[Piece] = ()

    @property
    def text_styles(self) -> Styles:
        self._text_styles = self._text_styles or styles_for(self.app)
        return self._text_styles

    def pieces(self, width: int) -> Sequence[Piece]:
        """Return the content of the line for a width in cells."""
        raise NotImplementedError

    def update_pieces(self) -> None:
        """Redraw the line if its content has changed."""
        if self.is_mounted and self.pieces(self.size.width) != self._drawn:
            self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._text_styles = None

    def render_line(self, y: int) -> Strip:
        self._drawn = self.pieces(self.size.width)
        strip = Strip([Segment(piece.text, piece.style) for piece in self._drawn if piece.text])
        return strip.adjust_cell_length(self.size.width).apply_style(self.rich_style)

    def on_click(self, event: events.Click) -> None:
        x = 0
        for piece in self._drawn:
            x += cell_len(piece.text)
            if event.x < x:
                if piece.target is not None:
                    self.post_message(self.Picked(piece.target))
                return


def total_width(pieces: Iterable[Piece]) -> int:
    return sum(cell_len(piece.text) for piece in pieces)


def justify(left: Sequence[Piece], right: Sequence[Piece], width: int, fill: Piece) -> Sequence[Piece]:
    """Place `left` and `right` at the two ends with `fill` between them; drop `right` if there is no room."""
    free = width - total_width(left) - total_width(right)
    if free < 0:
        return [*left, fill._replace(text=fill.text * max(0, width - total_width(left)))]
    return [*left, fill._replace(text=fill.text * free), *right]
