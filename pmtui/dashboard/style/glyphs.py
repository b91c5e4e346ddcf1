"""The signs of the dashboard, in Unicode and for terminals that know ASCII only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pmtui.control import Status

Tone = Literal["text", "dim", "accent", "good", "warn", "bad", "bold"]
STATUS_TONES: Mapping[Status, Tone] = {
    Status.WAITING: "dim",
    Status.STARTING: "accent",
    Status.RUNNING: "good",
    Status.STOPPING: "warn",
    Status.CRASHED: "warn",
    Status.STOPPED: "dim",
    Status.COMPLETED: "dim",
    Status.FAILED: "bad",
}


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of signs, each one cell wide."""

    status: Mapping[Status, str]
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
    track: str
    thumb: str
    bars: Sequence[str]
    full: str
    empty: str


UNICODE = Glyphs(
    status={
        Status.WAITING: "◌",
        Status.STARTING: "◐",
        Status.RUNNING: "●",
        Status.STOPPING: "◑",
        Status.CRASHED: "↻",
        Status.STOPPED: "■",
        Status.COMPLETED: "✓",
        Status.FAILED: "✖",
    },
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
    track="│",
    thumb="┃",
    bars="▁▂▃▄▅▆▇█",
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
        Status.STOPPED: "#",
        Status.COMPLETED: "+",
        Status.FAILED: "x",
    },
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
    track="|",
    thumb="#",
    bars="_.-=+*%#",
    full="#",
    empty=".",
)


def sparkline(values: Sequence[float], width: int, ceiling: float, glyphs: Glyphs) -> str:
    """The last `width` values as bars; `ceiling` is the least value that fills a bar when all are below it."""
    shown = [*values][-width:]
    top = max([ceiling, *shown])
    last = len(glyphs.bars) - 1
    bars = "".join(glyphs.bars[min(last, int(value / top * last + 0.5))] for value in shown)
    return bars.rjust(width)


def progress(done: int, total: int, width: int, glyphs: Glyphs) -> str:
    """A bar of `width` cells."""
    filled = width * done // total if total else width
    return glyphs.full * filled + glyphs.empty * (width - filled)
