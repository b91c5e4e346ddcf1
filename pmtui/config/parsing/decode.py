"""Convert plain values to the model field by field, so that every error is reported with its path."""

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

import msgspec

from pmtui.config.model import (
    Health,
    HistorySettings,
    Limits,
    LogSettings,
    PocketBase,
    PocketBaseRoute,
    ProcessConfig,
    Settings,
    Struct,
)
from pmtui.config.parsing import jobs, ports, validators
from pmtui.config.parsing.problems import Problems, join
from pmtui.text.units import parse_duration, parse_size

Reader = Callable[[Any, str, Problems], Any]

_UNITS: dict[str, Callable[[object], float]] = {"duration": parse_duration, "size": parse_size}
_ALIASES: dict[type[Struct], str] = {
    ProcessConfig: "process",
    Health: "health",
    LogSettings: "log",
    Settings: "settings",
}
_PARTS = (Health, Limits, LogSettings, PocketBase, PocketBaseRoute)
_AT = re.compile(r" - at `\$(.*)`")
_NAMES = {
    "int": "a whole number",
    "float": "a number",
    "str": "a string",
    "bool": "true or false",
    "array": "a list",
    "object": "a table of names and values",
    "null": "null",
}

READERS: dict[tuple[type[Struct], str], Reader] = {
    (ProcessConfig, "id"): validators.read_id,
    (ProcessConfig, "env"): validators.read_env,
    (ProcessConfig, "args"): validators.read_argv,
    (ProcessConfig, "interpreter_args"): validators.read_argv,
    (ProcessConfig, "env_file"): validators.read_strings,
    (ProcessConfig, "watch_paths"): validators.read_strings,
    (ProcessConfig, "watch_ignore"): validators.read_ignore,
    (ProcessConfig, "depends_on"): validators.read_dependencies,
    (ProcessConfig, "schedule"): jobs.read_schedule,
    (ProcessConfig, "timezone"): jobs.read_timezone,
    (ProcessConfig, "stop_signal"): validators.read_signal,
    (ProcessConfig, "stop_command"): validators.read_stop_command,
    (ProcessConfig, "stdin"): validators.read_stdin,
    (ProcessConfig, "install"): validators.read_install,
    (ProcessConfig, "umask"): validators.read_umask,
    (ProcessConfig, "user"): validators.read_user,
    (ProcessConfig, "group"): validators.read_label,
    (ProcessConfig, "labels"): validators.read_labels,
    (ProcessConfig, "port"): ports.read_port,
    (ProcessConfig, "ports"): ports.read_ports,
    (ProcessConfig, "sockets"): ports.read_sockets,
    (Health, "http"): validators.read_http,
    (Health, "tcp"): validators.read_tcp,
    (Health, "command"): validators.read_command,
    (Health, "log"): validators.read_pattern,
    (Health, "file"): validators.read_path,
    (PocketBaseRoute, "route"): validators.read_route,
    (PocketBase, "url"): validators.read_origin,
    (Settings, "host"): validators.read_host,
    (Settings, "env"): validators.read_env,
    (Settings, "hooks"): validators.read_hooks,
}


def read_struct(kind: type[Struct], raw: object, path: str, problems: Problems) -> dict[str, Any]:
    """Return the valid fields of a part of the config by their names in code; report the others to `problems`."""
    if not isinstance(raw, dict):
        problems.error(path, f"expected a table of names and values, got {validators.kind_of(raw)}")
        return {}
    known = _fields(kind)
    good: dict[str, Any] = {}
    for key, value in raw.items():
        field = known.get(key)
        here = join(path, key)
        if field is None:
            problems.error(here, f"unknown field{problems.suggest_field(_ALIASES.get(kind, ''), key, known)}")
            continue
        before = problems.errors
        result = field.read(value, here, problems)
        if problems.errors == before:
            good[field.name] = result
    return good


def is_internal(name: str) -> bool:
    """Return whether the loader sets this field of a process; no file can."""
    return name in ("folder", "root", "instance", "env_sources", "restart_after")


class _Field(msgspec.Struct):
    name: str
    read: Reader


@functools.cache
def _fields(kind: type[Struct]) -> Mapping[str, _Field]:
    return {
        field.encode_name: _Field(field.name, _reader(kind, field.name, field.type))
        for field in msgspec.structs.fields(kind)
        if not is_internal(field.name)
    }


def _reader(kind: type[Struct], name: str, type_: Any) -> Reader:
    special = READERS.get((kind, name))
    if special is not None:
        return special
    part = next((part for part in _PARTS if part in (type_, *get_args(type_))), None)
    if part is not None:
        return functools.partial(_read_part, part)
    parse = _UNITS.get(_unit(type_))
    return functools.partial(_read_plain, type_, parse)


def _read_history(raw: object, path: str, problems: Problems) -> Struct | Literal[False] | None:
    if raw is False:
        return False
    if not isinstance(raw, dict):
        problems.error(path, f"expected false, or a table of maxSize and keep, got {validators.kind_of(raw)}")
        return None
    return _read_part(HistorySettings, raw, path, problems)


READERS[Settings, "history"] = _read_history


def _read_part(kind: type[Struct], raw: object, path: str, problems: Problems) -> Struct | None:
    before = problems.errors
    if kind is Health and isinstance(raw, str):
        problems.error(path, "expected a table with http, tcp, command or log, got a string")
        return None
    good = read_struct(kind, raw, path, problems)
    if problems.errors > before:
        return None
    if kind is Health:
        validators.check_health(good, path, problems)
    if kind is PocketBaseRoute and "route" not in good:
        problems.error(path, "has no route; add one such as /api/agent")
        return None
    return kind(**good)


def _read_plain(
    type_: Any, parse: Callable[[object], float] | None, raw: object, path: str, problems: Problems
) -> object:
    try:
        value = msgspec.convert(parse(raw) if parse and raw is not None else raw, type_)
    except (msgspec.ValidationError, ValueError) as error:
        at = _AT.search(str(error))
        problems.error(path + (at[1] if at else ""), _error_text(_AT.sub("", str(error)), type_, raw, problems))
        return None
    return validators.check_encodable(value, path, problems)


def _error_text(message: str, type_: Any, raw: object, problems: Problems) -> str:
    words = [str(word) for word in _literals(type_)]
    if words and message.startswith(("Invalid enum value", "Expected `str")):
        got = ascii(raw[:40]) if isinstance(raw, str) else validators.kind_of(raw)
        return f"expected one of {', '.join(words)}, got {got}{problems.suggest(str(raw), words)}"
    message = message.replace(" | null`", "`").removesuffix(".0")
    message = re.sub(r"`(\w+)`", lambda found: _NAMES.get(found[1], f"a {found[1]}"), message)
    return message[0].lower() + message[1:]


def _unit(type_: Any) -> str:
    if isinstance(type_, msgspec.Meta):
        return str((type_.extra or {}).get("unit", ""))
    units = [_unit(part) for part in (*get_args(type_), *getattr(type_, "__metadata__", ()))]
    return next(filter(None, units), "")


def _literals(type_: Any) -> list[object]:
    return [word for part in get_args(type_) for word in (_literals(part) or [part]) if isinstance(word, str)]
