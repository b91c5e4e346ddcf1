"""What is to become of the processes when their dashboard is left."""

from collections.abc import Sequence
from typing import Literal

from pmtui.control import Snapshot
from pmtui.dashboard.dialogs.confirm import Question
from pmtui.dashboard.formats import plural
from pmtui.dashboard.glyphs import Glyphs

Parting = Literal["stay", "stop", "start again"]
MOST = 8
"""Processes that are named."""


def quit_question(alive: Sequence[Snapshot], glyphs: Glyphs, can_start_again: bool) -> Question[Parting]:
    """Names what would stop. A manager in the background cannot take processes over: it starts them anew."""
    lines = [f"{glyphs.status[row.status]} {row.id}" for row in alive[:MOST]]
    if len(alive) > MOST:
        lines.append(f"and {len(alive) - MOST} more")
    text = "This stops\n\n" + "\n".join(lines)
    answers: dict[str, tuple[str, Parting]] = {"n": ("No", "stay"), "y": ("Quit", "stop")}
    if can_start_again:
        answers["b"] = ("Background", "start again")
        text += f"\n\nBackground restarts them: {plural(len(alive), 'process stops', 'processes stop')},"
        text += "\nand a manager without a screen starts the\nconfig anew. pmtui shows it, pmtui down ends it."
    return Question("Quit pmtui?", text, answers)
