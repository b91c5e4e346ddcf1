"""Which rows the table shows, and in which order."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from pmtui.control import Snapshot
from pmtui.dashboard.style.statuses import is_problem
from pmtui.dashboard.table.columns import COLUMNS, SORTABLE
from pmtui.dashboard.table.filters import NO_FILTER, Filter
from pmtui.dashboard.table.sections import Entry, build_sections, lay_out

_BY_KEY = {column.key: column for column in COLUMNS}


@dataclass(frozen=True, slots=True)
class TableView:
    """Filter, sort order and folded sections.

    `sort` None means problems first, then groups in the order of the config.
    """

    filter: Filter = NO_FILTER
    problems_only: bool = False
    sort: str | None = None
    inverted: bool = False
    folded: frozenset[str] = frozenset()

    def rows(self, snapshots: Sequence[Snapshot]) -> list[Snapshot]:
        shown = [row for row in snapshots if self.filter.matches(row) and (not self.problems_only or is_problem(row))]
        if self.sort is not None:
            shown.sort(key=_BY_KEY[self.sort].order, reverse=self.is_descending)
        return shown[::-1] if self.sort is None and self.inverted else shown

    def entries(self, snapshots: Sequence[Snapshot], problems: Collection[str]) -> list[Entry]:
        """Return the lines of the table; only in the default order do they have sections."""
        rows = self.rows(snapshots)
        if self.sort is not None or self.inverted:
            return [*rows]
        return lay_out(build_sections(rows, problems, self.folded))

    def toggle_fold(self, key: str) -> "TableView":
        return replace(self, folded=self.folded ^ {key})

    @property
    def is_descending(self) -> bool:
        """Return whether the largest value comes first."""
        return self.sort is not None and _BY_KEY[self.sort].is_descending != self.inverted

    def sorted_by(self, key: str) -> "TableView":
        """Sort by a clicked column, then in reverse, then not at all."""
        if self.sort != key:
            return replace(self, sort=key, inverted=False)
        return replace(self, sort=None, inverted=False) if self.inverted else replace(self, inverted=True)

    def sorted_by_neighbor(self, step: int, shown: Collection[str] = SORTABLE) -> "TableView":
        """Sort by the next visible column (-1: the previous one), or in the config's order between the ends."""
        circle = [None, *(key for key in SORTABLE if key in shown or key == self.sort)]
        return replace(self, sort=circle[(circle.index(self.sort) + step) % len(circle)], inverted=False)
