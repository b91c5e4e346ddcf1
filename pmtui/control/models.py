"""What a manager says of itself and its processes: immutable, and the shapes of the JSON of the API."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Literal

import msgspec

from pmtui.config.condition import Condition

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
    SCHEDULED = "scheduled"
    STOPPED = "stopped"
    COMPLETED = "completed"
    FAILED = "failed"


INACTIVE_STATES = frozenset({Status.STOPPED, Status.COMPLETED, Status.FAILED})
"""Nothing of the process runs, and nothing is about to."""
IDLE_STATES = INACTIVE_STATES | {Status.SCHEDULED}
"""Nothing of the process runs."""


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
    SCHEDULE = "schedule"
    CATCH_UP = "catchUp"
    DEADLINE = "deadline"


class Requester(StrEnum):
    """Who wants a process to run."""

    USER = "user"
    CONFIG = "config"
    DEPENDENT = "dependent"  # a process that depends on it was started


class Model(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Describes one moment; immutable, so any thread may use it."""


Trigger = Literal["schedule", "user", "retry", "catchUp"]


class JobRun(Model, frozen=True, kw_only=True):
    """One run of a job, which has ended; `run` selects its log, `duration` is in seconds.

    `reason` is `deadline`, `replaced`, `user` or another word for what ended it, or else why it failed; empty if it
    ended well.
    """

    run: int
    trigger: Trigger
    start_time: str
    duration: float
    exit_code: int | None
    signal: str | None
    reason: str


RollingStage = Literal["waiting", "spawning", "waiting-for-health", "stopping"]


class Rolling(Model, frozen=True, kw_only=True):
    """A second run beside the main one: the next one or, in the stage `stopping`, one on its way out."""

    pid: int
    stage: RollingStage


class Snapshot(Model, frozen=True, kw_only=True):
    """One process as a row of `list`. Times are RFC 3339 UTC.

    `cpu` (percent of one core) and `memory` (bytes) are those of the whole tree. `blocked`: failed because of a
    dependency; `blocked_by` is that dependency, or the one it waits for. `wanted_by` says who wants it to run, None if
    it is to be stopped; `wanted_for` names the dependent. `ports` are the configured ones, then others the tree listens
    on; `urls` those of the configured ones. `roll_error` says why the last new run did not take over from the old one.
    `line_rate` is lines of output per second, `level` the worst one of the last minute from `warn` on. `advice` says
    what the process probably lacks, or what else to set. `run` is the number of the
    present or last run, as in its log. A `schedule` makes it a job; `last_run` is the last run of it
    that has ended.
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
    run: int = 0
    schedule: str | None = None
    last_run: JobRun | None = None


class LogProblem(Model, frozen=True, kw_only=True):
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


class RunExit(Model, frozen=True, kw_only=True):
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


class ProbeResult(Model, frozen=True, kw_only=True):
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


class ProcessEvent(Model, frozen=True, kw_only=True):
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
        has_failed = self.to in (Status.CRASHED, Status.FAILED) or (self.to is Status.SCHEDULED and self.reason != "")
        return self.ends_run and (has_failed or self.reason.startswith(Reason.CRASH))


class UsageHistory(Model, frozen=True, kw_only=True):
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


class Node(Model, frozen=True, kw_only=True):
    """A process in the dependency graph; `reason` says what it waits for."""

    id: str
    status: Status
    reason: str


class Edge(Model, frozen=True, kw_only=True):
    """Process `from` depends on `to`; `why` says what is not met yet, `forever` that it cannot resolve itself."""

    from_: str = msgspec.field(name="from")
    to: str
    condition: Condition
    met: bool
    why: str
    forever: bool


class Graph(Model, frozen=True, kw_only=True):
    """The dependency graph. `order` lists levels that start together, each after the one before it."""

    nodes: list[Node]
    edges: list[Edge]
    order: list[list[str]]


class ProcessCounters(Model, frozen=True, kw_only=True):
    """Counters since the manager started. Dropped bytes never reached the log files; `probe` is the last check."""

    id: str
    restarts: dict[Reason, int]
    log_bytes: int
    log_bytes_dropped: int
    probe: ProbeResult | None


class Result(Model, frozen=True, kw_only=True):
    """The outcome of an operation for one process or pattern."""

    id: str
    ok: bool
    message: str


class Results(Model, frozen=True, kw_only=True):
    """The outcome of an operation for each process or pattern."""

    results: Sequence[Result]


class ConfigChanges(Model, frozen=True, kw_only=True):
    """What a reload changes; nothing if there are `errors`."""

    added: list[str]
    removed: list[str]
    changed: list[str]
    unchanged: list[str]
    errors: list[str]
    notes: list[str] = []


class ManagerInfo(Model, frozen=True, kw_only=True):
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
