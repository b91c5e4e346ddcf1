"""The styles of the line-drawing widgets, made from the theme's colors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.style import Style
from textual.color import Color, ColorParseError

from pmtui.dashboard.style.glyphs import Tone

if TYPE_CHECKING:
    from textual.app import App


ID_COLORS = {
    True: ("#7ab4f5", "#8fd19e", "#e3b665", "#c39bf0", "#62cfcf", "#f29bb6", "#b7c4d4", "#d8a272"),
    False: ("#2466bd", "#2c7a3f", "#8f6100", "#7a3fb5", "#00737a", "#b03668", "#51606f", "#94501f"),
}
"""Colors of ids on dark and on light themes."""
ANSI_ID_COLORS = tuple(f"ansi_{name}" for name in ("cyan", "green", "yellow", "magenta", "blue", "white"))
"""Without red, which is the color of errors."""


@dataclass(frozen=True)
class Styles:
    """Styles by meaning. `cursor` and `panel` are backgrounds for a tone."""

    tones: dict[Tone, Style]
    base: Style
    cursor: Style
    idle_cursor: Style
    panel: Style
    match: Style
    current_match: Style
    selection: Style
    ids: Sequence[Style] = ()

    def __getitem__(self, tone: Tone) -> Style:
        return self.tones[tone]

    def id_style(self, place: int) -> Style:
        """Return the color of the process at that place in the config."""
        return self.ids[place % len(self.ids)] if self.ids else self["accent"]


def styles_for(app: "App[object]") -> Styles:
    """Return the styles for the current theme."""
    colours = app.theme_variables

    def color(name: str) -> Color:
        try:
            return Color.parse(colours[name])
        except (KeyError, ColorParseError):
            return Color.parse("ansi_default")

    back, front, accent = color("background"), color("foreground"), color("accent")
    ansi = app.native_ansi_color

    def foreground(shade: Color, **attributes: bool) -> Style:
        return Style(color=shade.rich_color, **attributes)  # type: ignore[arg-type]

    def background(shade: Color) -> Style:
        return Style(bgcolor=shade.rich_color)

    shade = Color.parse("ansi_bright_black" if app.current_theme.dark else "ansi_white")
    faint = foreground(front, dim=True) if ansi else foreground(back.blend(front, 0.58))
    return Styles(
        tones={
            "text": foreground(front),
            "bold": foreground(front, bold=True),
            "dim": faint,
            "accent": foreground(accent),
            "good": foreground(color("success")),
            "warn": foreground(color("warning")),
            "bad": foreground(color("error")),
        },
        base=background(back),
        cursor=background(shade) if ansi else background(back.blend(accent, 0.22)),
        idle_cursor=background(shade) if ansi else background(back.blend(front, 0.09)),
        panel=background(color("panel")),
        match=Style(underline=True) if ansi else background(back.blend(color("warning"), 0.38)),
        current_match=Style(reverse=True) if ansi else background(color("warning")) + foreground(back, bold=True),
        selection=Style(reverse=True) if ansi else background(back.blend(accent, 0.40)),
        ids=[foreground(Color.parse(name)) for name in (ANSI_ID_COLORS if ansi else ID_COLORS[app.current_theme.dark])],
    )
