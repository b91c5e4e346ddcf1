"""A line of advice above the log."""

from collections.abc import Sequence

from pmtui.dashboard.style.formats import shorten
from pmtui.dashboard.widgets.bar import Bar, Piece


class AdviceBar(Bar):
    """Shown only if there is advice."""

    DEFAULT_CSS = """
    AdviceBar { display: none; background: $warning 12%; }
    """
    text = ""

    def show(self, text: str) -> None:
        self.text = text
        self.display = bool(text)
        self.update_pieces()

    def pieces(self, width: int) -> Sequence[Piece]:
        styles = self.text_styles
        said = shorten(self.text, width - 4, self.glyphs.ellipsis)
        return [Piece(f" {self.glyphs.unhealthy} ", styles["warn"]), Piece(said, styles["text"])]
