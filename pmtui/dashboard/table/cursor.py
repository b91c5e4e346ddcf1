"""The lines of the table, and which of them the cursor and the marks are on."""

from collections.abc import Sequence

from pmtui.control import Snapshot
from pmtui.dashboard.table.sections import Entry, Section, key_of


class TableEntries:
    """The cursor is the key of a line: a process id, or the key of a section."""

    def __init__(self) -> None:
        self.cursor: str | None = None
        self.marks: set[str] = set()
        self._snapshots: Sequence[Snapshot] = []
        self._entries: Sequence[Entry] = []

    @property
    def line_count(self) -> int:
        return len(self._entries)

    @property
    def ids(self) -> Sequence[str]:
        """Return the shown processes, from top to bottom."""
        return [entry.id for entry in self._entries if isinstance(entry, Snapshot)]

    @property
    def _keys(self) -> Sequence[str]:
        return [key_of(entry) for entry in self._entries]

    @property
    def _entry(self) -> Entry | None:
        return next((entry for entry in self._entries if key_of(entry) == self.cursor), None)

    @property
    def snapshot(self) -> Snapshot | None:
        """Return the process under the cursor."""
        entry = self._entry
        return entry if isinstance(entry, Snapshot) else None

    @property
    def section(self) -> Section | None:
        """Return the section whose header is under the cursor."""
        entry = self._entry
        return entry if isinstance(entry, Section) else None

    @property
    def selected(self) -> str | None:
        """Return the id of the process under the cursor."""
        row = self.snapshot
        return row.id if row else None

    @property
    def chosen(self) -> Sequence[str]:
        """Return the marked processes, or the one under the cursor, or those of the section under the cursor."""
        if marked := [row.id for row in self._snapshots if row.id in self.marks]:
            return marked
        if section := self.section:
            return [row.id for row in section.members]
        return [self.selected] if self.selected else []
