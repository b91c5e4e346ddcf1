"""The one interface between the manager and its fronts: a key press, a request and a shell verb are the same call."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Literal, NamedTuple, Protocol, TypedDict, Unpack

import msgspec

from pmtui.config.model import Condition

Stage = Literal["checking-dependencies", "installing-dependencies", "spawning", "waiting-for-health"]
Stream = Literal["stdout", "stderr"]
Operation = Literal["start", "stop", "restart"]


class Status(StrEnum):
    """What a process is, as told to people; contract and table of transitions are in `supervise.states`."""

    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    CRASHED = "crashed"
    STOPPED = "stopped"
    COMPLETED = "completed"
    FAILED = "failed"


INACTIVE_STATES = frozenset({Status.STOPPED, Status.COMPLETED, Status.FAILED})
"""Nothing of it runs, and nothing is about to."""


class Reason(StrEnum):
    """Why a process was started again."""

    CRASH = "crash"
    EXIT = "exit"
    USER = "user"
    WATCH = "watch"
    MEMORY = "memory"
    HEALTH = "health"
    CONFIG = "config"


class _Model(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Something that was so at one moment; safe to hand to any thread."""


class Snapshot(_Model, frozen=True, kw_only=True):
    """One process as a row of `list`. Times are RFC 3339 UTC, `memory` bytes, `cpu` percent of one core, whole tree."""

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
    command: str
    ports: list[int]
    stage: Stage | None


class RunExit(_Model, frozen=True, kw_only=True):
    """How one run ended: `code` or `signal` is set, `lines` are the last words on stderr (or stdout)."""

    run: int
    time: str
    code: int | None
    signal: str | None
    uptime_seconds: float
    lines: list[str]


class ProbeResult(_Model, frozen=True, kw_only=True):
    """What one health check found, and how long the answer took."""

    time: str
    ok: bool
    latency_ms: float
    message: str


class Detail(Snapshot, frozen=True, kw_only=True):
    """A snapshot and all that explains it; values that look secret are masked. `probes`: the last 50, oldest first."""

    argv: list[str]
    cwd: str
    interpreter: str | None
    env: dict[str, str]
    config: dict[str, Any]
    exits: list[RunExit]
    probes: list[ProbeResult] = []


class ProcessEvent(_Model, frozen=True, kw_only=True):
    """A change of state. `seq` grows by one with each event of the manager."""

    seq: int
    id: str
    from_: Status = msgspec.field(name="from")
    to: Status
    reason: str
    time: str


class LogLine(_Model, frozen=True, kw_only=True):
    """One line of output. `seq` grows within the process, `run` counts its starts; `text` has no control sequences."""

    seq: int
    time: str
    stream: Stream
    text: str
    run: int
    id: str


class RawLogLine(LogLine, frozen=True, kw_only=True):
    """A line for whoever makes it harmless himself: `data` has the bytes as they were written (base64 in JSON)."""

    data: bytes


MAX_LINES = 10_000
"""Lines in one answer, however many are asked for."""


class LogQuery(TypedDict, total=False):
    """Which lines: the last `lines` (100) of those that fit all the rest, each as people write it.

    `since` and `until` are RFC 3339 or a duration before now (`5m`), `grep` is a regular expression, `run` is
    `current`, `previous` or a number, `level` means that one and all that are worse. `before` is
    the number of a line, and means those before it. With `raw` each is a `RawLogLine`.
    """

    lines: int
    stream: Stream | None
    since: str
    until: str
    grep: str
    run: str
    level: str
    before: int
    raw: bool


class DroppedLines(_Model, frozen=True, kw_only=True):
    """So many lines before the next one of that process are gone: its reader was too slow for them."""

    id: str
    lines: int


class LogStream(NamedTuple):
    """Lines as they come. `after` tells for each process behind which line the first one stands."""

    after: Mapping[str, int]
    lines: AsyncGenerator[LogLine | DroppedLines, None]


class LogFileInfo(_Model, frozen=True, kw_only=True):
    """A file with output of a process: `size` in bytes, `time` of its last change; `archived`: rotated away."""

    name: str
    path: str
    stream: Stream
    size: int
    time: str
    archived: bool


class Node(_Model, frozen=True, kw_only=True):
    """A process in the graph of dependencies; `reason` tells what it waits for."""

    id: str
    status: Status
    reason: str


class Edge(_Model, frozen=True, kw_only=True):
    """Process `from` needs process `to`; `why` tells what is not met yet, `forever` that it cannot come by itself."""

    from_: str = msgspec.field(name="from")
    to: str
    condition: Condition
    met: bool
    why: str
    forever: bool


class Graph(_Model, frozen=True, kw_only=True):
    """Who needs whom. `order` is that of a start: processes of one level start together, after those before them."""

    nodes: list[Node]
    edges: list[Edge]
    order: list[list[str]]


class ProcessCounters(_Model, frozen=True, kw_only=True):
    """What is counted of a process since the manager came up; `dropped` bytes never reached the log files.

    `probe` is the last health check.
    """

    id: str
    restarts: dict[Reason, int]
    log_bytes: int
    log_bytes_dropped: int
    probe: ProbeResult | None


class Result(_Model, frozen=True, kw_only=True):
    """What an operation did to one process of several."""

    id: str
    ok: bool
    message: str


class Results(_Model, frozen=True, kw_only=True):
    """What an operation did to each of the processes that it was for."""

    results: Sequence[Result]


class ConfigChanges(_Model, frozen=True, kw_only=True):
    """What reading the config again does to the set of processes; with `errors` the running set stays."""

    added: list[str]
    removed: list[str]
    changed: list[str]
    unchanged: list[str]
    errors: list[str]
    notes: list[str] = []


class ManagerInfo(_Model, frozen=True, kw_only=True):
    """The manager itself. `config` None: none was found in `searched`; `errors` are those of the last reading."""

    version: str
    pid: int
    start_time: str
    url: str | None
    config: str | None
    searched: list[str]
    errors: list[str]


class ControlError(Exception):
    """An operation that could not be done; the message says why and what to do."""


class NotFoundError(ControlError):
    """No process has that id."""


class ConflictError(ControlError):
    """The process is in a state in which this cannot be done, or it failed while it was waited for."""


class InvalidError(ControlError):
    """What was asked makes no sense: an unknown signal, an impossible pattern."""


class UnavailableError(ControlError):
    """The manager is on its way out, or cannot be reached."""


class Selectable(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def group(self) -> str | None: ...


def matches(process: Selectable, pattern: str) -> bool:
    """Return whether the pattern (an id, a glob or `@group`) selects the process."""
    return pattern == f"@{process.group}" if pattern.startswith("@") else fnmatchcase(process.id, pattern)


class BaseControl(Protocol):
    """What a front can ask of a manager. Every method raises a `ControlError` that names the process it is about.

    When `start`, `stop` or `restart` returns, the status is no longer that of before: a `wait` that follows waits for
    what was asked.
    """

    async def list(self) -> Sequence[Snapshot]:
        """All processes in config order."""

    async def get(self, process_id: str) -> Detail: ...

    async def start(self, process_id: str) -> None:
        """Asks for the process to run; nothing is done to one that does."""

    async def stop(self, process_id: str) -> None:
        """Asks for the process's end, and returns at once. A stopped one is left as it is."""

    async def restart(self, process_id: str) -> None:
        """Asks for a new run, and returns at once."""

    async def wait(self, process_id: str, statuses: frozenset[Status]) -> Snapshot:
        """Returns as soon as the process has one of `statuses`."""

    async def signal(self, process_id: str, name: str) -> None:
        """Sends a signal (`SIGHUP`, `HUP` or `1`) to the main process."""

    async def bulk(self, operation: Operation, patterns: Sequence[str]) -> Sequence[Result]:
        """Does the operation to all that match; a pattern is an id, a glob or `@group`. Stops are waited for.

        A pattern that nothing matches is a result too, and not ok.
        """

    async def logs(self, process_id: str, *, lines: int = 100, stream: Stream | None = None) -> Sequence[LogLine]:
        """The last lines, oldest first."""

    def events(self) -> AsyncIterator[ProcessEvent]:
        """Every change of state from now on."""


class Control(BaseControl, Protocol):
    """What a person at a dashboard can ask besides."""

    async def kill(self, process_id: str) -> None:
        """Ends the whole tree at once, and returns at once; the process stays stopped."""

    async def history(self, process_id: str) -> Sequence[ProcessEvent]:
        """The last changes of state, oldest first."""

    async def clear_logs(self, process_id: str) -> None:
        """Forgets all lines, in memory and in files."""

    async def reveal(self, process_id: str, name: str) -> str:
        """The value of a variable that is masked everywhere else; refused where it would leave the machine."""

    async def preview(self) -> ConfigChanges:
        """What `reload` would do."""

    async def reload(self) -> ConfigChanges:
        """Reads the config again, and carries out what has changed."""

    async def about(self) -> ManagerInfo: ...

    async def graph(self) -> Graph: ...


class ManagerControl(Control, Protocol):
    """What a manager answers to its API besides."""

    async def logs(self, process_id: str, **query: Unpack[LogQuery]) -> Sequence[LogLine]:
        """The last lines that fit, oldest first, from memory and files."""

    async def follow_logs(
        self, patterns: Sequence[str], after: Mapping[str, int] | None = None, **query: Unpack[LogQuery]
    ) -> LogStream:
        """The last lines that fit, and all that come; of the ids in `after` all behind those numbers instead.

        A pattern is an id, a glob or `@group`. A slow reader costs nobody anything, it is told what it `Missed`.
        """

    async def log_files(self, process_id: str) -> Sequence[LogFileInfo]:
        """The files that hold the process's output, newest first."""

    async def last_event(self) -> int:
        """The `seq` of the newest event; 0 when there was none."""

    def replay(self, after: int) -> AsyncGenerator[ProcessEvent, None]:
        """Every change of state behind that event, and all that come. A gap in `seq` tells how many are lost."""

    async def figures(self) -> Sequence[ProcessCounters]: ...
