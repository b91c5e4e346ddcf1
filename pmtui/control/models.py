"""What a manager says of itself and its processes: immutable, and the shapes of the JSON of the API."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Literal, NamedTuple, TypedDict

import msgspec

from pmtui.config.model import Condition

Stage = Literal["checking-dependencies", "installing-dependencies", "spawning", "waiting-for-health"]
Stream = Literal["stdout", "stderr"]
Operation = Literal["start", "stop", "restart"]
Origin = Literal["config", "adhoc"]
Level = Literal["trace", "debug", "info", "warn", "error", "fatal"]


class Status(StrEnum):
    """The state of a process; `pmtui.supervisor.state_machine` holds the transitions."""

    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    CRASHED = "crashed"
    STOPPED = "stopped"
    COMPLETED = "completed"
    FAILED = "failed"


INACTIVE_STATES = frozenset({Status.STOPPED, Status.COMPLETED, Status.FAILED})
"""Nothing of the process runs, and nothing is about to."""


class Reason(StrEnum):
    """Why a process was restarted."""

    CRASH = "crash"
    EXIT = "exit"
    USER = "user"
    WATCH = "watch"
    MEMORY = "memory"
    HEALTH = "health"
    CONFIG = "config"
    DEPENDENCY = "dependency"


class Requester(StrEnum):
    """Who wants a process to run."""

    USER = "user"
    CONFIG = "config"
    DEPENDENT = "dependent"  # a process that depends on it was started


class _Model(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Describes one moment; immutable, so any thread may use it."""


RollingStage = Literal["waiting", "spawning", "waiting-for-health", "stopping"]


class Rolling(_Model, frozen=True, kw_only=True):
    """A second run beside the main one: the next one or, in the stage `stopping`, one on its way out."""

    pid: int
    stage: RollingStage


class Snapshot(_Model, frozen=True, kw_only=True):
    """One process as a row of `list`. Times are RFC 3339 UTC.

    `cpu` (percent of one core) and `memory` (bytes) are those of the whole tree. `blocked`: failed because of a
    dependency; `blocked_by` is that dependency, or the one it waits for. `wanted_by` says who wants it to run, None if
    it is to be stopped; `wanted_for` names the dependent. `ports` are the configured ones, then others the tree listens
    on; `urls` those of the configured ones. `roll_error` says why the last new run did not take over from the old one.
    `line_rate` is lines of output per second, `level` the worst one of the last minute from `warn` on. `advice` says
    what the process probably lacks.
    """

    id: str
    pid: int
    status: Status
    start_time: str | None
    uptime: str
    restart_count: int
    last_error: str
    uptime_seconds: float
    cpu: float
    memory: int
    ready: bool
    health: str | None
    exit_code: int | None
    signal: str | None
    restart_reason: Reason | None
    next_start: str | None
    failures: int
    reason: str
    group: str | None
    labels: Sequence[str] = []
    origin: Origin = "config"
    command: str
    ports: list[int]
    urls: Sequence[str] = []
    rolling: Rolling | None = None
    roll_error: str = ""
    stage: Stage | None
    max_retries: int = -1
    blocked: bool = False
    blocked_by: str | None = None
    wanted_by: Requester | None = None
    wanted_for: str | None = None
    log_problem: "LogProblem | None" = None
    line_rate: float = 0.0
    level: Level | None = None
    advice: str = ""


class LogProblem(_Model, frozen=True, kw_only=True):
    """Why the log files of a process cannot be written, since when, and what is missing in them so far."""

    since: str
    message: str
    missing_lines: int
    missing_bytes: int


class Alarm(LogProblem, frozen=True, kw_only=True):
    """Something that concerns the manager as a whole; `ids` are the processes it affects."""

    kind: Literal["log-disk"]
    is_over: bool
    until: str | None
    ids: list[str]


class RunExit(_Model, frozen=True, kw_only=True):
    """How one run ended: `code` or `signal` is set, `lines` are the last on stderr, or else on stdout.

    `reason` is why the program gave up, in its own words, such as the message of its exception.
    """

    run: int
    time: str
    code: int | None
    signal: str | None
    uptime_seconds: float
    lines: list[str]
    reason: str = ""


class ProbeResult(_Model, frozen=True, kw_only=True):
    """The result of one health check."""

    time: str
    ok: bool
    latency_ms: float
    message: str


class Detail(Snapshot, frozen=True, kw_only=True):
    """A snapshot and what explains it. Values that look secret are masked; `probes` are the last 50, oldest first.

    `required_by` lists the processes that depend on it and are to run.
    `found` says where the program was found, and which virtual environment was taken; `origins` has the file and line
    of each field of `config`, as `pmtui config show --origin` does.
    """

    argv: list[str]
    cwd: str
    interpreter: str | None
    env: dict[str, str]
    config: dict[str, Any]
    exits: list[RunExit]
    probes: list[ProbeResult] = []
    required_by: list[str] = []
    found: str = ""
    origins: dict[str, str] = {}


class ProcessEvent(_Model, frozen=True, kw_only=True):
    """A change of state. `seq` increases by one with each event of the manager."""

    seq: int
    id: str
    from_: Status = msgspec.field(name="from")
    to: Status
    reason: str
    time: str


class PastEvent(ProcessEvent, frozen=True, kw_only=True):
    """An event of this manager or an earlier one; `seq` begins again with each manager.

    An event that ended a run has its exit code or signal, and the last lines it wrote.
    """

    exit_code: int | msgspec.UnsetType | None = msgspec.UNSET
    signal: str | msgspec.UnsetType | None = msgspec.UNSET
    last_words: list[str] | msgspec.UnsetType = msgspec.UNSET

    @property
    def ends_run(self) -> bool:
        return self.exit_code is not msgspec.UNSET

    @property
    def is_crash(self) -> bool:
        """Whether the run crashed, even if it was restarted immediately."""
        return self.ends_run and (self.to in (Status.CRASHED, Status.FAILED) or self.reason.startswith(Reason.CRASH))


class UsageHistory(_Model, frozen=True, kw_only=True):
    """What a process used: one value for every `step` seconds from `since` on, null while it did not run.

    `cpu` (percent of a core) and `latency` (of the health check, in milliseconds) are averages, `memory` (bytes) is the
    peak. `events` are the newest of that time, oldest first.
    """

    since: str
    step: int
    cpu: list[float | None]
    memory: list[int | None]
    latency: list[float | None]
    events: list[PastEvent]


MAX_POINTS = 10_000
"""Maximum number of values per list in one answer."""
MAX_EVENTS = 1000
"""Maximum number of past events in one answer."""


class LogLine(_Model, frozen=True, kw_only=True, omit_defaults=True):
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


MAX_TERMINAL_SIZE = 1000
MAX_LINES = 10_000
"""Lines in one answer, at most."""


class LogQuery(TypedDict, total=False):
    """Select the last `lines` (default 100) that pass all other filters.

    `since` and `until` are RFC 3339 or a duration before now (`5m`), `grep` is a regular expression, `field` is
    `key=value` (several on lines of their own), `search` is what the dashboard's search takes, `run` is
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


class DroppedLines(_Model, frozen=True, kw_only=True):
    """How many lines are missing before the next one of that process, because the reader was too slow."""

    id: str
    lines: int


class LogStream(NamedTuple):
    """Lines as they arrive. `after` holds the number of the line before the first one, for each process."""

    after: Mapping[str, int]
    lines: AsyncGenerator[LogLine | DroppedLines, None]


class LogFileInfo(_Model, frozen=True, kw_only=True):
    """A log file of a process: `size` in bytes, `time` of its last change; `archived` if it was rotated."""

    name: str
    path: str
    stream: Stream
    size: int
    time: str
    archived: bool


class Node(_Model, frozen=True, kw_only=True):
    """A process in the dependency graph; `reason` says what it waits for."""

    id: str
    status: Status
    reason: str


class Edge(_Model, frozen=True, kw_only=True):
    """Process `from` depends on `to`; `why` says what is not met yet, `forever` that it cannot resolve itself."""

    from_: str = msgspec.field(name="from")
    to: str
    condition: Condition
    met: bool
    why: str
    forever: bool


class Graph(_Model, frozen=True, kw_only=True):
    """The dependency graph. `order` lists levels that start together, each after the one before it."""

    nodes: list[Node]
    edges: list[Edge]
    order: list[list[str]]


class ProcessCounters(_Model, frozen=True, kw_only=True):
    """Counters since the manager started. Dropped bytes never reached the log files; `probe` is the last check."""

    id: str
    restarts: dict[Reason, int]
    log_bytes: int
    log_bytes_dropped: int
    probe: ProbeResult | None


class Result(_Model, frozen=True, kw_only=True):
    """The outcome of an operation for one process or pattern."""

    id: str
    ok: bool
    message: str


class Results(_Model, frozen=True, kw_only=True):
    """The outcome of an operation for each process or pattern."""

    results: Sequence[Result]


class ConfigChanges(_Model, frozen=True, kw_only=True):
    """What a reload changes; nothing if there are `errors`."""

    added: list[str]
    removed: list[str]
    changed: list[str]
    unchanged: list[str]
    errors: list[str]
    notes: list[str] = []


class ManagerInfo(_Model, frozen=True, kw_only=True):
    """The manager itself. `config` is None if none was found in `searched`; `errors` are those of the last reload.

    `host` names the process that the manager ends with.
    """

    version: str
    pid: int
    start_time: str
    url: str | None
    config: str | None
    searched: list[str]
    errors: list[str]
    host: str | None = None


class TerminalOutput(_Model, frozen=True, kw_only=True):
    """Bytes that a terminal has printed; `first` if the screen was empty before, since the run is a new one."""

    run: int
    data: bytes
    first: bool = False


class TerminalSize(_Model, frozen=True, kw_only=True):
    """The size of a terminal in cells."""

    columns: Annotated[int, msgspec.Meta(ge=1, le=MAX_TERMINAL_SIZE)]
    rows: Annotated[int, msgspec.Meta(ge=1, le=MAX_TERMINAL_SIZE)]


TerminalEvent = TerminalOutput | TerminalSize


class CursorPosition(_Model, frozen=True, kw_only=True):
    """The cell of the cursor, from 0."""

    column: int
    row: int


class TerminalScreen(_Model, frozen=True, kw_only=True):
    """What a terminal shows, as plain text."""

    columns: int
    rows: int
    cursor: CursorPosition
    lines: list[str]
