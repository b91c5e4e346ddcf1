"""The symbols of the dashboard, in Unicode and ASCII, and the tone of each status."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from pmtui.control import Status

Tone = Literal["text", "dim", "accent", "good", "warn", "bad", "bold"]

STATUS_TONES: Mapping[Status, Tone] = {
    Status.WAITING: "dim",
    Status.STARTING: "accent",
    Status.RUNNING: "good",
    Status.STOPPING: "warn",
    Status.CRASHED: "warn",
    Status.SCHEDULED: "dim",
    Status.STOPPED: "dim",
    Status.COMPLETED: "dim",
    Status.FAILED: "bad",
}


class Glyphs(msgspec.Struct, frozen=True):
    """One set of symbols, each one cell wide."""

    status: Mapping[Status, str]
    unhealthy: str
    folded: str
    unfolded: str
    cursor: str
    mark: str
    good: str
    bad: str
    rising: str
    falling: str
    restarts: str
    dash: str
    ellipsis: str
    rule: str
    tabs: str
    fork: str
    corner: str
    dot: str
    more: str
    stderr: str
    from_: str
    track: str
    thumb: str
    bars: Sequence[str]
    event_line: str
    restart: str
    full: str
    empty: str


UNICODE = Glyphs(
    status={
        Status.WAITING: "◌",
        Status.STARTING: "◐",
        Status.RUNNING: "●",
        Status.STOPPING: "◑",
        Status.CRASHED: "↻",
        Status.SCHEDULED: "◔",
        Status.STOPPED: "■",
        Status.COMPLETED: "✓",
        Status.FAILED: "✖",
    },
    unhealthy="▲",
    folded="▸",
    unfolded="▾",
    cursor="▌",
    mark="◆",
    good="✓",
    bad="✖",
    rising="▲",
    falling="▼",
    restarts="↺",
    dash="–",  # noqa: RUF001
    ellipsis="…",
    rule="─",
    tabs="│",
    fork="├",
    corner="└",
    dot="·",
    more="▼",
    stderr="▎",
    from_="←",
    track="│",
    thumb="┃",
    bars="▁▂▃▄▅▆▇█",
    event_line="┊",
    restart="↺",
    full="━",
    empty="─",
)

ASCII = Glyphs(
    status={
        Status.WAITING: ".",
        Status.STARTING: "o",
        Status.RUNNING: "*",
        Status.STOPPING: "o",
        Status.CRASHED: "!",
        Status.SCHEDULED: "@",
        Status.STOPPED: "#",
        Status.COMPLETED: "+",
        Status.FAILED: "x",
    },
    unhealthy="^",
    folded=">",
    unfolded="v",
    cursor=">",
    mark="+",
    good="+",
    bad="x",
    rising="^",
    falling="v",
    restarts="RST",
    dash="-",
    ellipsis="~",
    rule="-",
    tabs="|",
    fork="|",
    corner="`",
    dot="-",
    more="v",
    stderr="!",
    from_="<",
    track="|",
    thumb="#",
    bars="_.-=+*%#",
    event_line=":",
    restart="r",
    full="#",
    empty=".",
)


def sparkline(values: Sequence[float], width: int, ceiling: float, glyphs: Glyphs) -> str:
    """Draw the last `width` values as bars; `ceiling` is the smallest value that fills a bar."""
    shown = [*values][-width:]
    top = max([ceiling, *shown])
    last = len(glyphs.bars) - 1
    bars = "".join(glyphs.bars[min(last, int(value / top * last + 0.5))] for value in shown)
    return bars.rjust(width)


def progress(done: int, total: int, width: int, glyphs: Glyphs) -> str:
    filled = width * done // total if total else width
    return glyphs.full * filled + glyphs.empty * (width - filled)


def scrollbar_thumb(first: float, shown: int, total: int, height: int) -> range:
    """Return the cells of a scrollbar that stand for `shown` of `total` items from `first` on; empty if all fit."""
    if total <= shown or height < 2:
        return range(0)
    size = max(1, round(height * shown / total))
    start = round((height - size) * first / (total - shown))
    return range(max(0, min(start, height - size)), max(0, min(start, height - size)) + size)
