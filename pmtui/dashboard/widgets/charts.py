"""The tab that shows what a process used over time."""

import time
from collections.abc import Hashable, Sequence
from typing import Literal, cast, get_args

from rich.text import Text
from textual.message import Message

from pmtui.control import UsageHistory
from pmtui.dashboard.style.glyphs import Glyphs, Tone
from pmtui.dashboard.style.styles import Styles
from pmtui.dashboard.widgets.details import DetailsPane
from pmtui.history.chart import chart_width, usage_rows

ChartRange = Literal["15m", "1h", "6h", "1d"]
RANGES: Sequence[ChartRange] = get_args(ChartRange)
REFRESH_INTERVAL = 5.0
"""Seconds after which charts are refreshed; samples are taken every ten."""


class ChartsPane(DetailsPane):
    """Charts that fill the pane."""

    class Resized(Message):
        """The size of the charts has changed."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown: Hashable = None
        self._shown_at = 0.0

    @property
    def columns(self) -> int:
        """Return how many values fit; 0 before the layout."""
        return chart_width(self.size.width) if self.size.width else 0

    def is_current(self, key: Hashable) -> bool:
        """Whether the charts of `key` are shown and recent."""
        return key == self._shown and time.monotonic() - self._shown_at < REFRESH_INTERVAL

    def shows(self, process_id: str) -> bool:
        return isinstance(self._shown, tuple) and self._shown[0] == process_id

    def show_usage(self, usage: UsageHistory, key: Hashable, styles: Styles, glyphs: Glyphs) -> None:
        self._shown, self._shown_at = key, time.monotonic()
        rows = usage_rows(usage, self.size.width, self.size.height, glyphs)
        lines = (Text.assemble(*((span.text, styles[cast("Tone", span.tone)]) for span in row)) for row in rows)
        self.show(Text("\n", no_wrap=True, overflow="crop").join(lines))

    def show_note(self, text: Text) -> None:
        """Show a sentence instead of charts."""
        self._shown = None
        self.show(text)

    def on_resize(self) -> None:
        self.post_message(self.Resized())
