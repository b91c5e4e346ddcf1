"""What the keys do to the table."""

from dataclasses import replace

from textual import on

from pmtui.dashboard.dialogs.choose import SelectDialog
from pmtui.dashboard.screens.main_base import MainScreenBase
from pmtui.dashboard.table.filters import Filter
from pmtui.dashboard.widgets.prompt import Prompt


class TableActions(MainScreenBase):
    """Filter and sort order, and the prompt for filters and searches."""

    @property
    def _log_has_focus(self) -> bool:
        """Return whether a slash searches the log."""
        return self.pane_bar.tab == "logs" and (self.focused is self.pane or self.has_class("-full"))

    def action_slash(self) -> None:
        if self._log_has_focus:
            self.prompt.open("search", self.pane.state.search)
        else:
            self.prompt.open("filter", self.table.table_view.filter.text)

    def set_filter(self, text: str) -> None:
        self.table.set_view(replace(self.table.table_view, filter=Filter(text)))

    def action_problems(self) -> None:
        view = self.table.table_view
        self.table.set_view(replace(view, problems_only=not view.problems_only))

    def action_sort_next(self) -> None:
        self.table.set_view(self.table.table_view.sorted_by_neighbor(1, self.table.columns))

    def action_sort_previous(self) -> None:
        self.table.set_view(self.table.table_view.sorted_by_neighbor(-1, self.table.columns))

    def action_invert(self) -> None:
        view = self.table.table_view
        self.table.set_view(replace(view, inverted=not view.inverted))

    def action_group(self) -> None:
        groups = dict.fromkeys(row.group for row in self.dashboard_state.snapshots if row.group)
        if not groups:
            self.show_message("No process has a group")
            return

        def answered(group: str | None) -> None:
            if group is not None:
                self.set_filter(group)

        choices = [(f"@{group}", group) for group in groups]
        self.app.push_screen(SelectDialog("Group", [("", "all"), *choices]), answered)

    @on(Prompt.Changed)
    def _prompt_changed(self, message: Prompt.Changed) -> None:
        if message.purpose == "filter":
            self.set_filter(message.text)
        else:
            self.prompt.show_error(self.pane.search(message.text))

    @on(Prompt.Moved)
    def _prompt_moved(self, message: Prompt.Moved) -> None:
        if message.purpose == "filter":
            self.table.move(message.step)
        elif self.pane.state.search:
            self.pane.find(message.step)

    @on(Prompt.Closed)
    def _prompt_closed(self, message: Prompt.Closed) -> None:
        if message.purpose == "filter":
            self.set_filter(message.text)
            self.fit_table()
            self.set_focus(self.table)
            return
        self.set_focus(self.pane)
        if error := self.pane.search(message.text):
            self.show_message(error, error=True)
        elif message.only:
            self.pane.toggle_filter()
        elif message.text:
            self.pane.find(1)
