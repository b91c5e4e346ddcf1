"""The command palette: actions, processes and themes."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.types import IgnoreReturnCallbackType

from pmtui.dashboard.style.formats import printable
from pmtui.dashboard.style.themes import CYCLE

if TYPE_CHECKING:
    from pmtui.dashboard.app import DashboardApp
    from pmtui.dashboard.screens.main_base import MainScreenBase


class PaletteProvider(Provider):
    """Offer every action by its name, and every process by its id."""

    def _entries(self) -> Iterator[tuple[str, str, IgnoreReturnCallbackType]]:
        screen, app = cast("MainScreenBase", self.screen), cast("DashboardApp", self.app)
        for action in screen.actions:
            if action.scope in ("screen", "app") and action.id not in ("palette", "back", "switch_pane"):
                yield f"{action.label}  ({action.key})", action.help, screen.callback_for_action(action)
        for row in screen.dashboard_state.snapshots:
            for verb, run in screen.callbacks_for_verbs(row.id):
                yield f"{verb} {row.id}", f"{row.status}", run
            yield f"Go to {row.id}", printable(f"{row.status} {row.reason}"), screen.callback_for_process(row.id)
        for name in sorted(self.app.available_themes, key=lambda name: name not in CYCLE):
            yield f"Theme {name}", "Change the colors", partial(app.choose_theme, name)

    async def discover(self) -> Hits:
        for name, help_text, run in self._entries():
            yield DiscoveryHit(name, run, help=help_text)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for name, help_text, run in self._entries():
            if (score := matcher.match(name)) > 0:
                yield Hit(score, matcher.highlight(name), run, help=help_text)
