"""The vocabulary of the configuration: what a process is asked to be.

What stands below a field is its description in the README, too.
"""

from typing import Annotated, Literal

import msgspec


class ConfigError(Exception):
    """Something asked for in the configuration that cannot be had; says what, where and what to do."""


Duration = Annotated[float, msgspec.Meta(ge=0, extra={"unit": "duration"})]
"""Seconds. Written as a number or as "500ms", "1s", "1m30s"."""

Period = Annotated[float, msgspec.Meta(gt=0, extra={"unit": "duration"})]
"""A duration that is not zero."""

Size = Annotated[int, msgspec.Meta(ge=0, extra={"unit": "size"})]
"""Bytes. Written as a number or as "10MB", "512M", "1G" (multiples of 1024)."""

ProcessId = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")]
RestartPolicy = Literal["always", "on-failure", "never"]
Condition = Literal["started", "healthy", "completed", "succeeded"]
Count = Annotated[int, msgspec.Meta(ge=0)]
ExitCode = Annotated[int, msgspec.Meta(ge=0, le=255)]
Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]


class Struct(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A part of the configuration: camelCase in files, snake_case in code, never changed once made."""


class Health(Struct, frozen=True, kw_only=True):
    """How to find out whether a process does its work. Exactly one of the first five is set."""

    http: str | None = None
    """A URL; good is an answer of 2xx or 3xx. Redirects are not followed."""
    tcp: str | None = None
    """`host:port`; good is a port that takes a connection."""
    command: list[str] | None = None
    """A program and its arguments, run as the process is; good is exit code 0."""
    log: str | None = None
    """A regular expression; good from the first line of output in which it is found."""
    silence: Period | None = None
    """Bad is a process that has written nothing for so long."""
    interval: Period = 30.0
    """Between two probes, once the first was good."""
    timeout: Period = 5.0
    """How long one probe may take."""
    failure_threshold: Annotated[int, msgspec.Meta(ge=1)] = 3
    """So many failures in a row: unhealthy, and a restart."""
    success_threshold: Annotated[int, msgspec.Meta(ge=1)] = 2
    """So many successes in a row: healthy again."""
    start_period: Duration = 30.0
    """From its start on failures do not count for so long; until the first success it is probed every second."""


class Limits(Struct, frozen=True, kw_only=True):
    """Resource limits of the process, soft and hard alike; `as` and `core` in bytes, `cpu` in seconds."""

    nofile: Count | None = None
    """Open files."""
    core: Size | None = None
    """Size of a core dump."""
    cpu: Count | None = None
    """Seconds of CPU time."""
    address_space: Size | None = msgspec.field(default=None, name="as")
    """Address space."""
    nice: Annotated[int, msgspec.Meta(ge=-20, le=19)] | None = None
    """From -20, the most favoured, to 19."""


class LogSettings(Struct, frozen=True, kw_only=True):
    """Where the output goes: size of a file before it is rotated, archives kept per stream."""

    max_size: Size = 10 << 20
    """A file of this size is rotated."""
    keep: Count = 5
    """Archives kept for each stream."""
    timestamps: bool = True
    """A time before each line of a file."""
    file: bool = True
    """false: kept in memory alone."""


class ProcessConfig(Struct, frozen=True, kw_only=True):
    """One process as its owner wants it. Exactly one of `script` and `command` is set; `cwd` is absolute.

    `folder`, that of the config file, and `instance`, one of 1 … n, come from the loader; no file can set them.
    """

    id: ProcessId
    """Letters, digits, `.`, `_` and `-`, the first a letter or digit; at most 64 characters."""
    script: str | None = None
    """A file that is run by its interpreter. Either this or `command`."""
    command: str | None = None
    """An executable, without a shell; split into words as a shell does where there are no `args`."""
    shell: bool = False
    """true: `command` is read by `/bin/sh -c`."""
    args: list[str] = []
    """Passed on exactly."""
    cwd: str = ""
    """Where it runs: a path from the config file's folder, or that folder. `script` is looked for here first."""
    folder: str = ""
    env: dict[str, str] = {}
    """Variables of its own. Values may hold `${VAR}`, `${VAR:-default}`, `${VAR:?message}`; `$$` is `$`."""
    env_file: list[str] = []
    """A file of variables or several, read again at each start; `env` wins."""
    interpreter: str = "auto"
    """A path or name; `auto` goes by the ending of `script`, and finds `.venv` and `venv`."""
    interpreter_args: list[str] = []
    """Words between the interpreter and the script."""
    autostart: bool = True
    """false: stopped until somebody starts it."""
    restart: RestartPolicy = "always"
    """After it has ended by itself."""
    success_exit_codes: list[ExitCode] = msgspec.field(default_factory=lambda: [0])
    """Exit codes that are no failure."""
    max_retries: Annotated[int, msgspec.Meta(ge=-1)] = 10
    """Failures in a row before it is given up; -1 never, 0 at once."""
    backoff: Duration = 1.0
    """The delay before the first retry, doubled for each that follows."""
    max_backoff: Duration = 30.0
    """The longest delay."""
    healthy_after: Duration = 10.0
    """A run longer than this forgets the failures, and is followed by the next at once."""
    stop_signal: str = "SIGTERM"
    """How it is asked to end."""
    stop_timeout: Duration = 5.0
    """After that what is left of its tree is killed."""
    depends_on: dict[str, Condition | None] = {}
    """Ids, or `{id: condition}`: `started`, `healthy`, `completed` or `succeeded`. Without a condition: `healthy`
    where that one has a health check, else `started`.
    """
    health: Health | None = None
    """How to find out whether it does its work: see below."""
    dev_mode: bool = False
    """Restart it when its files change; `--dev` does so for all."""
    watch_debounce: Duration = 0.5
    """How long its files must be quiet before that."""
    watch_paths: list[str] = []
    """What is watched; `cwd` if not given."""
    watch_ignore: list[str] = []
    """What is not, written as in `.gitignore`. Never watched: `.git`, `node_modules`, `__pycache__`, virtual
    environments, the data folder, `*.log`.
    """
    instances: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1
    """More than 1: runs `id-1` to `id-n`, each with its `PMTUI_INSTANCE`."""
    instance: int | None = None
    group: str | None = None
    """A label: `@group` means all that have it."""
    install: Literal["auto"] | list[str] | None = None
    """Run before the first start where dependencies are missing. `auto`: `uv sync` or `pip install` into `.venv`,
    or `npm ci`.
    """
    max_memory: Size | None = None
    """Of the whole tree; above it in two samples in a row: a restart."""
    limits: Limits = Limits()
    """Resource limits: see below."""
    user: str | None = None
    """`name` or `name:group`, for root alone; where it cannot be had the process does not start."""
    umask: Annotated[int, msgspec.Meta(ge=0, le=0o777)] | None = None
    """An octal string such as `"022"`."""
    log: LogSettings = LogSettings()
    """What is kept of its output: see below."""


class PocketBase(Struct, frozen=True, kw_only=True):
    """The PocketBase that runs beside the processes: `PB_PORT`, `PB_DATA_DIR` and `DB_DSN` are made of it."""

    port: Port = 8090
    """`PB_PORT` for all processes."""
    data_dir: str | None = None
    """`PB_DATA_DIR`; `pb_data` beside the config if not given."""
    dsn: str | None = None
    """`DB_DSN`; not set if not given."""


HookEvent = Literal["crash", "failed", "unhealthy", "recovered"]


class Settings(Struct, frozen=True, kw_only=True):
    """What holds for the manager as a whole. `port` None: 9615, or a free one when that is taken."""

    host: str = "127.0.0.1"
    """Address of the API; any but loopback needs a token of your own in `PMTUI_TOKEN`."""
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] | None = None
    """Port of the API; not given: 9615, or a free one where that is taken."""
    data_dir: str = ".pmtui"
    """Folder of the token, the lock and the logs, beside the config."""
    env: dict[str, str] = {}
    """Variables for all processes."""
    hooks: dict[HookEvent, str | list[str]] = {}
    """A URL or a program and its arguments for `crash`, `failed`, `unhealthy` or `recovered`."""
    pocketbase: PocketBase = PocketBase()
    """What the processes are told of a PocketBase beside them: see below."""
