"""Colours and signs on standard output, as far as whoever reads it can have them."""

import os
import shutil
import sys
import unicodedata

from pmtui.control import Status
from pmtui.dashboard.style.glyphs import ASCII, STATUS_TONES, UNICODE, Glyphs
from pmtui.text.formatting import printable

ANSI_CODES = {"dim": "2", "bold": "1", "good": "32", "warn": "33", "bad": "31", "accent": "36"}
NAME_COLORS = ("36", "33", "32", "35", "34", "96", "93", "92", "95", "94")


class Output:
    """Whether output is `on_terminal`, and how wide that is; None: as wide as the text."""

    def __init__(self) -> None:
        self.on_terminal = sys.stdout.isatty()
        self.has_colors = self.on_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self.width = shutil.get_terminal_size().columns if self.on_terminal else None

    @property
    def glyphs(self) -> Glyphs:
        unicode = "utf" in (sys.stdout.encoding or "").lower() and not os.environ.get("PMTUI_ASCII")
        return UNICODE if unicode else ASCII

    def paint(self, text: str, tone: str) -> str:
        """The text in a tone of CODES; an empty one is the terminal's own."""
        code = ANSI_CODES.get(tone)
        return f"\x1b[{code}m{text}\x1b[0m" if code and self.has_colors else text

    def name(self, process_id: str, text: str) -> str:
        """The text in the colour that this process always has."""
        if not self.has_colors:
            return text
        return f"\x1b[{NAME_COLORS[sum(process_id.encode()) % len(NAME_COLORS)]}m{text}\x1b[0m"

    def status(self, status: Status, text: str = "") -> str:
        """Sign and word, coloured."""
        return self.paint(f"{self.glyphs.status[status]} {text or status}", STATUS_TONES[status])


def cell_width(text: str) -> int:
    """Columns that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)


def fit(text: str, width: int | None, ellipsis: str = "…") -> str:
    """The text on one line of at most that many columns, harmless."""
    text = printable(text)
    if width is None or cell_width(text) <= width:
        return text
    while text and cell_width(text) >= width:
        text = text[:-1]
    return text.rstrip() + ellipsis
