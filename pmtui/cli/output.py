"""Colors and signs on standard output, as far as its reader supports them."""

import os
import shutil
import sys
import unicodedata
from typing import TextIO

import msgspec

from pmtui.control import Status
from pmtui.dashboard.style.glyphs import ASCII, STATUS_TONES, UNICODE, Glyphs
from pmtui.text.formatting import printable

ANSI_CODES = {"dim": "2", "bold": "1", "good": "32", "warn": "33", "bad": "31", "accent": "36"}
NAME_COLORS = ("36", "33", "32", "35", "34", "96", "93", "92", "95", "94")


class Output:
    """What standard output, or another stream, supports; `width` is None if it is not a terminal."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self.on_terminal = self._stream.isatty()
        self.can_move = self.on_terminal and os.environ.get("TERM") != "dumb"
        self.has_colors = self.can_move and not os.environ.get("NO_COLOR")
        self.width = terminal_width(self._stream)

    @property
    def glyphs(self) -> Glyphs:
        unicode = "utf" in (self._stream.encoding or "").lower() and not os.environ.get("PMTUI_ASCII")
        return UNICODE if unicode else ASCII

    def paint(self, text: str, tone: str) -> str:
        """Return the text in a tone of ANSI_CODES."""
        code = ANSI_CODES.get(tone)
        return f"\x1b[{code}m{text}\x1b[0m" if code and text and self.has_colors else text

    def link(self, text: str, url: str) -> str:
        """Return the text as a link, if the terminal may know links."""
        return f"\x1b]8;;{url}\x1b\\{text}\x1b]8;;\x1b\\" if self.has_colors else text

    def name(self, process_id: str, text: str) -> str:
        """Return the text in the color that this process always has."""
        if not self.has_colors:
            return text
        return f"\x1b[{NAME_COLORS[sum(process_id.encode()) % len(NAME_COLORS)]}m{text}\x1b[0m"

    def sign(self, is_good: bool) -> str:
        return self.paint(self.glyphs.good, "good") if is_good else self.paint(self.glyphs.bad, "bad")

    def status(self, status: Status) -> str:
        return self.paint(f"{self.glyphs.status[status]} {status}", STATUS_TONES[status])


def as_json(value: object) -> str:
    """Return a struct or plain value as JSON, for programs."""
    return msgspec.json.encode(value).decode()


def terminal_width(stream: TextIO) -> int | None:
    """Return the columns of the terminal; None if the stream is none."""
    return shutil.get_terminal_size().columns if stream.isatty() else None


def cell_width(text: str) -> int:
    """Return how many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)


def fit(text: str, width: int | None, ellipsis: str = "…") -> str:
    """Return the text on one line of at most `width` columns, without control characters."""
    text = printable(text)
    if width is None or cell_width(text) <= width:
        return text
    while text and cell_width(text) >= width:
        text = text[:-1]
    return text.rstrip() + ellipsis
