"""What the parts of the main screen share."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.screen import Screen

from pmtui.control import Control, ControlError
from pmtui.dashboard.actions import Action, actions_of
from pmtui.dashboard.backend.log_source import LogSource
from pmtui.dashboard.backend.state import DashboardState, StatePoller
from pmtui.dashboard.keys import customized
from pmtui.dashboard.log_view.log_pane import LogPane
from pmtui.dashboard.log_view.run_notes import RunNotes
from pmtui.dashboard.preferences import Preferences
from pmtui.dashboard.style.formats import printable
from pmtui.dashboard.style.glyphs import Glyphs
from pmtui.dashboard.table.filters import NO_FILTER
from pmtui.dashboard.table.process_table import ProcessTable
from pmtui.dashboard.widgets.advice import AdviceBar
from pmtui.dashboard.widgets.card import CardPane
from pmtui.dashboard.widgets.prompt import Prompt
from pmtui.dashboard.widgets.tab_bar import PaneBar, Tab

if TYPE_CHECKING:
    from collections.abc import Awaitable


MAX_TABLE_FRACTION = 0.45
"""Part of the terminal that the table may have if the log is below it."""


class MainScreenBase(Screen[None]):
    """The widgets, the state, and how operations are run and reported."""

    extra_rows = 0
    detaches = False
    """Leaving ends nothing, because the manager runs elsewhere."""

    def __init__(
        self, control: Control, logs: LogSource, feed: StatePoller, glyphs: Glyphs, preferences: Preferences
    ) -> None:
        super().__init__()
        self.preferences = preferences
        self.control, self.logs, self.poller, self.glyphs = control, logs, feed, glyphs
        self.dashboard_state = DashboardState()
        self.table = ProcessTable(glyphs, id="table")
        self.pane = LogPane(glyphs, id="logs")
        self.pane_bar = PaneBar(glyphs, id="pane-bar")
        self.prompt = Prompt(id="prompt")
        self.advice = AdviceBar(glyphs, id="advice")
        self.card = CardPane(id="card")
        self._run_notes = RunNotes()

    @property
    def actions(self) -> Sequence[Action]:
        """Return all actions, with the user's keys."""
        return actions_of(self.detaches, customized(self.preferences.keys))

    def show_message(self, text: str, *, error: bool = False) -> None:
        """Show a toast."""
        text = " ".join(printable(line) for line in text.splitlines())
        self.notify(text, severity="error" if error else "information", timeout=6 if error else 3, markup=False)

    def show_log(self) -> None:
        """Show the log of what is selected."""

    def set_tab(self, tab: Tab) -> None:
        """Switch to a tab."""

    def fit_table(self) -> None:
        """Give the table the rows it needs."""

    def label_keys(self) -> None:
        """Label the keys with what they would do now."""

    def operate(self, verb: str, ids: Sequence[str], do: "Callable[[str], Awaitable[Any]]") -> None:
        """Run an operation on each process in turn, and report the result."""
        self.run_worker(self._operate(verb, [*ids], do), group="operations")

    async def _operate(self, verb: str, ids: Sequence[str], do: "Callable[[str], Awaitable[Any]]") -> None:
        done = []
        for process_id in ids:
            try:
                await do(process_id)
            except ControlError as error:
                self.show_message(str(error), error=True)
            else:
                done.append(process_id)
        self.table.clear_marks()
        self.label_keys()
        self.poller.poll_soon()
        if done:
            self.show_message(f"{verb} {join_names(done)}")

    def callback_for_action(self, action: Action) -> Callable[[], object]:
        """Return what the palette runs for an action."""
        return lambda: self.run_worker(self.run_action(action.call))

    def callbacks_for_verbs(self, process_id: str) -> Iterator[tuple[str, Callable[[], object]]]:
        """Yield what the palette can do to a process."""
        verbs = (("Restart", "Restarting"), ("Stop", "Stopping"), ("Start", "Starting"))
        for verb, doing in verbs:
            yield verb, partial(self.operate, doing, [process_id], getattr(self.control, verb.lower()))

    def callback_for_process(self, process_id: str) -> Callable[[], None]:
        """Return what the palette runs for a process."""

        def select() -> None:
            if process_id not in self.table.ids:
                self.table.set_view(replace(self.table.table_view, filter=NO_FILTER))
            self.table.select(process_id)

        return select


def join_names(ids: Sequence[str], most: int = 3) -> str:
    """Return `a, b and 7 more`."""
    if len(ids) <= most:
        return ", ".join(ids)
    return f"{', '.join(ids[:most])} and {len(ids) - most} more"
