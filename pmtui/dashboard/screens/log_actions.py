"""What the keys do to the log."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import wraps
from itertools import islice
from pathlib import Path

from textual import on

from pmtui.config.discovery import data_directory
from pmtui.control import ControlError, Level, Snapshot
from pmtui.dashboard.dialogs.entry import EntryDialog, EntryKind
from pmtui.dashboard.log_view.lines import FilteredLines, Line, LineBuffer, Lines, MergedLines, PausedView
from pmtui.dashboard.log_view.log_pane import LogPane
from pmtui.dashboard.log_view.save import save_copy, save_lines
from pmtui.dashboard.screens.main_base import MainScreenBase
from pmtui.dashboard.style.formats import plural
from pmtui.dashboard.widgets.tab_bar import CHANNELS, Channel

MAX_NAME_WIDTH = 16
MAX_ASKED_FOR_RUNS = 50
"""Processes up to which the ends of their runs are read for the separators between runs."""
LEVEL_CYCLE: Sequence[Level | None] = (None, "info", "warn", "error")
PAGE_SIZE = 1000
"""Lines that are read from files at a time."""


def in_log_tab(action: Callable[["LogActions"], None]) -> Callable[["LogActions"], None]:
    """Show the log before the action, so that its effect can be seen."""

    @wraps(action)
    def shown_first(screen: "LogActions") -> None:
        if screen.pane_bar.tab != "logs":
            screen.set_tab("logs")
        action(screen)

    return shown_first


class LogActions(MainScreenBase):
    """The pane shows the process under the cursor, or several at once."""

    channel: Channel = "all"
    merged = False
    _shown_ids: Sequence[str] = ()
    _is_reading_older = False
    _older: tuple[PausedView, Iterator[Line]] | None = None

    def update_runs(self, snapshots: Sequence[Snapshot]) -> None:
        """Learn what is to be said at the starts of runs."""
        for process_id in self._run_notes.observe(snapshots):
            if snapshots and len(snapshots) <= MAX_ASKED_FOR_RUNS:
                self.run_worker(self._read_exits(process_id), group="exits")
        self._show_runs()

    async def _read_exits(self, process_id: str) -> None:
        with suppress(ControlError):
            self._run_notes.add_exits(process_id, (await self.control.get(process_id)).exits)
            self._show_runs()

    def _show_runs(self) -> None:
        options = replace(self.pane.render_options, runs=self._run_notes.texts(), colors=self._places())
        if options != self.pane.render_options:
            self.pane.change(options)

    def _places(self) -> Mapping[str, int]:
        return {row.id: place for place, row in enumerate(self.dashboard_state.snapshots)}

    def show_log(self) -> None:
        """Show the selected lines from their end."""
        row, section = self.table.snapshot, self.table.section
        ids: Sequence[str] = ()
        names = 0
        lines: Lines = LineBuffer()
        if self.merged or section:
            ids = self._shown_ids = self._merged_ids()
            names = min(MAX_NAME_WIDTH, max((len(process_id) for process_id in ids), default=0))
            lines = MergedLines(self.logs.lines_of(ids))
        elif row is not None:
            (lines,) = self.logs.lines_of([row.id])
        self.table.color_ids({process_id: self._places()[process_id] for process_id in ids} if names else {})
        if self.channel != "all":
            wanted = f"std{self.channel}"
            lines = FilteredLines(lines, lambda line: line.stream == wanted)
        self.pane.show(lines, names)
        self.pane_bar.title = self._log_title()
        self.pane_bar.channel = self.channel
        self.pane_bar.update_pieces()

    def follow_members(self) -> None:
        """Show the log again if other processes belong to it now, unless somewhere else in it is being read."""
        if (self.merged or self.table.section) and self.pane.state.follows and self._merged_ids() != self._shown_ids:
            self.show_log()

    def _merged_ids(self) -> Sequence[str]:
        if self.merged and self.table.marks:
            return [row.id for row in self.dashboard_state.snapshots if row.id in self.table.marks]
        if not self.merged and (section := self.table.section):
            return [row.id for row in section.members]
        return [row.id for row in self.table.table_view.rows(self.dashboard_state.snapshots)]

    def _log_title(self) -> str:
        if self.merged:
            return "all processes"
        section = self.table.section
        return self.table.selected or (section.name if section else "")

    @on(LogPane.ReachedTop)
    def _reached_top(self, message: LogPane.ReachedTop) -> None:
        if message.held.oldest is not None and self.table.selected is not None and not self.merged:
            self.run_worker(self._read_older(message.held, message.held.oldest, self.table.selected), group="older")

    async def _read_older(self, held: PausedView, oldest: int, process_id: str) -> None:
        """Add one page from the files."""
        if self._is_reading_older:
            return
        if self._older is None or self._older[0] is not held:
            self._older = held, self.logs.older_than(process_id, oldest)
        self._is_reading_older = True
        try:
            page = await asyncio.to_thread(lambda pages: [*islice(pages, PAGE_SIZE)], self._older[1])
        finally:
            self._is_reading_older = False
        wanted = [line for line in page if self.channel in ("all", line.stream[3:])]
        self.pane.add_older(held, wanted[::-1])

    def set_channel(self, channel: Channel) -> None:
        self.channel = channel
        self.show_log()

    @in_log_tab
    def action_stream(self) -> None:
        self.set_channel(CHANNELS[(CHANNELS.index(self.channel) + 1) % len(CHANNELS)])

    @in_log_tab
    def action_merge(self) -> None:
        self.merged = not self.merged
        self.show_log()

    @in_log_tab
    def action_follow(self) -> None:
        self.pane.toggle_follow()

    @in_log_tab
    def action_times(self) -> None:
        times = not self.pane.render_options.times
        self.pane.change(replace(self.pane.render_options, times=times))
        self.preferences.remember(times=times)

    @in_log_tab
    def action_wrap(self) -> None:
        wrap = not self.pane.render_options.wrap
        self.pane.change(replace(self.pane.render_options, wrap=wrap, x=0))
        self.preferences.remember(wrap=wrap)
        self.show_message("Long lines wrap" if wrap else "Long lines are truncated")

    @in_log_tab
    def action_pretty(self) -> None:
        pretty = not self.pane.render_options.pretty
        self.pane.change(replace(self.pane.render_options, pretty=pretty))
        self.preferences.remember(pretty=pretty)
        self.show_message("Lines are shown pretty" if pretty else "Lines are shown as written")

    @in_log_tab
    def action_level(self) -> None:
        self.pane.set_level(LEVEL_CYCLE[(LEVEL_CYCLE.index(self.pane.state.level) + 1) % len(LEVEL_CYCLE)])

    def open_entry(self) -> None:
        """Show the marked line as a whole; without one, mark the last line of the screen."""

        def answered(text: str | None) -> None:
            if text is not None:
                self.copy(text)

        if line := self.pane.marked:
            self.app.push_screen(EntryDialog(line, self.pane.text_styles, self._find_entry), answered)
        else:
            self.pane.mark_last_visible()

    def _find_entry(self, kind: EntryKind, step: int) -> Line | None:
        """Move the mark for the dialog that shows the marked line."""
        if kind == "line":
            self.pane.move_mark(step)
        elif not (self.pane.find_error(step) if kind == "error" else self.pane.find(step)):
            return None
        return self.pane.marked

    @on(LogPane.Wrapped)
    def _search_wrapped(self, message: LogPane.Wrapped) -> None:
        self.show_message("Continued from the oldest line" if message.step > 0 else "Continued from the newest line")

    @in_log_tab
    def action_search(self) -> None:
        self.prompt.open("search", self.pane.state.search)

    @in_log_tab
    def action_next_match(self) -> None:
        self._find(1)

    @in_log_tab
    def action_previous_match(self) -> None:
        self._find(-1)

    def _find(self, step: int) -> None:
        if not self.pane.state.search:
            self.action_search()
        elif not self.pane.find(step):
            self.show_message(f"No line matches '{self.pane.state.search}'")

    @in_log_tab
    def action_filter_matches(self) -> None:
        if self.pane.state.search:
            self.pane.toggle_filter()
        else:
            self.action_search()

    @in_log_tab
    def action_next_error(self) -> None:
        self._find_error(1)

    @in_log_tab
    def action_previous_error(self) -> None:
        self._find_error(-1)

    def _find_error(self, step: int) -> None:
        if not self.pane.find_error(step):
            self.show_message("No errors in these lines")

    def action_copy(self) -> None:
        self.copy(self.pane.selected_text or "\n".join(self.pane.on_screen))

    def copy(self, text: str) -> None:
        """Copy to the terminal's clipboard, and to a file for terminals without one."""
        if not text:
            self.show_message("Nothing to copy")
            return
        self.app.copy_to_clipboard(text)
        path = save_copy(text)
        said = f"Copied {plural(text.count(chr(10)) + 1, 'line', 'lines')}"
        self.show_message(f"{said}, also to {path}" if path else said)

    def action_save(self) -> None:
        lines: list[Line] = [*self.pane.everything()]
        if not lines:
            self.show_message("Nothing to save")
            return
        about = self.dashboard_state.about
        folder = data_directory(Path(about.config) if about and about.config else None)
        try:
            path = save_lines(self.pane_bar.title, lines, folder if folder.is_dir() else None)
        except OSError as error:
            self.show_message(f"Cannot save the lines: {error.strerror} ({error.filename})", error=True)
        else:
            here = Path.cwd()
            shown = path.relative_to(here) if path.is_relative_to(here) else path
            self.show_message(f"Saved {plural(len(lines), 'line', 'lines')} to {shown}")
