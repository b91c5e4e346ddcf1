"""A line of text whose pieces can be clicked."""

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
    """A text in a style; a click on it means `target`."""

    text: str
    style: Style
    target: str | None = None


class Bar(Widget):
    """One line, drawn anew only when its pieces have changed."""

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
        """What the line says in so many cells."""
        raise NotImplementedError

    def update_pieces(self) -> None:
        """Draws the line anew if it says something else now."""
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
    """`left` and `right` at the two ends, the filling repeated between them; without room `right` goes."""
    free = width - total_width(left) - total_width(right)
    if free < 0:
        return [*left, fill._replace(text=fill.text * max(0, width - total_width(left)))]
    return [*left, fill._replace(text=fill.text * free), *right]
