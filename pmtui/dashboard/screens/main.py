"""The screen of the dashboard: the table of processes, and below it the details of one."""

from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.command import Provider
from textual.containers import Container, Vertical
from textual.geometry import Size
from textual.widgets import ContentSwitcher, Static

from pmtui.config.notation import in_notation
from pmtui.dashboard.actions import BY_ID, bindings
from pmtui.dashboard.backend.state import DashboardState
from pmtui.dashboard.dialogs.too_small import TooSmall, is_too_small
from pmtui.dashboard.log_view.log_pane import LogPane
from pmtui.dashboard.screens.empty_state import empty_notice, no_output_text
from pmtui.dashboard.screens.log_actions import LogActions
from pmtui.dashboard.screens.main_base import MAX_TABLE_FRACTION
from pmtui.dashboard.screens.palette import PaletteProvider
from pmtui.dashboard.screens.process_actions import ProcessActions
from pmtui.dashboard.screens.reach_actions import ReachActions
from pmtui.dashboard.screens.tab_actions import TabActions
from pmtui.dashboard.screens.table_actions import TableActions
from pmtui.dashboard.style.formats import shorten
from pmtui.dashboard.style.styles import styles_for
from pmtui.dashboard.table.process_table import ProcessTable
from pmtui.dashboard.table.view import TableView
from pmtui.dashboard.widgets.bar import Bar
from pmtui.dashboard.widgets.charts import RANGES, ChartsPane
from pmtui.dashboard.widgets.details import DetailsPane, EnvPane
from pmtui.dashboard.widgets.footer import KeyBar
from pmtui.dashboard.widgets.header import TitleBar
from pmtui.dashboard.widgets.tab_bar import CHANNELS, JOB_TABS

SECRET_HERE = "press v to reveal"
SECRET_ELSEWHERE = "secret: only the dashboard that runs the manager can show it"
VISIBLE_LINES_ACTIONS = frozenset({"copy", "save"})
"""What concerns the lines on the screen; the other keys of the log show it first."""
MIN_TABLE_ROWS = 3
MIN_WIDE_WIDTH = 160
"""Columns of a terminal in which the log stands beside the table."""


class MainScreen(ProcessActions, ReachActions, LogActions, TableActions, TabActions):
    """Show the state, and pass keys, clicks and messages to the right widget."""

    DEFAULT_CSS = """
    MainScreen #notice { display: none; padding: 1 3; height: 1fr; }
    MainScreen #body, MainScreen #beside, MainScreen #switcher { height: 1fr; }
    MainScreen.-empty #notice { display: block; }
    MainScreen.-empty #body, MainScreen.-full #table { display: none; }
    MainScreen.-wide #body { layout: horizontal; }
    MainScreen.-wide #table { width: 47%; max-width: 84; }
    MainScreen.-wide #beside { width: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings("screen")
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {PaletteProvider}
    AUTO_FOCUS = "#table"
    prefers_wide = True

    def compose(self) -> ComposeResult:
        yield TitleBar(self.glyphs, id="title")
        with Container(id="body"):
            yield self.table
            with Vertical(id="beside"):
                yield self.pane_bar
                yield self.advice
                with ContentSwitcher(initial="logs", id="switcher"):
                    yield self.pane
                    yield DetailsPane(id="info")
                    yield ChartsPane(id="charts")
                    yield DetailsPane(id="tree")
                    yield DetailsPane(id="events")
                    yield DetailsPane(id="runs")
                    yield EnvPane(SECRET_ELSEWHERE if self.detaches else SECRET_HERE, id="env")
                yield self.card
        yield Static("", id="notice")
        yield self.prompt
        yield KeyBar(self.glyphs, id="keys")

    def on_mount(self) -> None:
        settings = self.preferences.settings
        view = TableView(sort=settings.sort, inverted=settings.inverted, folded=frozenset(settings.folded))
        self.table.set_view(view)
        options = self.pane.render_options
        self.pane.change(replace(options, wrap=settings.wrap, times=settings.times, pretty=settings.pretty))
        self.prefers_wide, self.extra_rows = settings.layout == "wide", settings.table_rows
        self.query_one(KeyBar).actions = self.actions

    # state

    def show(self, state: DashboardState) -> None:
        shown = self.table.line_count
        self.dashboard_state = state
        self.query_one(TitleBar).show(state)
        empty = state.about is not None and not state.snapshots
        self.set_class(empty, "-empty")
        if empty and state.about is not None:
            self.query_one("#notice", Static).update(empty_notice(state.about, styles_for(self.app)))
        self.table.show(state)
        self.update_runs(state.snapshots)
        self.follow_members()
        if self.table.line_count != shown and not self.prompt.is_open:
            self.fit_table()
        self._update_empty_messages()
        self._show_advice()
        self.offer_tabs()
        self.label_keys()
        self.update_card()
        if self.tab != "logs":
            self.show_details()

    def _update_empty_messages(self) -> None:
        view = self.table.table_view
        if view.filter:
            self.table.message = f"No process matches '{view.filter.text}'. Press Esc to show all."
        elif view.problems_only:
            self.table.message = "No process has a problem. Press ! to show all."
        row = self.table.snapshot
        if row is None:
            self.pane.message = "No output yet." if self.table.section else ""
        elif self.pane.state.level:
            self.pane.message = f"No line of level {self.pane.state.level} or worse. Press l to show other levels."
        elif self.pane.state.filtered:
            self.pane.message = f"No line matches '{self.pane.state.search}'. Press F to show all."
        else:
            self.pane.message = no_output_text(row)

    def _show_advice(self) -> None:
        row, about = self.table.snapshot, self.dashboard_state.about
        advice = in_notation(row.advice, about.config if about else None) if row else ""
        self.advice.show(advice)

    def label_keys(self) -> None:
        keys = self.query_one(KeyBar)
        chosen = self.table.chosen
        several = f" {len(chosen)}" if self.table.marks or self.table.section else ""
        keys.labels = {
            "toggle_running": ("Start" if self.all_inactive else "Stop") + several,
            "restart": ("Run now" if self.all_scheduled else "Restart") + several,
            "kill": f"Kill{several}",
            "slash": "Search" if self._log_has_focus else "Filter",
            "full_logs": self._label_enter(),
            "follow": "Follow" if not self.pane.state.follows else "Pause",
            "quit": "Detach" if self.detaches else "Quit",
        }
        keys.hidden = frozenset() if chosen else frozenset({"restart", "toggle_running", "full_logs", "kill", "follow"})
        if self.tab != "logs":
            keys.hidden |= {"follow"}
        keys.hint, keys.prompt_keys = self._hint(), self.prompt.keys
        keys.update_pieces()

    def _label_enter(self) -> str:
        if self._log_has_focus:
            return "Open"
        section = self.table.section if self.focused is self.table else None
        return "Logs" if section is None else "Unfold" if section.folded else "Fold"

    def _hint(self) -> str:
        """Return what else applies to the table: marks and filters."""
        view, marked = self.table.table_view, len(self.table.marks)
        count = f"{len(self.table.ids)} of {len(self.dashboard_state.snapshots)}"
        said = [f"{marked} marked"] if marked else []
        if view.problems_only:
            said.append(f"problems {count}")
        if view.filter:
            said.append(f"{shorten(view.filter.text, 16)} {count}")
        return f" {self.glyphs.dot} ".join(said)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable what concerns the lines on the screen while other things are on it."""
        if self.tab != "logs" and action in VISIBLE_LINES_ACTIONS:
            return False
        return super().check_action(action, parameters)

    # layout

    def on_resize(self, event: events.Resize) -> None:
        self._guard_size(event.size)
        self.fit_table()

    def on_screen_resume(self) -> None:
        self._guard_size(self.app.size)

    def _guard_size(self, size: Size) -> None:
        """Cover the dashboard if it does not fit, so that no key reaches what cannot be seen."""
        if self.is_current and is_too_small(size):
            self.app.push_screen(TooSmall())

    def fit_table(self) -> None:
        """Give the table the rows it needs, or a column of a wide terminal."""
        wide = self.size.width >= MIN_WIDE_WIDTH and self.prefers_wide
        self.set_class(wide, "-wide")
        self.table.set_beside_log(wide)
        if wide:
            self.table.styles.height = "1fr"
            return
        most = max(MIN_TABLE_ROWS, int(self.size.height * MAX_TABLE_FRACTION) - 1)
        rows = min(self.table.line_count, most) + self.extra_rows
        limit = max(MIN_TABLE_ROWS, self.size.height - 8)
        self.table.styles.height = 1 + max(1, min(rows, limit))

    def action_layout(self) -> None:
        if self.size.width < MIN_WIDE_WIDTH:
            self.show_message(f"The wide layout needs {MIN_WIDE_WIDTH} columns")
            return
        self.prefers_wide = not self.prefers_wide
        self.preferences.remember(layout="wide" if self.prefers_wide else "tall")
        self.fit_table()

    def action_grow(self) -> None:
        self._resize_table(1)

    def action_shrink(self) -> None:
        if self.table.size.height > 1 + MIN_TABLE_ROWS:
            self._resize_table(-1)

    def _resize_table(self, step: int) -> None:
        self.extra_rows += step
        self.preferences.remember(table_rows=self.extra_rows)
        self.fit_table()

    def action_full_logs(self) -> None:
        """Switch between the table and the log on the whole screen, or fold the section under the cursor."""
        if self.focused is self.table and (section := self.table.section):
            self.table.toggle_fold(section)
            return
        if self.tab == "logs" and self.focused is self.pane:
            self.open_entry()
            return
        self.toggle_full_logs()

    def toggle_full_logs(self) -> None:
        self.set_tab("logs")
        self.toggle_class("-full")
        self.set_focus(self.pane if self.has_class("-full") else self.table)
        self.label_keys()

    # steps back

    def action_back(self) -> None:
        """Go one step back, innermost first."""
        steps: list[tuple[bool, Callable[[], object]]] = [
            (len(self.app._notifications) > 0, self.app.clear_notifications),
            (bool(self.pane.selected_text), self.pane.clear_selection),
            (bool(self.pane.state.search), self._clear_search),
            (self.pane.marked is not None, lambda: self.pane.mark(None)),
            (self.has_class("-full"), self.toggle_full_logs),
            (self.focused is not self.table, lambda: self.set_focus(self.table)),
            (bool(self.table.marks), self.table.clear_marks),
            (bool(self.table.table_view.filter), lambda: self.set_filter("")),
            (self.table.table_view.problems_only, self.action_problems),
            (self.merged, self.action_merge),
        ]
        for applies, step in steps:
            if applies:
                step()
                break
        self.label_keys()

    def _clear_search(self) -> None:
        self.pane.mark(None)
        self.pane.search("")

    # messages

    @on(ProcessTable.Selected)
    def _selected(self) -> None:
        if not self.merged:
            self.show_log()
        self._update_empty_messages()
        self._show_advice()
        self.offer_tabs()
        self.label_keys()
        self.update_card()
        if self.tab != "logs":
            self.show_details()

    @on(ProcessTable.ViewChanged)
    def _rearranged(self) -> None:
        view = self.table.table_view
        self.preferences.remember(sort=view.sort, inverted=view.inverted, folded=tuple(sorted(view.folded)))
        if not self.prompt.is_open:  # the log would jump with every letter of a filter
            self.fit_table()
        self._update_empty_messages()
        self.label_keys()

    @on(ProcessTable.Opened)
    @on(LogPane.Opened)
    def _opened(self) -> None:
        self.toggle_full_logs()

    @on(LogPane.Changed)
    def _log_changed(self, message: LogPane.Changed) -> None:
        self.pane_bar.state = message.state
        self.pane_bar.update_pieces()
        self._update_empty_messages()
        self.label_keys()

    @on(ChartsPane.Resized)
    def _charts_resized(self) -> None:
        if self.tab == "charts":
            self.show_details()

    @on(LogPane.Copied)
    def _copied(self, message: LogPane.Copied) -> None:
        self.copy(message.text)

    @on(Bar.Picked)
    async def _picked(self, message: Bar.Picked) -> None:
        kind, _, value = message.target.partition(":")
        if kind == "tab":
            self.set_tab(next(tab for tab in JOB_TABS if tab == value))
        elif kind == "channel":
            self.set_channel(next(channel for channel in CHANNELS if channel == value))
        elif kind == "range":
            self.action_chart_range(next(choice for choice in RANGES if choice == value))
        elif kind == "is":
            self.set_filter(message.target)
        else:
            await self.run_action(BY_ID[kind].call)

    def on_descendant_focus(self) -> None:
        self.pane_bar.focused_pane = self.focused not in (self.table, None)
        self.pane_bar.update_pieces()
        self.label_keys()
