"""The line between table and tab: the process, its tabs, and the state of the log."""

from collections.abc import Sequence
from typing import Literal

from pmtui.dashboard.log_view.log_view import PaneState
from pmtui.dashboard.style.formats import shorten
from pmtui.dashboard.widgets.bar import Bar, Piece, justify, total_width
from pmtui.dashboard.widgets.charts import RANGES, ChartRange

Tab = Literal["logs", "info", "charts", "tree", "events", "env", "runs"]
TABS: tuple[Tab, ...] = ("logs", "info", "charts", "tree", "events", "env")
JOB_TABS: tuple[Tab, ...] = (*TABS, "runs")
Channel = Literal["all", "out", "err"]
CHANNELS: tuple[Channel, ...] = ("all", "out", "err")
MAX_TITLE_WIDTH = 24
TITLE_WIDTHS = (MAX_TITLE_WIDTH, 10, 0)
PAUSED_WIDTH = 21
"""Cells kept free for `PAUSED ▼ 9,999 new`, so that the tabs do not move when the log is paused."""


class PaneBar(Bar):
    """Tabs, streams and the follow chip can be clicked."""

    DEFAULT_CSS = """
    PaneBar { background: $background; }
    """
    title = ""
    tab: Tab = "logs"
    tabs = TABS
    channel: Channel = "all"
    chart_range: ChartRange = "1h"
    state = PaneState()
    focused_pane = False

    def pieces(self, width: int) -> Sequence[Piece]:
        styles, rule = self.text_styles, self.glyphs.rule
        line = Piece(rule, styles["accent" if self.focused_pane else "dim"])
        parts = self._parts(width)
        left = [*self._start(line, MAX_TITLE_WIDTH), *self._tabs(" "), line]
        reserve = max(0, PAUSED_WIDTH - total_width(parts[0])) if self.tab == "logs" else 0
        if total_width([*left, *(piece for part in parts for piece in part)]) + len(parts) + reserve >= width:
            left = self._tight_left(line, width, parts)
        right: list[Piece] = [line]
        for part in parts:
            if part and total_width([*left, *part, *right]) < width - 1:
                right = [*part, line, *right]
        return justify(left, right, width, line)

    def _start(self, line: Piece, title_width: int) -> list[Piece]:
        title = shorten(self.title, title_width, self.glyphs.ellipsis)
        return [line, Piece(f" {title} ", self.text_styles["bold"]), line] if title else [line]

    def _tight_left(self, line: Piece, width: int, parts: list[list[Piece]]) -> list[Piece]:
        """Shorten the title, and at last the number of new lines, rather than lose the place in a search."""
        left = [*self._start(line, MAX_TITLE_WIDTH), *self._tabs(""), line]
        if self.tab != "logs" or not any(parts[1:-1]):
            return left
        for title_width in TITLE_WIDTHS:
            left = [*self._start(line, title_width), *self._tabs(""), line]
            shown = [part for part in parts[:-1] if part]
            if total_width([*left, *(piece for part in shown for piece in part)]) + len(shown) < width - 1:
                return left
        parts[0] = parts[0][:1]
        return left

    def _parts(self, width: int) -> list[list[Piece]]:
        """What stands on the right, the most important first."""
        if self.tab == "logs":
            return [self._chip(), self._errors(), self._search(width), self._level(), self._streams()]
        return [self._ranges()] if self.tab == "charts" else []

    def _tabs(self, space: str) -> list[Piece]:
        styles = self.text_styles
        pieces = [Piece(" ", styles["text"])]
        for tab in self.tabs:
            if len(pieces) > 1:
                pieces.append(Piece(f"{space}{self.glyphs.tabs}{space}", styles["dim"]))
            active = tab == self.tab
            style = styles["accent"] + styles["bold"].without_color if active else styles["dim"]
            pieces.append(Piece(tab.capitalize(), style, f"tab:{tab}"))
        return [*pieces, Piece(" ", styles["text"])]

    def _streams(self) -> list[Piece]:
        return self._choices("channel", CHANNELS, self.channel)

    def _ranges(self) -> list[Piece]:
        return self._choices("range", RANGES, self.chart_range)

    def _choices(self, kind: str, choices: Sequence[str], chosen: str) -> list[Piece]:
        styles = self.text_styles
        pieces: list[Piece] = []
        for choice in choices:
            if pieces:
                pieces.append(Piece(f" {self.glyphs.dot} ", styles["dim"]))
            pieces.append(Piece(choice, styles["text"] if choice == chosen else styles["dim"], f"{kind}:{choice}"))
        return [Piece(" ", styles["text"]), *pieces, Piece(" ", styles["text"])]

    def _search(self, width: int) -> list[Piece]:
        state, styles = self.state, self.text_styles
        if not state.search:
            return []
        count = (
            f"{state.count.found:,} of {state.count.total:,}" if state.count.found else f"{state.count.total:,} found"
        )
        only = "only " if state.filtered else ""
        text = shorten(state.search, max(8, width // 5), self.glyphs.ellipsis)
        return [Piece(f" {only}/{text} ", styles["warn"]), Piece(f"{count} ", styles["dim"])]

    def _errors(self) -> list[Piece]:
        count = self.state.errors
        if not count.total:
            return []
        return [Piece(f" error {count.found:,} of {count.total:,} ", self.text_styles["bad"], "next_error")]

    def _level(self) -> list[Piece]:
        level, pretty = self.state.level, self.state.pretty
        shown = [] if pretty else [Piece(" raw ", self.text_styles["warn"], "pretty")]
        return [*shown, Piece(f" level {level}+ ", self.text_styles["warn"], "level")] if level else shown

    def _chip(self) -> list[Piece]:
        styles, state = self.text_styles, self.state
        if state.follows:
            return [Piece(" FOLLOW ", styles["good"], "follow")]
        newer = f"{self.glyphs.more} {state.newer:,} new " if state.newer else ""
        return [Piece(" PAUSED ", styles["warn"], "follow"), Piece(newer, styles["accent"], "follow")]
