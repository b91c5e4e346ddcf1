"""The tabs below the table: what they show, and how to switch between them."""

from collections.abc import Container, Mapping, Sequence
from contextlib import suppress

from rich.console import Group
from rich.text import Text
from textual import work
from textual.css.query import NoMatches
from textual.widgets import ContentSwitcher

from pmtui.config.secrets import MASK
from pmtui.control import ControlError, NotFoundError, ProcessEvent, UnavailableError
from pmtui.dashboard.screens.help import Help
from pmtui.dashboard.screens.main_base import MAX_TABLE_FRACTION, MainScreenBase
from pmtui.dashboard.style.formats import epoch_seconds
from pmtui.dashboard.style.styles import styles_for
from pmtui.dashboard.widgets.card import PERIOD, POINTS, Facts, card_rows, status_row
from pmtui.dashboard.widgets.charts import ChartRange, ChartsPane
from pmtui.dashboard.widgets.dependency_tree import tree_table
from pmtui.dashboard.widgets.details import DetailsPane, EnvPane, events_table, info_table
from pmtui.dashboard.widgets.runs import runs_table
from pmtui.dashboard.widgets.tab_bar import JOB_TABS, TABS, Tab

EVENTS_SINCE = "30d"
MAX_EVENTS = 200
MAX_MEMBERS = 30
"""Processes of a group up to which their events are shown together."""
CONTENTS: Mapping[Tab, str] = {
    "logs": "log",
    "info": "details",
    "charts": "charts",
    "tree": "dependencies",
    "events": "events",
    "env": "environment",
    "runs": "runs",
}
FIRST_PERIOD = 15 * 60.0
"""Seconds of a manager's life in which charts show 15 minutes at first."""
BAR_ROWS = 3
"""Rows of the title, the tabs and the keys."""
MIN_HEIGHT_BESIDE = 24
MIN_HEIGHT_BELOW = 22
"""Rows for log and card beside the table, and below it."""


INHERITED = 2


def origin_rank(name: str, configured: Container[str]) -> int:
    """Rank a variable by its origin: the config, pmtui, or the manager's environment."""
    return 0 if name in configured else 1 if name.startswith("PMTUI_") else INHERITED


class TabActions(MainScreenBase):
    """Info, Tree, Events, Env and Runs are requested when they are shown, and after each poll."""

    tab: Tab = "logs"
    merged = False
    revealed: tuple[str, str] | None = None
    chosen_range: ChartRange | None = None

    def set_tab(self, tab: Tab) -> None:
        had_focus = self.focused is not self.table
        self.tab = tab
        if tab == "charts":
            self.pane_bar.chart_range = self.chosen_range or self._default_range()
        self.query_one(ContentSwitcher).current = tab
        self.pane_bar.tab = tab
        self.pane_bar.update_pieces()
        self.revealed = None
        if had_focus:
            self.set_focus(self.query_one(f"#{tab}"))
        self.update_card()
        if tab != "logs":
            self.show_details()
        else:
            self.pane.tick()
        self.label_keys()

    def _default_range(self) -> ChartRange:
        """Return an hour, or less while there is not that much to see."""
        about = self.dashboard_state.about
        start = epoch_seconds(about.start_time) if about and about.start_time else 0.0
        return "15m" if self.dashboard_state.now - start < FIRST_PERIOD else "1h"

    def action_next_tab(self) -> None:
        self._step_tab(1)

    def action_previous_tab(self) -> None:
        self._step_tab(-1)

    def _step_tab(self, step: int) -> None:
        tabs = self.pane_bar.tabs
        self.set_tab(tabs[(tabs.index(self.tab) + step) % len(tabs)])

    def offer_tabs(self) -> None:
        """Offer the tab Runs for jobs only."""
        row = self.table.snapshot
        tabs = JOB_TABS if row and row.schedule else TABS
        if tabs == self.pane_bar.tabs:
            return
        self.pane_bar.tabs = tabs
        if self.tab not in tabs:
            self.set_tab("info")
        self.pane_bar.update_pieces()

    def action_tree(self) -> None:
        self.set_tab("logs" if self.tab == "tree" else "tree")

    def action_charts(self) -> None:
        self.set_tab("logs" if self.tab == "charts" else "charts")

    def action_chart_range(self, chosen: ChartRange) -> None:
        self.chosen_range = chosen
        self.set_tab("charts")

    def action_switch_pane(self) -> None:
        if self.focused is self.table:
            self.set_focus(self.query_one(f"#{self.tab}"))
        elif not self.has_class("-full"):
            self.set_focus(self.table)

    def action_reveal(self) -> None:
        name = self.query_one(EnvPane).name_at_cursor
        process_id = self.table.selected
        if self.tab != "env":
            self.set_tab("env")
        elif name and process_id:
            self.revealed = None if self.revealed == (process_id, name) else (process_id, name)
            self.show_details()

    @work(exclusive=True, group="details")
    async def show_details(self) -> None:
        """Fill the visible tab."""
        process_id = self.table.selected
        styles = styles_for(self.app)
        try:
            if process_id is None:
                await self._show_details_of_several()
                return
            if self.tab == "events":
                events = await self._events_of(process_id)
                self.query_one("#events", DetailsPane).show(
                    events_table(events, styles, self.glyphs, self.dashboard_state.now)
                )
                return
            if self.tab == "charts":
                await self._show_charts(process_id)
                return
            if self.tab == "tree":
                graph = await self.control.graph()
                self.query_one("#tree", DetailsPane).show(tree_table(graph, process_id, styles, self.glyphs))
                return
            if self.tab == "runs":
                runs = await self.control.runs(process_id)
                table = runs_table(runs, styles, self.glyphs, self.dashboard_state.now)
                self.query_one("#runs", DetailsPane).show(table)
                return
            if self.tab == "info":
                await self._show_info(process_id)
                return
            detail = await self.control.get(process_id)
            own = detail.config.get("env") or {}
            env = dict(sorted(detail.env.items(), key=lambda item: (origin_rank(item[0], own), item[0])))
            if self.revealed and self.revealed[0] == process_id and env.get(self.revealed[1]) == MASK:
                env[self.revealed[1]] = await self.control.reveal(*self.revealed)
            inherited = {name for name in env if origin_rank(name, own) == INHERITED}
            self.query_one(EnvPane).show(env, inherited, styles)
        except NoMatches:  # the screen is closing
            return
        except ControlError as error:
            self.revealed = None
            self.show_message(str(error), error=True)

    async def _show_details_of_several(self) -> None:
        """Fill the visible tab while the cursor is on the header of a section, or on nothing."""
        members = self.table.section.members if self.table.section else ()
        if self.tab == "events" and 0 < len(members) <= MAX_MEMBERS:
            histories = [await self.control.history(row.id) for row in members]
            events = sorted((event for history in histories for event in history), key=lambda event: event.time)
            styles = styles_for(self.app)
            self.query_one("#events", DetailsPane).show(
                events_table(events[-MAX_EVENTS:], styles, self.glyphs, self.dashboard_state.now)
            )
            return
        note = f"Select a process to see its {CONTENTS[self.tab]}."
        if self.tab == "env":
            self.query_one(EnvPane).show_note(note)
        elif self.tab == "charts":
            self.query_one(ChartsPane).show_note(Text(note, style=styles_for(self.app)["dim"]))
        else:
            self.query_one(f"#{self.tab}", DetailsPane).show(Text(note, style=styles_for(self.app)["dim"]))

    async def _show_info(self, process_id: str) -> None:
        facts, pane, styles = (
            await self._facts_of(process_id),
            self.query_one("#info", DetailsPane),
            styles_for(self.app),
        )
        card = Text("\n").join(card_rows(facts, (pane.size.width or self.size.width) - 4, styles, self.glyphs))
        pane.show(Group(card, Text(), info_table(facts.detail, styles, self.glyphs, facts.now)))

    async def _facts_of(self, process_id: str) -> Facts:
        usage = graph = None
        detail = await self.control.get(process_id)
        with suppress(ControlError):
            usage = await self.control.usage_history(process_id, PERIOD, points=POINTS)
        with suppress(ControlError):
            graph = await self.control.graph()
        return Facts(detail, usage, graph, self.dashboard_state.now)

    def update_card(self) -> None:
        """Show the card of the process below its log if there is room for both."""
        card, process_id = self.card, self.table.selected
        wanted = self.tab == "logs" and process_id is not None and not self.merged and self._has_room_for_card()
        card.display = wanted
        if wanted and process_id and not card.is_current(process_id, self.dashboard_state.now):
            self._fill_card(process_id)

    def _has_room_for_card(self) -> bool:
        """Return whether the terminal is tall enough. Why not by the log: it would jump while the cursor moves."""
        height = self.size.height - BAR_ROWS
        if self.has_class("-wide"):
            return height >= MIN_HEIGHT_BESIDE
        return height - int(self.size.height * MAX_TABLE_FRACTION) >= MIN_HEIGHT_BELOW

    @work(exclusive=True, group="card")
    async def _fill_card(self, process_id: str) -> None:
        with suppress(ControlError):
            facts = await self._facts_of(process_id)
            width, styles = self.card.size.width - 2, styles_for(self.app)
            rows = card_rows(facts, width, styles, self.glyphs)
            self.card.show_rows(process_id, facts.now, [status_row(facts, width, styles, self.glyphs), *rows])

    async def _events_of(self, process_id: str) -> Sequence[ProcessEvent]:
        """Also those that earlier managers recorded, if they can be read."""
        try:
            return await self.control.past_events(process_id, EVENTS_SINCE, limit=MAX_EVENTS)
        except UnavailableError:
            return await self.control.history(process_id)

    async def _show_charts(self, process_id: str) -> None:
        pane, row, since = self.query_one(ChartsPane), self.table.snapshot, self.pane_bar.chart_range
        key = process_id, since, pane.size, row and (row.status, row.restart_count)
        if not pane.columns or pane.is_current(key):
            return
        try:
            usage = await self.control.usage_history(process_id, since, points=pane.columns)
        except (NotFoundError, UnavailableError) as error:
            if not pane.shows(process_id):
                pane.show(Text(str(error)))
        else:
            pane.show_usage(usage, key, styles_for(self.app), self.glyphs)

    def action_help(self) -> None:
        self.app.push_screen(Help(self.actions, "Logs" if self.focused is self.pane else "Processes"))
