"""What the parts of the main screen have in common."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from textual.screen import Screen

from pmtui.control import Console, ControlError
from pmtui.dashboard.backend.log_source import LogSource
from pmtui.dashboard.backend.state import Facts, Feed
from pmtui.dashboard.log_view.log_pane import LogPane
from pmtui.dashboard.style.formats import harmless
from pmtui.dashboard.style.glyphs import Glyphs
from pmtui.dashboard.table.process_table import ProcessTable
from pmtui.dashboard.widgets.prompt import Prompt
from pmtui.dashboard.widgets.tab_bar import PaneBar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Desk(Screen[None]):
    """The widgets, the facts, and how an operation is done and told of."""

    detaches = False
    """Leaving ends nothing: the manager runs elsewhere."""

    def __init__(self, control: Console, logs: LogSource, feed: Feed, glyphs: Glyphs) -> None:
        super().__init__()
        self.control, self.logs, self.feed, self.glyphs = control, logs, feed, glyphs
        self.facts = Facts()
        self.table = ProcessTable(glyphs, id="table")
        self.pane = LogPane(glyphs, id="logs")
        self.pane_bar = PaneBar(glyphs, id="pane-bar")
        self.prompt = Prompt(id="prompt")

    def tell(self, text: str, *, error: bool = False) -> None:
        """Says what has happened, in a corner, for some seconds."""
        text = "\n".join(harmless(line) for line in text.splitlines())
        self.notify(text, severity="error" if error else "information", timeout=6 if error else 3, markup=False)

    def label_keys(self) -> None:
        """Names the keys for what they would do now."""

    def operate(self, verb: str, ids: Sequence[str], do: "Callable[[str], Awaitable[Any]]") -> None:
        """Does something to each of the processes, one after the other, and tells how it went."""
        self.run_worker(self._operate(verb, [*ids], do), group="operations")

    async def _operate(self, verb: str, ids: Sequence[str], do: "Callable[[str], Awaitable[Any]]") -> None:
        done = []
        for process_id in ids:
            try:
                await do(process_id)
            except ControlError as error:
                self.tell(str(error), error=True)
            else:
                done.append(process_id)
        self.table.clear_marks()
        self.label_keys()
        self.feed.stir()
        if done:
            self.tell(f"{verb} {names(done)}")


def names(ids: Sequence[str], most: int = 3) -> str:
    """`a, b and 7 more`."""
    if len(ids) <= most:
        return ", ".join(ids)
    return f"{', '.join(ids[:most])} and {len(ids) - most} more"
