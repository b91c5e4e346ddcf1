"""The filter language of the table: words, `!not`, `@group`, `is:failed`; all must match."""

from dataclasses import dataclass

from pmtui.control import Snapshot
from pmtui.dashboard.style.statuses import is_problem, problem_of


@dataclass(frozen=True, slots=True)
class Filter:
    """An empty filter matches every row."""

    text: str = ""

    def __bool__(self) -> bool:
        return bool(self.text.split())

    def matches(self, row: Snapshot) -> bool:
        return all(_matches_word(word, row) for word in self.text.lower().split())


NO_FILTER = Filter()


def _matches_word(word: str, row: Snapshot) -> bool:
    if word.startswith("!"):
        return len(word) == 1 or not _matches_word(word[1:], row)
    if word.startswith("@"):
        return any(label.lower().startswith(word[1:]) for label in (row.group or "", *row.labels))
    if word.startswith("is:"):
        asked = word[3:]
        shown = problem_of(row) or row.status
        return row.status.startswith(asked) or shown.startswith(asked) or (asked == "problem" and is_problem(row))
    return any(word in text.lower() for text in (row.id, row.group or "", row.command, row.status))
