"""Search in the lines of a log."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pmtui.dashboard.log_view.lines import FilteredLines, Line, Lines
from pmtui.logs.search.terms import parse_terms


class Search:
    """A search as it was typed. Raises ValueError if it is invalid."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._terms = parse_terms(text)

    def matches(self, line: Line) -> bool:
        return self._terms.match(line.data, line.ms)

    def spans(self, shown: str) -> Iterator[tuple[int, int]]:
        return self._terms.spans(shown)


@dataclass(frozen=True, slots=True)
class MatchCount:
    """The reader is on match `found` of `total`; 0 means on none."""

    found: int = 0
    total: int = 0


class Finder:
    """A search in a view, and the position of the line that the reader is on."""

    def __init__(self) -> None:
        self.search: Search | None = None
        self.current: int | None = None
        self.errors = MatchCount()
        self._view: Lines | None = None
        self._matches: FilteredLines | None = None

    def matches(self, line: Line) -> bool:
        return self.search is not None and self.search.matches(line)

    def set_search(self, search: Search | None) -> None:
        self.search, self._view = search, None

    def set_view(self, view: Lines) -> None:
        if view is not self._view:
            self._view = view
            self._matches = FilteredLines(view, self.matches) if self.search is not None else None

    def set_current(self, position: int | None) -> None:
        self.current, self.errors = position, MatchCount()

    def pull(self) -> None:
        if self._matches is not None:
            self._matches.pull()

    @property
    def count(self) -> MatchCount:
        places = [*self._matches.positions] if self._matches is not None else []
        return MatchCount(places.index(self.current) + 1 if self.current in places else 0, len(places))

    def jump(self, view: Lines, step: int, wanted: Callable[[Line], bool]) -> MatchCount:
        """Move to the next wanted line (-1: the previous one), wrapping around; first to the last one."""
        places = [line.position for line in view.lines(view.start, view.end - view.start) if wanted(line)]
        if not places:
            return MatchCount()
        here = self.current
        if here is None:
            found = places[-1]
        elif step > 0:
            found = next((place for place in places if place > here), places[0])
        else:
            found = next((place for place in reversed(places) if place < here), places[-1])
        self.set_current(found)
        return MatchCount(places.index(found) + 1, len(places))
