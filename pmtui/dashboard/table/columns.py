"""One process as a row of the table: the text and tone of each cell."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from pmtui.control import Snapshot, Status, explain
from pmtui.dashboard.style import formats
from pmtui.dashboard.style.glyphs import STATUS_TONES, Glyphs, Tone, sparkline
from pmtui.dashboard.style.statuses import is_problem, status_label

Align = Literal["left", "right"]
SPARK_WIDTH = 8
SORT_LAST = "\U0010ffff"
"""Sorts after every text."""


class Cell(NamedTuple):
    """Text without control sequences, its tone, and the address it links to."""

    text: str
    tone: Tone
    url: str = ""


@dataclass(frozen=True, slots=True)
class TableRow:
    """A snapshot, with past CPU values, the current time and the glyphs to use."""

    snapshot: Snapshot
    cpu: Sequence[float]
    now: float
    glyphs: Glyphs
    narrow: bool = False
    stopping_since: float | None = None

    @property
    def alive(self) -> bool:
        return self.snapshot.pid != 0

    @property
    def dash_cell(self) -> Cell:
        return Cell(self.glyphs.dash, "dim")


def status_cell(row: TableRow) -> Cell:
    label = status_label(row.snapshot, row.now, row.glyphs, short=row.narrow, stopping_since=row.stopping_since)
    return Cell(*label)


def uptime_cell(row: TableRow) -> Cell:
    return Cell(formats.duration(row.snapshot.uptime_seconds), "text") if row.alive else row.dash_cell


def restarts_cell(row: TableRow) -> Cell:
    count = row.snapshot.restart_count
    return Cell(str(count) if count < 1000 else f"{count // 1000}k", "text" if count else "dim")


def cpu_cell(row: TableRow) -> Cell:
    if not row.alive:
        return row.dash_cell
    value = row.snapshot.cpu
    return Cell(formats.percent(value), "dim" if value < 0.05 else "warn" if value >= 90 else "text")


def spark_cell(row: TableRow) -> Cell:
    if not row.alive:
        return Cell("", "dim")
    return Cell(sparkline(row.cpu, SPARK_WIDTH, 100.0 if max(row.cpu, default=0) > 50 else 25.0, row.glyphs), "dim")


def memory_cell(row: TableRow) -> Cell:
    return Cell(formats.memory(row.snapshot.memory), "text") if row.snapshot.memory else row.dash_cell


def activity_cell(row: TableRow) -> Cell:
    """Lines per second, marked with the worst level of the last minute."""
    level = row.snapshot.level
    if not row.alive and not row.snapshot.line_rate and level is None:
        return Cell(f"{row.glyphs.dash}  ", "dim")
    tone: Tone = "dim" if level is None else "warn" if level == "warn" else "bad"
    symbol = " " if level is None else row.glyphs.unhealthy if level == "warn" else row.glyphs.bad
    return Cell(f"{formats.rate(row.snapshot.line_rate)} {symbol}", tone)


def port_cell(row: TableRow) -> Cell:
    ports = row.snapshot.ports
    if not ports:
        return row.dash_cell
    return Cell(str(ports[0]) + ("+" if len(ports) > 1 else ""), "text", addresses(row.snapshot)[0])


def addresses(row: Snapshot) -> Sequence[str]:
    """Return where the process can be reached: as configured, else on the ports its tree listens on."""
    return [*row.urls] or [f"http://127.0.0.1:{port}" for port in row.ports]


def why_cell(row: TableRow) -> Cell:
    if row.snapshot.status is Status.SCHEDULED:
        return Cell(explain(row.snapshot, row.now), "warn" if is_problem(row.snapshot) else "dim")
    ended_badly = row.snapshot.status in (Status.CRASHED, Status.FAILED)
    return Cell(explain(row.snapshot), STATUS_TONES[row.snapshot.status] if ended_badly else "dim")


@dataclass(frozen=True, slots=True)
class Column:
    """Columns of rank 0 are always shown; if space is short, the highest rank is dropped first."""

    key: str
    title: str
    width: int
    align: Align
    rank: int
    cell: Callable[[TableRow], Cell]
    order: Callable[[Snapshot], float | str]
    is_descending: bool = False


def pid_cell(row: TableRow) -> Cell:
    return Cell(str(row.snapshot.pid), "dim") if row.alive else row.dash_cell


COLUMNS = (
    Column("id", "ID", 12, "left", 0, lambda row: Cell(row.snapshot.id, "text"), lambda s: s.id),
    Column("pid", "PID", 7, "right", 7, pid_cell, lambda s: s.pid),
    Column("status", "STATUS", 14, "left", 0, status_cell, lambda s: list(Status).index(s.status)),
    Column("uptime", "UP", 6, "right", 2, uptime_cell, lambda s: s.uptime_seconds, True),
    Column("restarts", "↺", 3, "right", 0, restarts_cell, lambda s: s.restart_count, True),
    Column("cpu", "CPU%", 5, "right", 0, cpu_cell, lambda s: s.cpu, True),
    Column("spark", "", SPARK_WIDTH, "left", 6, spark_cell, lambda s: s.cpu, True),
    Column("memory", "MEM", 7, "right", 0, memory_cell, lambda s: s.memory, True),
    Column("activity", "L/S", 6, "right", 4, activity_cell, lambda s: s.line_rate, True),
    Column("port", "PORT", 6, "right", 5, port_cell, lambda s: s.ports[0] if s.ports else 0),
    Column("why", "WHY", 16, "left", 1, why_cell, lambda s: s.reason or SORT_LAST),
)
SORTABLE = tuple(column.key for column in COLUMNS if column.key != "spark")
