"""The dashboard's own two themes: calm greys and one accent."""

from textual.theme import Theme

DARK = Theme(
    name="pmtui",
    primary="#7aa8e8",
    secondary="#7aa8e8",
    accent="#7ab4f5",
    foreground="#d8dbe2",
    background="#14171c",
    surface="#1a1e25",
    panel="#20252d",
    success="#7fc98b",
    warning="#e3b665",
    error="#ef7a72",
    dark=True,
    variables={"input-cursor-background": "#7ab4f5", "border": "#39404b", "border-blurred": "#2c323b"},
)

LIGHT = Theme(
    name="pmtui-light",
    primary="#2a64b4",
    secondary="#2a64b4",
    accent="#2466bd",
    foreground="#23272e",
    background="#fbfbf9",
    surface="#f3f3f0",
    panel="#e9eae6",
    success="#2c7a3f",
    warning="#8f6100",
    error="#b3332b",
    dark=False,
    variables={"input-cursor-background": "#2466bd", "border": "#c3c6c0", "border-blurred": "#d6d8d2"},
)

CYCLE = ("pmtui", "pmtui-light", "nord", "gruvbox", "ansi-dark", "ansi-light")
"""Themes the theme key cycles through; the palette offers all."""
