"""The vocabulary of the configuration. The docstring below a field is its description in docs/configuration.md."""

from typing import Annotated, Literal

import msgspec

from pmtui.config.condition import Condition as Condition


class ConfigError(Exception):
    """The configuration asks for something impossible; the message says what, where and what to do. `field` is the
    field of the process that is wrong, if it is a single one.
    """

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


Duration = Annotated[float, msgspec.Meta(ge=0, extra={"unit": "duration"})]
"""Seconds. Written as a number or as "500ms", "1s", "1m30s"."""

Period = Annotated[float, msgspec.Meta(gt=0, extra={"unit": "duration"})]
"""A duration that is not zero."""

Size = Annotated[int, msgspec.Meta(ge=0, extra={"unit": "size"})]
"""Bytes. Written as a number or as "10MB", "512M", "1G" (multiples of 1024)."""

ProcessId = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")]
RestartPolicy = Literal["always", "on-failure", "never"]
Overlap = Literal["skip", "queue", "replace"]
Count = Annotated[int, msgspec.Meta(ge=0)]
ExitCode = Annotated[int, msgspec.Meta(ge=0, le=255)]
RouteAuth = Literal["superuser", "user", "none"]
Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]


MIN_RESTART_DELAY = 0.1
"""Seconds between the end of a short run and the next start, at least: no setting may make a busy loop."""
MIN_HEALTHY_UPTIME = 1.0
"""Seconds a run has to last, at least, to reset the failure count."""
MIN_CHECK_INTERVAL = 0.1
"""Seconds between two health checks, at least."""


class Struct(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A part of the configuration, immutable: camelCase in files, snake_case in code."""


class Health(Struct, frozen=True, kw_only=True):
    """How to check that a process works. Exactly one of `http`, `tcp`, `command`, `log`, `silence`, `file` and
    `notify` is set."""

    http: str | None = None
    """URL to request. Succeeds on a 2xx or 3xx status; redirects are not followed."""
    verify: bool = True
    """false: accept any certificate of an `https` URL."""
    tcp: str | None = None
    """`host:port` to connect to. Succeeds if the connection is accepted."""
    command: list[str] | None = None
    """Program and arguments, run as the same user and in the same directory and environment as the process.
    Succeeds on exit code 0."""
    log: str | None = None
    """Regular expression. Succeeds from the first line of output that matches."""
    silence: Period | None = None
    """Fails if the process has written nothing for this long."""
    file: str | None = None
    """Path of a file, relative to `cwd`. Succeeds while it exists."""
    notify: bool = False
    """Succeeds once the process says so by sd_notify (`READY=1`); see below."""
    interval: Period = 30.0
    """Time between checks after the first success."""
    timeout: Period = 5.0
    """Time limit for a single check."""
    failure_threshold: Annotated[int, msgspec.Meta(ge=1)] = 3
    """Consecutive failures after which the process is unhealthy and is restarted."""
    success_threshold: Annotated[int, msgspec.Meta(ge=1)] = 2
    """Consecutive successes after which an unhealthy process is healthy again."""
    start_period: Duration = 30.0
    """Time after the start during which failures are ignored. Until the first success, checks run every second."""


class Limits(Struct, frozen=True, kw_only=True):
    """Resource limits, soft and hard: `as` and `core` in bytes, `cpu` in seconds."""

    nofile: Count | None = None
    """Number of open files."""
    core: Size | None = None
    """Size of a core dump."""
    cpu: Count | None = None
    """CPU time in seconds."""
    address_space: Size | None = msgspec.field(default=None, name="as")
    """Size of the address space."""
    nice: Annotated[int, msgspec.Meta(ge=-20, le=19)] | None = None
    """Scheduling priority, from -20 (highest) to 19."""


class LogSettings(Struct, frozen=True, kw_only=True):
    """How output is kept."""

    max_size: Size = 10 << 20
    """Size at which a log file is rotated; 0 means never."""
    keep: Count = 5
    """Number of rotated files to keep for each stream."""
    timestamps: bool = True
    """Write the time before each line of a log file."""
    file: bool = True
    """Set to false to keep output in memory only."""


class ValueSource(Struct, frozen=True, kw_only=True):
    """Where the value of a variable comes from: a file, or the output of a command. `directory` is the config's."""

    file: str | None = None
    command: list[str] | None = None
    directory: str = ""


class PocketBaseRoute(Struct, frozen=True, kw_only=True):
    """How PocketBase passes requests on to the process, if it runs the manager (see `pmtui plugin`)."""

    route: str
    """Path such as `/api/agent`. The process receives requests for it and for all paths below it, without it, on its
    first port."""
    auth: RouteAuth = "superuser"
    """Who may send requests: superusers, signed-in users and superusers, or anyone."""


class ProcessConfig(Struct, frozen=True, kw_only=True):
    """One process as its owner wants it. Exactly one of `script` and `command` is set; `cwd` is absolute.

    `folder`, that of the config file, `instance`, one of 1 … n, and `restart_after`, the dependencies whose restarts it
    follows, come from the loader; no file can set them.
    """

    id: ProcessId
    """Unique name: at most 64 letters, digits, `.`, `_` and `-`, beginning with a letter or digit."""
    script: str | None = None
    """File to run with an interpreter. Set either this or `command`."""
    command: str | None = None
    """Executable to run without a shell. Without `args`, it is split into words as a shell would."""
    shell: bool = False
    """Run `command` with `/bin/sh -c`."""
    args: list[str] = []
    """Arguments, passed on unchanged."""
    cwd: str = ""
    """Working directory, relative to the config file's directory, which is the default. `script` is looked up
    here first."""
    folder: str = ""
    root: str = ""
    env: dict[str, str] = {}
    """Environment variables. Values may contain `${VAR}`, `${VAR:-default}` and `${VAR:?message}`; `$$` is a
    literal `$`. A value may also be `{file = "PATH"}` or `{command = ["PROGRAM", "ARG"]}`, read at each start."""
    env_sources: dict[str, ValueSource] = {}
    env_file: list[str] = []
    """File with environment variables, or a list of them, read again at each start. `env` takes precedence."""
    interpreter: str = "auto"
    """Path or name of the interpreter. `auto` chooses by the extension of `script` and finds `.venv` and `venv`."""
    interpreter_args: list[str] = []
    """Arguments between the interpreter and the script."""
    autostart: bool = True
    """Set to false to leave the process stopped until it is started by hand."""
    restart: RestartPolicy | None = None
    """When to restart the process after it has ended by itself. Default: `always`, or `on-failure` if another process
    waits for its end (`completed` or `succeeded`), or `never` with a `schedule`."""
    success_exit_codes: list[ExitCode] = msgspec.field(default_factory=lambda: [0])
    """Exit codes that count as success."""
    max_retries: Annotated[int, msgspec.Meta(ge=-1)] = 10
    """Consecutive failures that are retried before the process is `failed`; -1 means no limit, 0 no retry."""
    backoff: Duration = 1.0
    """Delay before the first retry, at least 100ms; doubled for each further one."""
    max_backoff: Duration = 30.0
    """Longest delay between retries."""
    healthy_after: Duration = 10.0
    """A run that lasts longer than this, and at least 1s, resets the failure count; the process is then restarted
    immediately."""
    schedule: str | None = None
    """Makes the process a job that runs at certain times: five cron fields such as `"30 2 * * *"`, `@hourly`, `@daily`,
    `@weekly`, `@monthly` or `@yearly`, or `"every 10m"`; see [Jobs](jobs.md)."""
    timezone: str | None = None
    """Time zone of `schedule`, such as `"Europe/Berlin"`. Default: `TZ` of the manager, or else the machine's."""
    overlap: Overlap = "skip"
    """What to do if the job is due while it still runs: `skip` that run, `queue` it until the present one has ended
    (one at most), or `replace` the present one."""
    deadline: Period | None = None
    """Longest time that a run of the job may take; it is then ended, and counts as failed."""
    jitter: Duration = 0.0
    """Start the job up to this much later than it is due, at random."""
    catch_up: bool = False
    """Set to true to run a job once, late, if it was due while the manager was down or the machine slept."""
    stop_signal: str = "SIGTERM"
    """Signal that asks the process to end."""
    stop_timeout: Duration = 5.0
    """Time to wait after `stopSignal` before the process tree is killed."""
    stop_command: str | list[str] | None = None
    """Command that stops the process, run before `stopSignal` is sent; it has `stopTimeout` to end. A string is split
    into words, or with `shell` run by `/bin/sh -c`."""
    detached: bool = False
    """Set to true if the command starts something in the background and exits with 0: the process is then `running`
    until it is stopped, and what the command left behind ends with it."""
    tty: bool = False
    """Give the process a terminal; see [Terminals](terminals.md)."""
    stdin: bool | Literal["null", "open"] = "null"
    """What the process reads: nothing (`"null"`), a pipe that stays open (`"open"`), or a pipe that `pmtui send` writes
    to (true)."""
    depends_on: dict[str, Condition | None] = {}
    """Ids of the processes to wait for, or `{id: condition}` with `started`, `healthy`, `completed` or
    `succeeded`. Default condition: `healthy` if that process has a health check, otherwise `started`. With
    `{id: {"condition": …, "restart": true}}` this process is restarted after that one was."""
    restart_after: list[str] = []
    health: Health | None = None
    """How to check that the process works; see below."""
    dev_mode: bool = False
    """Restart the process when its files change; `--dev` does so for all processes."""
    watch_debounce: Duration = 0.5
    """How long the files must be left alone before the restart."""
    watch_paths: list[str] = []
    """Directories and files to watch; `cwd` by default."""
    watch_ignore: list[str] = []
    """Files to ignore, as in `.gitignore`. Always ignored: `.git`, `node_modules`, `__pycache__`, virtual
    environments, the data directory, `*.log`, files of editors, and what a `.gitignore` lists; `!name` overrides that
    last one."""
    instances: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1
    """Number of instances. With more than one, they run as `id-1` to `id-n`, each with its own `PMTUI_INSTANCE`."""
    instance: int | None = None
    port: Port | Literal["auto"] | None = None
    """Port that the process listens on, or `"auto"` for a free one that it keeps; short for `ports = {http = …}`."""
    ports: dict[str, Port | Literal["auto"]] = {}
    """Ports by name, each a number or `"auto"`. Instance n of a process with fixed ports gets each port + n - 1."""
    sockets: dict[str, Port | str] = {}
    """Listening sockets by name that pmtui binds, holds and passes on as systemd does: a port, `"127.0.0.1:8000"`,
    `"[::1]:8000"`, `"unix:PATH"` or `"auto"`."""
    rolling: bool = False
    """Restart by a new run beside the old one, which ends only when the new one is ready. Needs `sockets` or a port
    that is `"auto"`."""
    group: str | None = None
    """Label; `@group` selects all processes that have it."""
    labels: list[str] = []
    """Further labels; `@label` selects all processes that have it, like `@group`."""
    install: Literal["auto"] | list[str] | None = None
    """Command that installs missing dependencies before the first start. `auto` chooses uv, pip, poetry, npm, pnpm,
    yarn or bun by the files that are there."""
    max_memory: Size | None = None
    """Memory limit for the whole process tree. Two samples in a row above it cause a restart."""
    limits: Limits = Limits()
    """Resource limits; see below."""
    user: str | None = None
    """User to run as, `name` or `name:group`; requires root. If the user cannot be set, the process does not start."""
    umask: Annotated[int, msgspec.Meta(ge=0, le=0o777)] | None = None
    """File mode creation mask, an octal string such as `"022"`."""
    pocketbase: PocketBaseRoute | None = None
    """Route under which PocketBase passes requests on to the process; see below."""
    log: LogSettings = LogSettings()
    """How output is kept; see below."""


class PocketBase(Struct, frozen=True, kw_only=True):
    """A PocketBase that runs beside the processes; determines `PB_PORT`, `PB_DATA_DIR` and `DB_DSN`."""

    port: Port = 8090
    """Value of `PB_PORT` for all processes."""
    data_dir: str | None = None
    """Value of `PB_DATA_DIR`; `pb_data` beside the config by default."""
    dsn: str | None = None
    """Value of `DB_DSN`; unset by default."""
    url: str | None = None
    """Address of a PocketBase whose superusers may use the API with their own tokens."""


HookEvent = Literal["crash", "failed", "unhealthy", "recovered", "alarm", "jobFailed", "jobMissed"]


class HistorySettings(Struct, frozen=True, kw_only=True):
    """How much history is kept: CPU, memory, probe latency, events, and how runs ended."""

    max_size: Annotated[int, msgspec.Meta(ge=1 << 20, extra={"unit": "size"})] = 64 << 20
    """Maximum size of the file and its write-ahead log, at least 1 MB. The oldest data is dropped first."""
    keep: Period = 30 * 86400.0
    """How long values by the minute, events and exits are kept. Values every 10 s are kept for a day."""


class Settings(Struct, frozen=True, kw_only=True):
    """Settings of the manager. `port` None: 9615, or a free port if that one is taken."""

    host: str = "127.0.0.1"
    """Address the API listens on. Anything but loopback requires your own token in `PMTUI_TOKEN`."""
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] | None = None
    """Port of the API. By default 9615, or a free port if that one is taken."""
    web: bool = True
    """Serve the web page at `/` of the API."""
    data_dir: str = ".pmtui"
    """Directory for the token, the lock and the logs, relative to the config."""
    env: dict[str, str] = {}
    """Environment variables for all processes."""
    hooks: dict[HookEvent, str | list[str]] = {}
    """URL, or program and arguments, to call on `crash`, `failed`, `unhealthy`, `recovered`, `alarm`, `jobFailed` or
    `jobMissed`."""
    watch_polling: bool = False
    """Find changed files by scanning once a second, for file systems that do not report changes, such as mounts in
    containers and virtual machines. `WATCHFILES_FORCE_POLLING=1` in the manager's environment does the same."""
    on_idle: Literal["stay", "down"] = "stay"
    """`down`: a manager without a dashboard ends once nothing runs or is about to, with 1 if a process is `failed`."""
    history: Literal[False] | HistorySettings = HistorySettings()
    """What is kept in `history.db`; see below. `false` turns it off."""
    pocketbase: PocketBase = PocketBase()
    """The PocketBase that processes find in their environment; see below."""
