"""The terminal of a process over all its runs: who looks at it, and what size it has."""

import asyncio
from collections.abc import AsyncGenerator

from pmtui.control import TerminalEvent, TerminalSize
from pmtui.logs.capture.output_feed import OutputFeed
from pmtui.spawner.process_input import ProcessInput
from pmtui.spawner.stdio import DEFAULT_SIZE

CALM_DELAY = 0.5
"""Seconds after a flood of output."""
REDRAW_DELAY = 0.1
"""Seconds between the two sizes that make a program draw again."""


class ProcessTerminal:
    """Of several viewers, the one who typed last decides the size; until one has typed, the first one does."""

    def __init__(self) -> None:
        self.size = DEFAULT_SIZE
        self.feed = OutputFeed(TerminalSize(columns=DEFAULT_SIZE[0], rows=DEFAULT_SIZE[1]))
        self.owner: str | None = None
        self._input: ProcessInput | None = None
        self._redrawing: asyncio.TimerHandle | None = None
        self._sizes: dict[str, tuple[int, int] | None] = {}

    def start_run(self, run: int, stdin: ProcessInput | None) -> None:
        """Show this run from now on, if it has a terminal."""
        if stdin and stdin.is_terminal:
            self._input = stdin
            self.feed.start_run(run)

    def end_run(self) -> None:
        self._input = None

    async def view(self, viewer: str) -> AsyncGenerator[TerminalEvent, None]:
        """Yield the size and the output from now on, after the end of the output so far."""
        self._sizes[viewer] = None
        self.owner = self.owner or viewer
        events = self.feed.add_viewer(self._redraw_soon)
        try:
            async for event in events.events():
                yield event
        finally:
            self.feed.remove_viewer(events)
            self._sizes.pop(viewer, None)
            if self.owner == viewer:
                self.owner = None

    def resize(self, columns: int, rows: int, viewer: str | None = None) -> None:
        """Set the size; that of a viewer who does not decide is only remembered."""
        if viewer in self._sizes:
            is_new = self._sizes[viewer] is None
            self._sizes[viewer] = columns, rows
            if viewer != self.owner:
                return
            if is_new and self.size == (columns, rows) and self.feed.is_truncated:
                self._redraw()
        self._set_size(columns, rows)

    def typed(self, viewer: str) -> None:
        if viewer in self._sizes and viewer != self.owner:
            self.owner = viewer
            if size := self._sizes[viewer]:
                self._set_size(*size)

    def _set_size(self, columns: int, rows: int) -> None:
        if self.size == (columns, rows):
            return
        self.size = columns, rows
        if self._input:
            self._input.resize(columns, rows)
        self.feed.set_size(TerminalSize(columns=columns, rows=rows))

    def _redraw_soon(self) -> None:
        """Let a full-screen program draw again once no output has been left out for a while."""
        if self._redrawing:
            self._redrawing.cancel()
        self._redrawing = asyncio.get_running_loop().call_later(CALM_DELAY, self._redraw_screen)

    def _redraw_screen(self) -> None:
        if self.feed.has_alternate_screen:
            self._redraw()

    def _redraw(self) -> None:
        """Let the program draw again what the viewer could not be given. Many do so only for another size."""
        if stdin := self._input:
            columns, rows = self.size
            stdin.resize(columns, rows - 1 or 2)
            asyncio.get_running_loop().call_later(REDRAW_DELAY, self._restore_size, stdin)

    def _restore_size(self, stdin: ProcessInput) -> None:
        if stdin is self._input:
            stdin.resize(*self.size)
