"""How quantities, times and texts are written on the screen."""

from datetime import datetime

from rich.cells import cell_len, set_cell_size

from pmtui.text.formatting import (
    countdown,
    duration,
    epoch_seconds,
    local_time,
    memory,
    percent,
    plural,
    printable,
    rate,
)

__all__ = [
    "clock_time",
    "countdown",
    "day_time",
    "duration",
    "epoch_seconds",
    "local_time",
    "memory",
    "percent",
    "plural",
    "printable",
    "rate",
    "shorten",
]


def clock_time(ms: int) -> str:
    """Return the local time of day with milliseconds."""
    moment = datetime.fromtimestamp(ms // 1000)
    return f"{moment:%H:%M:%S}.{ms % 1000:03}"


def day_time(time: str, now: float) -> str:
    """Return an RFC 3339 time as local time of day, with the date unless it is that of `now`."""
    moment = datetime.fromtimestamp(epoch_seconds(time))
    same_day = moment.date() == datetime.fromtimestamp(now).date()
    return f"{moment:%H:%M:%S}" if same_day else f"{moment:%d %b %H:%M:%S}"


def shorten(text: str, width: int, ellipsis: str = "…") -> str:
    """Return at most `width` cells of printable text, ending in an ellipsis if cut."""
    text = printable(text)
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + ellipsis if width > 0 else ""
