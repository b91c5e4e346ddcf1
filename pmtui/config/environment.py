"""Build the environment of a process from what it inherits, what pmtui adds and what its config sets."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from pmtui.config.envfile import default_value, read_env_file
from pmtui.config.model import ConfigError, ProcessConfig, Settings
from pmtui.config.ports import port_variables
from pmtui.config.virtualenv import activate, find_virtualenv

Filler = Callable[[Mapping[str, str]], tuple[str, list[str]]]
"""Makes a value from the variables that come before it, and says which it missed."""

__all__ = ["ConfigError", "build_environment", "env_files", "expand", "injected_environment", "read_env_file"]

MANAGERS_OWN = ("PMTUI_TOKEN", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES")
"""Variables that no process inherits: the last three are what systemd has passed to the manager itself."""
_REFERENCE = re.compile(r"\$(?:(\$)|\{([^}]*)(\}?))")
_BODY = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::([-?])(.*))?", re.DOTALL)


def expand(template: str, names: Mapping[str, str]) -> tuple[str, list[str]]:
    """Replace `${VAR}`, `${VAR:-default}` and `${VAR:?message}`; `$$` is `$`. Values are not expanded again.

    Also returns the unknown names, which became empty. Raises ConfigError for `:?` and for a malformed `${`.
    """
    unknown: list[str] = []
    if "$" not in template:
        return template, unknown

    def fill(found: re.Match[str]) -> str:
        if found[1]:
            return "$"
        body = _BODY.fullmatch(found[2])
        if body is None or not found[3] or "${" in (body[3] or ""):
            hint = "write ${NAME}, ${NAME:-default} or ${NAME:?message}, or $${ for the characters themselves"
            raise ConfigError(f"a ${{ at character {found.start() + 1} cannot be expanded: {hint}")
        name, kind, word = body.groups()
        if kind and not names.get(name):
            return default_value(name, kind, word)
        if name not in names:
            unknown.append(name)
        return names.get(name, "")

    return _REFERENCE.sub(fill, template), unknown


def build_environment(
    config: ProcessConfig,
    settings: Settings,
    base: Mapping[str, str],
    injected: Mapping[str, str],
    fetched: Mapping[str, str] | None = None,
) -> tuple[dict[str, str], list[str]]:
    """Return the environment of a process, and warnings about it. `base` is the manager's own, without its token.

    Later wins: base, injected, the PATH of the virtual environment, settings.env, each envFile, `fetched` (the values
    of `env_sources`), env. A `${VAR}` sees everything before it; env files have their own rules for references. Raises
    ConfigError if an envFile or a required variable is missing.
    """
    # What systemd has passed to the manager is not for its processes.
    dropped = {
        "PMTUI_TOKEN",
        "LISTEN_FDS",
        "LISTEN_PID",
        "LISTEN_FDNAMES",
        *(("COLUMNS", "LINES") if config.tty else ()),
    }  # its terminal has its own size
    environment = {name: value for name, value in base.items() if name not in dropped} | dict(injected)
    activate(environment, find_virtualenv(config) if config.cwd else None)
    warnings: list[str] = []
    for origin, name, fill in _assignments(config, settings, injected, fetched or {}):
        try:
            environment[name], unknown = fill(environment)
        except ConfigError as error:
            raise ConfigError(f"{name} in {origin} of {config.id}: {error}") from None
        warnings += [f"{name} in {origin} of {config.id}: ${{{gone}}} is not set, so it is empty" for gone in unknown]
    run = injected.get("PMTUI_RUN")
    if run is not None and environment["PMTUI_RUN"] != run:
        warnings.append(f"PMTUI_RUN in the environment of {config.id} is pmtui's own: what was set is ignored")
        environment["PMTUI_RUN"] = run
    return environment, warnings


def injected_environment(config: ProcessConfig, settings: Settings, run: str) -> dict[str, str]:
    """Return the variables that every process gets: its id, its run, and the address of PocketBase."""
    pocketbase = settings.pocketbase
    folder = config.root or config.folder or os.getcwd()
    beside = folder if os.path.basename(folder) == "pb_data" else os.path.join(folder, "pb_data")
    data_dir = os.path.expanduser(pocketbase.data_dir) if pocketbase.data_dir else beside
    injected = {
        "PMTUI_ID": config.id,
        "PMTUI_INSTANCE": str(config.instance or 1),
        "PMTUI_RUN": run,
        "PYTHONUNBUFFERED": "1",
        "PB_PORT": str(pocketbase.port),
        "PB_DATA_DIR": os.path.normpath(os.path.join(folder, data_dir)),
    }
    injected |= port_variables(config)
    injected |= {"TERM": "xterm-256color"} if config.tty else {}
    return injected | ({"DB_DSN": pocketbase.dsn} if pocketbase.dsn else {})


def env_files(config: ProcessConfig) -> list[str]:
    """Return the path of each envFile: relative to the config file's directory, otherwise to `cwd`."""
    return [_resolve_env_file(os.path.expanduser(name), config) for name in config.env_file]


def _resolve_env_file(name: str, config: ProcessConfig) -> str:
    first, second = os.path.join(config.folder, name), os.path.join(config.cwd, name)
    return second if os.path.lexists(second) and not os.path.lexists(first) else first


def _assignments(
    config: ProcessConfig, settings: Settings, injected: Mapping[str, str], fetched: Mapping[str, str]
) -> Iterator[tuple[str, str, Filler]]:
    """Where each variable is set, its name, and what makes its value."""
    if "DB_DSN" in injected:
        yield "settings.pocketbase.dsn", "DB_DSN", partial(expand, injected["DB_DSN"])
    for name, template in settings.env.items():
        yield "settings.env", name, partial(expand, template)
    for path in env_files(config):
        for assignment in read_env_file(path):
            yield f"envFile {path}", assignment.name, assignment.expand
    for name, value in fetched.items():
        yield "env", name, partial(_unexpanded, value)
    for name, template in config.env.items():
        yield "env", name, partial(expand, template)


def _unexpanded(value: str, names: Mapping[str, str]) -> tuple[str, list[str]]:
    return value, []
