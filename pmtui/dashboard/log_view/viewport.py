"""Which part of the lines is on the screen: the growing end, or a fixed position."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from textual.strip import Strip

from pmtui.dashboard.log_view.lines import Line, Lines, PausedView

RowsOf = Callable[[Line, bool], Sequence[Strip]]
"""Returns the rows of a line; true means the line begins a run, so that a separator precedes it."""


class ScreenRow(NamedTuple):
    """One row of the screen: row `sub` of a line that may take several."""

    line: Line
    sub: int
    strip: Strip


class TopRow(NamedTuple):
    """The first row on the screen."""

    position: int
    sub: int


class Viewport:
    """Follow the end of `source`, or pause at a position. Scrolling up pauses; reaching the end follows."""

    def __init__(self, source: Lines, rows_of: RowsOf) -> None:
        self.source = source
        self.rows_of = rows_of
        self.height = 0
        self._paused: PausedView | None = None
        self._top = TopRow(0, 0)

    @property
    def follows(self) -> bool:
        return self._paused is None

    @property
    def view(self) -> Lines:
        """Return the lines that can be reached by scrolling."""
        return self.source if self._paused is None else self._paused

    @property
    def state(self) -> object:
        """Return everything that determines which rows are on the screen."""
        if self._paused is None:
            return self.source.start, self.source.end, tuple(self.source.partial_lines()), self.height
        return self._top, self._paused.start, self._paused.end, self.height

    @property
    def newer(self) -> int:
        """Return how many lines have arrived since the view was paused."""
        return self._paused.newer if self._paused else 0

    def rows(self) -> Sequence[ScreenRow]:
        """Return what is on the screen, from the top."""
        if self._paused is None:
            return self._with_partial_lines(self._last_rows(self.source))
        return self._rows_from(self._clamped(self._paused))

    @property
    def held(self) -> PausedView | None:
        """Return the lines of a paused view."""
        return self._paused

    @property
    def is_at_top(self) -> bool:
        """Return whether the oldest row is on the screen."""
        return self._paused is not None and self._clamped(self._paused) == TopRow(self._paused.start, 0)

    def pause(self) -> None:
        if self._paused is None:
            rows = self.rows()
            behind = self.source.end - rows[0].line.position if rows else 0
            self._paused = PausedView(self.source)
            self._top = TopRow(self._paused.end - behind, rows[0].sub if rows else 0)

    def follow(self) -> None:
        self._paused = None

    def scroll(self, step: int) -> None:
        """Scroll by rows; up is negative."""
        if step < 0:
            self.pause()
            self._up(-step)
        elif self._paused is not None:
            self._down(step)

    def home(self) -> None:
        self.pause()
        self._top = TopRow(self.view.start, 0)

    def show(self, position: int) -> None:
        """Scroll the line into the middle third, unless it is on the screen."""
        self.pause()
        seen = [row.line.position for row in self.rows()]
        if not seen or not seen[0] <= position <= seen[-1]:
            self._top = TopRow(position, 0)
            self._up(self.height // 3)

    def _up(self, step: int) -> None:
        position, sub = self._clamped(self.view)
        while step > sub:
            step -= sub + 1
            before = self.view.lines(position - 1, 1)
            if not before:
                self._top = TopRow(self.view.start, 0)
                return
            position, sub = position - 1, len(self._rows_at(position - 1)) - 1
        self._top = TopRow(position, sub - step)

    def _down(self, step: int) -> None:
        assert self._paused is not None
        position, sub = self._clamped(self._paused)
        last = self._last_top()
        while step and (position, sub) < last:
            if sub + 1 < len(self._rows_at(position)):
                sub += 1
            else:
                position, sub = position + 1, 0
            step -= 1
            if (position, sub) == last and self._paused.newer:
                self._paused.append_newer()
                last = self._last_top()
        self._top = TopRow(position, sub)
        if (position, sub) >= last and not self._paused.newer:
            self.follow()

    def _last_top(self) -> TopRow:
        rows = self._last_rows(self.view)
        return TopRow(rows[0].line.position, rows[0].sub) if rows else TopRow(self.view.start, 0)

    def _clamped(self, view: Lines) -> TopRow:
        if self._top.position < view.start:
            return TopRow(view.start, 0)
        return self._top

    def _rows_at(self, position: int) -> Sequence[Strip]:
        lines = self.view.lines(position - 1, 2)
        before = lines[-2] if len(lines) > 1 else None
        return self.rows_of(lines[-1], starts_run(before, lines[-1])) if lines else ()

    def _last_rows(self, view: Lines) -> Sequence[ScreenRow]:
        lines = view.lines(max(view.start, view.end - self.height - 1), self.height + 1)
        shown: list[ScreenRow] = []
        for place in range(len(lines) - 1, -1, -1):
            line, before = lines[place], lines[place - 1] if place else None
            rows = self.rows_of(line, starts_run(before, line))
            shown[:0] = [ScreenRow(line, sub, strip) for sub, strip in enumerate(rows)]
            if len(shown) >= self.height:
                break
        return shown[len(shown) - self.height :] if len(shown) > self.height else shown

    def _with_partial_lines(self, rows: Sequence[ScreenRow]) -> Sequence[ScreenRow]:
        """Add the unfinished lines below the others. A progress bar replaces its row until it is finished."""
        shown = [*rows]
        for line in self.source.partial_lines():
            shown += [ScreenRow(line, sub, strip) for sub, strip in enumerate(self.rows_of(line, False))]
        return shown[len(shown) - self.height :] if len(shown) > self.height else shown

    def _rows_from(self, top: TopRow) -> Sequence[ScreenRow]:
        shown: list[ScreenRow] = []
        before: Line | None = None
        for line in self.view.lines(top.position - 1, self.height + 1):
            if line.position >= top.position:
                rows = self.rows_of(line, starts_run(before, line))
                skipped = min(top.sub, len(rows) - 1) if line.position == top.position else 0
                shown += [ScreenRow(line, sub, strip) for sub, strip in enumerate(rows)][skipped:]
            before = line
            if len(shown) >= self.height:
                break
        return shown[: self.height]


def starts_run(before: Line | None, line: Line) -> bool:
    """Return whether the process was restarted between the two lines."""
    return before is not None and before.run != line.run and before.process_id == line.process_id
