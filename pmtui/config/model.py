"""The vocabulary of the configuration: what a process is asked to be."""

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
    tcp: str | None = None
    command: list[str] | None = None
    log: str | None = None
    silence: Period | None = None
    interval: Period = 30.0
    timeout: Period = 5.0
    failure_threshold: Annotated[int, msgspec.Meta(ge=1)] = 3
    success_threshold: Annotated[int, msgspec.Meta(ge=1)] = 2
    start_period: Duration = 30.0


class Limits(Struct, frozen=True, kw_only=True):
    """Resource limits of the process, soft and hard alike; `as` and `core` in bytes, `cpu` in seconds."""

    nofile: Count | None = None
    core: Size | None = None
    cpu: Count | None = None
    address_space: Size | None = msgspec.field(default=None, name="as")
    nice: Annotated[int, msgspec.Meta(ge=-20, le=19)] | None = None


class LogSettings(Struct, frozen=True, kw_only=True):
    """Where the output goes: size of a file before it is rotated, archives kept per stream."""

    max_size: Size = 10 << 20
    keep: Count = 5
    timestamps: bool = True
    file: bool = True


class ProcessConfig(Struct, frozen=True, kw_only=True):
    """One process as its owner wants it. Exactly one of `script` and `command` is set; `cwd` is absolute.

    `folder`, that of the config file, and `instance`, one of 1 … n, come from the loader; no file can set them.
    """

    id: ProcessId
    script: str | None = None
    command: str | None = None
    shell: bool = False
    args: list[str] = []
    cwd: str = ""
    folder: str = ""
    env: dict[str, str] = {}
    env_file: list[str] = []
    interpreter: str = "auto"
    interpreter_args: list[str] = []
    autostart: bool = True
    restart: RestartPolicy = "always"
    success_exit_codes: list[ExitCode] = msgspec.field(default_factory=lambda: [0])
    max_retries: Annotated[int, msgspec.Meta(ge=-1)] = 10
    backoff: Duration = 1.0
    max_backoff: Duration = 30.0
    healthy_after: Duration = 10.0
    stop_signal: str = "SIGTERM"
    stop_timeout: Duration = 5.0
    depends_on: dict[str, Condition | None] = {}
    health: Health | None = None
    dev_mode: bool = False
    watch_debounce: Duration = 0.5
    watch_paths: list[str] = []
    watch_ignore: list[str] = []
    instances: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1
    instance: int | None = None
    group: str | None = None
    install: Literal["auto"] | list[str] | None = None
    max_memory: Size | None = None
    limits: Limits = Limits()
    user: str | None = None
    umask: Annotated[int, msgspec.Meta(ge=0, le=0o777)] | None = None
    log: LogSettings = LogSettings()


class PocketBase(Struct, frozen=True, kw_only=True):
    """The PocketBase that runs beside the processes: `PB_PORT`, `PB_DATA_DIR` and `DB_DSN` are made of it."""

    port: Port = 8090
    data_dir: str | None = None
    dsn: str | None = None


HookEvent = Literal["crash", "failed", "unhealthy", "recovered"]


class Settings(Struct, frozen=True, kw_only=True):
    """What holds for the manager as a whole. `port` None: 9615, or a free one when that is taken."""

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] | None = None
    data_dir: str = ".pmtui"
    env: dict[str, str] = {}
    hooks: dict[HookEvent, str | list[str]] = {}
    pocketbase: PocketBase = PocketBase()
