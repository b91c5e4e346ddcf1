"""Search in the lines of a log."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pmtui.dashboard.log_view.lines import FilteredLines, Line, Lines

ERROR_PATTERN = re.compile(
    rb"\b(?:ERROR|FATAL|CRITICAL|PANIC|EMERG|Traceback|[A-Z]\w*(?:Error|Exception))\b|\bpanic:|\"level\": ?\"error\""
)
_LEVELS = re.compile(
    r"\b(?:(?P<bad>ERROR|FATAL|CRITICAL|PANIC|[A-Z]\w*(?:Error|Exception))|(?P<warn>WARN(?:ING)?)|(?P<dim>DEBUG|TRACE))\b"
)


class Search:
    """A literal text; lower case also matches upper case."""

    def __init__(self, text: str) -> None:
        self.text = text
        ignore = re.IGNORECASE if text == text.lower() else re.NOFLAG
        self._bytes = re.compile(re.escape(text.encode()), ignore)
        self._text = re.compile(re.escape(text), ignore)

    def matches(self, data: bytes) -> bool:
        return self._bytes.search(data) is not None

    def spans(self, shown: str) -> Iterator[tuple[int, int]]:
        return (match.span() for match in self._text.finditer(shown))


def is_error(data: bytes) -> bool:
    return ERROR_PATTERN.search(data) is not None


def level_spans(shown: str) -> Iterator[tuple[int, int, str]]:
    """Yield where words such as ERROR are, and the tone for each."""
    for match in _LEVELS.finditer(shown, 0, 400):
        yield *match.span(), match.lastgroup or "text"


@dataclass(frozen=True, slots=True)
class MatchCount:
    """The reader is on match `found` of `total`; 0 means on none."""

    found: int = 0
    total: int = 0


class Finder:
    """A search in a view, and the position of the line that the reader has jumped to."""

    def __init__(self) -> None:
        self.search: Search | None = None
        self.current: int | None = None
        self._matches: FilteredLines | None = None

    def matches(self, line: Line) -> bool:
        return self.search is not None and self.search.matches(line.data)

    def set_view(self, view: Lines) -> None:
        self._matches = FilteredLines(view, self.matches) if self.search is not None else None

    def pull(self) -> None:
        if self._matches is not None:
            self._matches.pull()

    @property
    def count(self) -> MatchCount:
        places = [*self._matches.positions] if self._matches is not None else []
        return MatchCount(places.index(self.current) + 1 if self.current in places else 0, len(places))

    def jump(self, view: Lines, step: int, wanted: Callable[[Line], bool]) -> int | None:
        """Return the position of the next wanted line (-1: the previous one), wrapping around; first the last one."""
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
