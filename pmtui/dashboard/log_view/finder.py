"""Looking for something in the lines of a log: how often it is there, and where the reader stands."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pmtui.dashboard.log_view.lines import FilteredLines, Line, Lines

if TYPE_CHECKING:
    from pmtui.dashboard.log_view.search import Search


@dataclass(frozen=True, slots=True)
class MatchCount:
    """The reader stands on match `found` of `total`; 0: on none."""

    found: int = 0
    total: int = 0


class Finder:
    """What is looked for in a view, and the place of the line the reader has hopped to."""

    def __init__(self) -> None:
        self.search: Search | None = None
        self.current: int | None = None
        self._matches: FilteredLines | None = None

    def matches(self, line: Line) -> bool:
        return self.search is not None and self.search.matches(line.data)

    def set_view(self, view: Lines) -> None:
        """Counts in this view from now on."""
        self._matches = FilteredLines(view, self.matches) if self.search is not None else None

    def pull(self) -> None:
        if self._matches is not None:
            self._matches.pull()

    @property
    def count(self) -> MatchCount:
        places = [*self._matches.positions] if self._matches is not None else []
        return MatchCount(places.index(self.current) + 1 if self.current in places else 0, len(places))

    def jump(self, view: Lines, step: int, wanted: Callable[[Line], bool]) -> int | None:
        """The place of the next wanted line (with -1 of the one before), around the ends; at first the last one."""
        places = [line.position for line in view.lines(view.start, view.end - view.start) if wanted(line)]
        if not places:
            return None
        here = self.current
        if here is None:
            self.current = places[-1]
        elif step > 0:
            self.current = next((place for place in places if place > here), places[0])
        else:
            self.current = next((place for place in reversed(places) if place < here), places[-1])
        return self.current
