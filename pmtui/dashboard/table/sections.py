"""The sections of the table: what needs a look first, then the groups in config order. Each can be folded."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from pmtui.control import Snapshot, Status
from pmtui.dashboard.style import formats
from pmtui.dashboard.style.glyphs import Glyphs
from pmtui.dashboard.style.statuses import is_problem

NEEDS_A_LOOK = "!"
"""Key of the section with the problems; the others have `@group`, or `@` for processes without a group."""
_HEALTHY_STATES = frozenset({Status.RUNNING, Status.COMPLETED, Status.SCHEDULED})


@dataclass(frozen=True, slots=True)
class Section:
    """`rows` are shown below the header; `members` also includes those that stand in the section of problems."""

    key: str
    rows: Sequence[Snapshot]
    members: Sequence[Snapshot]
    folded: bool = False

    @property
    def ids(self) -> Sequence[str]:
        return [row.id for row in self.rows]

    @property
    def name(self) -> str:
        return "needs a look" if self.key == NEEDS_A_LOOK else self.key[1:] or "no group"

    def title(self, glyphs: Glyphs) -> str:
        fold = glyphs.folded if self.folded else glyphs.unfolded
        if self.key == NEEDS_A_LOOK:
            return f"{fold} {self.name} {glyphs.dot} {len(self.rows)}"
        well = sum(row.status in _HEALTHY_STATES and not is_problem(row) for row in self.members)
        return f"{fold} {self.name} {glyphs.dot} {well}/{len(self.members)} {glyphs.good}"

    def summary(self) -> str:
        """What the rows cost together."""
        memory, rate = sum(row.memory for row in self.rows), sum(row.line_rate for row in self.rows)
        parts = [formats.memory(memory)] if memory else []
        return "  ".join([*parts, f"{formats.rate(rate)}/s"] if rate else parts)


Entry = Section | Snapshot
"""A line of the table: the header of a section, or a process."""


def key_of(entry: Entry) -> str:
    """Return what the cursor remembers of a line: an id, or the key of a section, which no id can be."""
    return entry.key if isinstance(entry, Section) else entry.id


def build_sections(rows: Sequence[Snapshot], problems: Collection[str], folded: Collection[str]) -> list[Section]:
    """Split rows, which are in config order, into sections."""
    members: dict[str, list[Snapshot]] = {}
    for row in rows:
        members.setdefault(f"@{row.group or ''}", []).append(row)
    if ungrouped := members.pop("@", None):
        members["@"] = ungrouped
    urgent = [row for row in rows if row.id in problems]
    sections = [Section(NEEDS_A_LOOK, urgent, urgent, NEEDS_A_LOOK in folded)] if urgent else []
    for key, group in members.items():
        sections.append(Section(key, [row for row in group if row.id not in problems], group, key in folded))
    return sections


def lay_out(sections: Iterable[Section]) -> list[Entry]:
    """Return the lines of the table. Headers are left out if no process has a group."""
    sections = list(sections)
    has_headers = any(len(section.key) > 1 for section in sections)
    entries: list[Entry] = []
    for section in sections:
        if has_headers and section.rows:
            entries.append(section)
        if not (has_headers and section.folded):
            entries += section.rows
    return entries
