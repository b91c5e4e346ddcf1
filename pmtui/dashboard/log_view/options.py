"""How log lines are drawn."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from rich.style import Style

from pmtui.dashboard.log_view.search import Search

TIME_WIDTH = 14

Span = tuple[int, int, Style]


class Row(NamedTuple):
    """Text before it is wrapped or cut, and its styles; of two in one place the later one lies on top."""

    text: str
    spans: list[Span]


@dataclass(frozen=True)
class RenderOptions:
    """How to draw lines. `names` is the width of the id column, 0 for none; `x` cells are scrolled off.

    `pretty`: show records by level, message and fields, and fold tracebacks. `runs` describes the starts of runs, by
    process and number; `colors` gives each process its place among the colors of ids.
    """

    width: int
    times: bool = True
    wrap: bool = False
    names: int = 0
    x: int = 0
    search: Search | None = None
    pretty: bool = False
    runs: Mapping[tuple[str, int], str] = field(default_factory=dict)
    colors: Mapping[str, int] = field(default_factory=dict)

    @property
    def prefix(self) -> int:
        """Return the number of cells before the text."""
        return 1 + (TIME_WIDTH if self.times else 0) + (self.names + 2 if self.names else 0)

    @property
    def text_width(self) -> int:
        return max(1, self.width - self.prefix)
