"""The progress of a shutdown."""

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Static

from pmtui.control import INACTIVE_STATES
from pmtui.dashboard.backend.state import DashboardState
from pmtui.dashboard.dialogs.dialog import Dialog
from pmtui.dashboard.style import formats
from pmtui.dashboard.style.glyphs import UNICODE, Glyphs

MAX_SHOWN = 12


class ShutdownDialog(Dialog[None]):
    """Stays until the manager has ended; `K` kills what is left."""

    title_text = "Stopping"
    hint = "K  kill the rest now"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("K,x,ctrl+c", "kill", show=False)]

    class KillRequested(Message):
        """Kill what is left now."""

    def __init__(self, state: DashboardState, started: float, glyphs: Glyphs = UNICODE) -> None:
        super().__init__()
        self._dashboard_state, self._started_at, self._glyphs = state, started, glyphs

    def compose_body(self) -> ComposeResult:
        with VerticalScroll(can_focus=False, classes="body"):
            yield Static(self._text(self._dashboard_state), id="text")

    def show(self, state: DashboardState) -> None:
        for text in self.query("#text").results(Static):  # none while it comes or goes
            text.update(self._text(state))

    def _text(self, state: DashboardState) -> Text:
        left = [row for row in state.snapshots if row.status not in INACTIVE_STATES]
        if not left:
            return Text("All processes have ended.")
        waited = formats.duration(state.now - self._started_at)
        text = Text(f"{formats.plural(len(left), 'process', 'processes')} left after {waited}\n")
        for row in left[:MAX_SHOWN]:
            glyph = self._glyphs.status[row.status]
            text.append(f"\n{glyph} {row.id:<24} ")
            text.append(f"{row.status}  pid {row.pid or '–'}  {formats.printable(row.reason)}", style="dim")  # noqa: RUF001
        if len(left) > MAX_SHOWN:
            text.append(f"\n  and {len(left) - MAX_SHOWN} more")
        return text

    def action_kill(self) -> None:
        self.post_message(self.KillRequested())

    def action_leave(self) -> None:
        """Do nothing: a shutdown cannot be cancelled."""
