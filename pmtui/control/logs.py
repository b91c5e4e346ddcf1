"""Lines of output, and what selects them."""

from collections.abc import AsyncGenerator, Mapping
from typing import Any, NamedTuple, TypedDict

from pmtui.control.models import Level, Model, Stream

MAX_LINES = 10_000
"""Lines in one answer, at most."""


class LogLine(Model, frozen=True, kw_only=True, omit_defaults=True):
    """One line of output. `seq` counts lines of the process, `run` its starts; `text` has no control sequences.

    `level` is the one the line names; `fields` are those of a JSON or logfmt line.
    `cut`: the line is too long, and the next one of that process and stream continues it. `partial`: the line is not
    finished; the next one of that process and stream replaces it, and `seq` is not taken yet.
    """

    seq: int
    time: str
    stream: Stream
    text: str
    run: int
    id: str
    level: Level | None = None
    fields: dict[str, Any] | None = None
    cut: bool = False
    partial: bool = False


class RawLogLine(LogLine, frozen=True, kw_only=True):
    """A line with the original bytes in `data` (base64 in JSON), for fronts that strip control sequences themselves."""

    data: bytes


class LogQuery(TypedDict, total=False):
    """Select the last `lines` (default 100) that pass all other filters.

    `since` and `until` are RFC 3339 or a duration before now (`5m`), `grep` is a regular expression, `field` is
    `key=value` (several are separated by newlines), `search` is what the dashboard's search takes, `run` is
    `current`, `previous` or a number, `level` is the lowest level included, `before` a line number to stay below.
    With `raw` each line is a `RawLogLine`. `rate` limits the lines per second of a stream in the long run;
    skipped lines are reported as `DroppedLines`.
    """

    lines: int
    stream: Stream | None
    since: str
    until: str
    grep: str
    field: str
    search: str
    run: str
    level: str
    before: int
    raw: bool
    rate: int


class PageQuery(LogQuery, total=False):
    """With `after`, a line number to stay above, select the first `lines` instead, to read forwards."""

    after: int


class DroppedLines(Model, frozen=True, kw_only=True):
    """How many lines are missing before the next one of that process, because the reader was too slow."""

    id: str
    lines: int


class LogStream(NamedTuple):
    """Lines as they arrive. `after` holds the number of the line before the first one, for each process."""

    after: Mapping[str, int]
    lines: AsyncGenerator[LogLine | DroppedLines, None]


class LogFileInfo(Model, frozen=True, kw_only=True):
    """A log file of a process: `size` in bytes, `time` of its last change; `archived` if it was rotated."""

    name: str
    path: str
    stream: Stream
    size: int
    time: str
    archived: bool
