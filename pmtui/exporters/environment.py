"""Return the environment of a process as far as the config defines it; the manager's own is never written."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from pmtui.config.envfile import read_env_file
from pmtui.config.environment import env_files, injected_environment
from pmtui.config.model import ConfigError, ProcessConfig, Settings
from pmtui.config.ports import port_variables
from pmtui.config.secrets import looks_secret
from pmtui.exporters.result import Exported

_REFERENCE = re.compile(r"\$(?:(\$)|\{([A-Za-z_][A-Za-z0-9_]*)(?::([-?])([^}]*))?\})")


class Reference(NamedTuple):
    """A variable known only where the process starts; `kind` is that of `${NAME:-word}`, or empty."""

    name: str
    kind: str
    word: str


Value = tuple[str | Reference, ...]


def environment_of(config: ProcessConfig, settings: Settings, out: Exported) -> dict[str, Value]:
    """Return variables in config order, without those that an envFile sets again. Names values that look secret."""
    in_files = names_in_files(config, out)
    shared = {name: value for name, value in settings.env.items() if name not in in_files}
    values: dict[str, Value] = {name: (value,) for name, value in _injected(config, settings).items()}
    dsn = {"DB_DSN": settings.pocketbase.dsn} if settings.pocketbase.dsn else {}
    for name, template in [*dsn.items(), *shared.items(), *config.env.items()]:
        values[name] = _filled(template, values)
        if looks_secret(name) and literal_text(values[name]):
            out.warn(config.id, f"{name} looks secret, stands in the config, and is now in the export too")
    return values


def _injected(config: ProcessConfig, settings: Settings) -> dict[str, str]:
    """Return what pmtui sets for each process, as far as it means something elsewhere."""
    injected = injected_environment(config, settings, "")
    has_pocketbase = settings.pocketbase != Settings().pocketbase
    names = ["PMTUI_ID", "PMTUI_INSTANCE", "PYTHONUNBUFFERED", *(["PB_PORT", "PB_DATA_DIR"] if has_pocketbase else [])]
    return {name: injected[name] for name in names} | port_variables(config)


def names_in_files(config: ProcessConfig, out: Exported) -> set[str]:
    names: set[str] = set()
    for path in env_files(config):
        try:
            names |= {assignment.name for assignment in read_env_file(path)}
        except ConfigError as error:
            out.warn(config.id, f"envFile: {error}")
    return names


def literal_text(value: Value) -> str | None:
    """Return the text if nothing in it depends on another variable."""
    return "".join(str(part) for part in value) if all(isinstance(part, str) for part in value) else None


def _filled(template: str, known: Mapping[str, Value]) -> Value:
    parts: list[str | Reference] = []
    at = 0
    for found in _REFERENCE.finditer(template):
        parts.append(template[at : found.start()])
        at = found.end()
        dollar, name, kind, word = found.groups()
        if dollar:
            parts.append("$")
        elif name in known and (literal_text(known[name]) != "" or not kind):
            parts.extend(known[name])
        else:
            parts.append(Reference(name, kind or "", word or ""))
    return _joined([*parts, template[at:]])


def _joined(parts: list[str | Reference]) -> Value:
    joined: list[str | Reference] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        elif part != "" or isinstance(part, Reference):
            joined.append(part)
    return tuple(joined)
