"""How quantities, times and texts are written on the screen."""

from datetime import datetime

from rich.cells import cell_len, set_cell_size

from pmtui.text.formatting import countdown, duration, epoch_seconds, memory, percent, plural, printable

__all__ = [
    "clock_time",
    "countdown",
    "day_time",
    "duration",
    "epoch_seconds",
    "memory",
    "percent",
    "plural",
    "printable",
    "shorten",
]


def clock_time(ms: int) -> str:
    """Local time of day with milliseconds, as it stands before a log line."""
    moment = datetime.fromtimestamp(ms // 1000)
    return f"{moment:%H:%M:%S}.{ms % 1000:03}"


def day_time(time: str, now: float) -> str:
    """An RFC 3339 time as local time of day; the day stands before it where it is not that of `now`."""
    moment = datetime.fromtimestamp(epoch_seconds(time))
    same_day = moment.date() == datetime.fromtimestamp(now).date()
    return f"{moment:%H:%M:%S}" if same_day else f"{moment:%d %b %H:%M:%S}"


def shorten(text: str, width: int, ellipsis: str = "…") -> str:
    """At most `width` cells, its end replaced by an ellipsis; whole characters only, and harmless."""
    text = printable(text)
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + ellipsis if width > 0 else ""
