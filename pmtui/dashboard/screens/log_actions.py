"""What the keys do to the log."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from textual import on

from pmtui.config.discovery import data_folder
from pmtui.dashboard.log_view.lines import HeldLines, Line, Lines, MatchingLines, MergedLines, PausedLines
from pmtui.dashboard.log_view.log_pane import LogPane
from pmtui.dashboard.log_view.save import write_copy, write_lines
from pmtui.dashboard.screens.main_base import Desk
from pmtui.dashboard.style.formats import plural
from pmtui.dashboard.widgets.tab_bar import CHANNELS, Channel

LONGEST_NAME = 16
PAGE = 1000
"""Lines that are read from the files at a time."""


class LogActions(Desk):
    """The pane is bound to the process under the cursor, or to several at once."""

    channel: Channel = "all"
    merged = False
    _reads_older = False
    _older: tuple[PausedLines, Iterator[Line]] | None = None

    def show_log(self) -> None:
        """Shows the lines that are wanted now, from their end."""
        row = self.table.snapshot
        names = 0
        lines: Lines = HeldLines()
        if self.merged:
            ids = [row_.id for row_ in self.facts.snapshots if row_.id in self.table.marks] or list(self.table.ids)
            names = min(LONGEST_NAME, max((len(process_id) for process_id in ids), default=0))
            lines = MergedLines(self.logs.lines_of(ids))
        elif row is not None:
            (lines,) = self.logs.lines_of([row.id])
        if self.channel != "all":
            wanted = f"std{self.channel}"
            lines = MatchingLines(lines, lambda line: line.stream == wanted)
        self.pane.show(lines, names)
        self.pane_bar.title = "all processes" if self.merged else row.id if row else ""
        self.pane_bar.channel = self.channel
        self.pane_bar.update_pieces()

    @on(LogPane.AtTop)
    def _at_top(self, message: LogPane.AtTop) -> None:
        if message.held.oldest is not None and self.table.selected is not None and not self.merged:
            self.run_worker(self._read_older(message.held, message.held.oldest, self.table.selected), group="older")

    async def _read_older(self, held: PausedLines, oldest: int, process_id: str) -> None:
        """One page more from the files."""
        if self._reads_older:
            return
        if self._older is None or self._older[0] is not held:
            self._older = held, self.logs.older_than(process_id, oldest)
        self._reads_older = True
        try:
            page = await asyncio.to_thread(lambda pages: [*islice(pages, PAGE)], self._older[1])
        finally:
            self._reads_older = False
        wanted = [line for line in page if self.channel in ("all", line.stream[3:])]
        self.pane.add_older(held, wanted[::-1])

    def set_channel(self, channel: Channel) -> None:
        self.channel = channel
        self.show_log()

    def action_stream(self) -> None:
        self.set_channel(CHANNELS[(CHANNELS.index(self.channel) + 1) % len(CHANNELS)])

    def action_merge(self) -> None:
        self.merged = not self.merged
        self.show_log()

    def action_follow(self) -> None:
        self.pane.toggle_follow()

    def action_times(self) -> None:
        self.pane.change(replace(self.pane.manner, times=not self.pane.manner.times))

    def action_wrap(self) -> None:
        self.pane.change(replace(self.pane.manner, wrap=not self.pane.manner.wrap, x=0))
        self.tell("Long lines are wrapped" if self.pane.manner.wrap else "Long lines are cut")

    def action_search(self) -> None:
        self.prompt.open("search", self.pane.state.search)

    def action_next_match(self) -> None:
        self._find(1)

    def action_previous_match(self) -> None:
        self._find(-1)

    def _find(self, step: int) -> None:
        if not self.pane.state.search:
            self.action_search()
        elif not self.pane.find(step):
            self.tell(f"'{self.pane.state.search}' is not in these lines")

    def action_filter_matches(self) -> None:
        if self.pane.state.search:
            self.pane.toggle_filter()
        else:
            self.action_search()

    def action_next_error(self) -> None:
        self._find_error(1)

    def action_previous_error(self) -> None:
        self._find_error(-1)

    def _find_error(self, step: int) -> None:
        if not self.pane.find_error(step):
            self.tell("No line here tells of an error")

    def action_copy(self) -> None:
        self.copy(self.pane.selected_text or "\n".join(self.pane.on_screen))

    def copy(self, text: str) -> None:
        """Into the terminal's clipboard, and into a file for those that have none."""
        if not text:
            self.tell("There is nothing to copy")
            return
        self.app.copy_to_clipboard(text)
        path = write_copy(text)
        said = f"Copied {plural(text.count(chr(10)) + 1, 'line', 'lines')}"
        self.tell(f"{said}, also to {path}" if path else said)

    def action_save(self) -> None:
        lines: list[Line] = [*self.pane.everything()]
        if not lines:
            self.tell("There is nothing to save")
            return
        about = self.facts.about
        folder = data_folder(Path(about.config) if about and about.config else None)
        try:
            path = write_lines(self.pane_bar.title, lines, folder if folder.is_dir() else None)
        except OSError as error:
            self.tell(f"The lines cannot be saved: {error.strerror} ({error.filename})", error=True)
        else:
            self.tell(f"Saved {plural(len(lines), 'line', 'lines')} to {path}")
