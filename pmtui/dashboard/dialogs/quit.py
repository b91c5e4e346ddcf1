"""The question what becomes of the processes when the dashboard is left."""

from collections.abc import Sequence
from typing import Literal

from pmtui.control import Snapshot
from pmtui.dashboard.dialogs.confirm import Question
from pmtui.dashboard.style.formats import plural
from pmtui.dashboard.style.glyphs import Glyphs

QuitChoice = Literal["stay", "stop", "start again"]
BACKGROUND_HINT = """Background restarts them under a manager
without a screen. Use pmtui to show it, and
pmtui down to stop it.
"""
MAX_SHOWN = 10
"""Number of processes that are named."""


def quit_question(alive: Sequence[Snapshot], glyphs: Glyphs, can_start_again: bool) -> Question[QuitChoice]:
    """Name what would stop. A background manager cannot take processes over, so it restarts them."""
    lines = [f"{glyphs.status[row.status]} {row.id}" for row in alive[:MAX_SHOWN]]
    if len(alive) > MAX_SHOWN:
        lines.append(f"and {len(alive) - MAX_SHOWN} more")
    text = f"This stops {plural(len(alive), 'process', 'processes')}.\n"
    answers: dict[str, tuple[str, QuitChoice]] = {"n": ("No", "stay"), "y": ("Quit", "stop")}
    if can_start_again:
        answers["b"] = ("Background", "start again")
        text += BACKGROUND_HINT
    return Question("Quit pmtui?", "\n".join([text, *lines]), answers)
