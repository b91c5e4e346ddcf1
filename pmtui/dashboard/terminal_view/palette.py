"""The emulator's styles as those of Rich."""

from functools import lru_cache
from typing import Any

from rich.color import Color
from rich.style import Style


@lru_cache(4096)
def rich_style(style: Any) -> Style:
    """Return the Rich style of a cell."""
    return Style(
        color=rich_color(style.fg),
        bgcolor=rich_color(style.bg),
        bold=style.bold,
        dim=style.dim,
        italic=style.italic,
        underline=style.underline,
        blink=style.blink,
        reverse=style.reverse,
        conceal=style.conceal,
        strike=style.strike,
        overline=style.overline,
    )


def rich_color(color: Any) -> Color | None:
    if color is None or color.mode == "default":
        return None
    if color.mode == "indexed":
        return Color.from_ansi(color.value)
    return Color.from_rgb(*color.value)
