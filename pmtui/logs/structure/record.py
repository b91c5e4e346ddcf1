"""Takes JSON and logfmt lines apart into a level, a message and fields."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from pmtui.control import Level
from pmtui.logs.search.levels import level_of

MAX_RECORD_BYTES = 64 << 10
TIME_KEYS = frozenset(("ts", "time", "timestamp", "@timestamp", "@t", "t", "asctime", "datetime", "date", "created"))
LEVEL_KEYS = frozenset(("level", "lvl", "severity", "levelname", "log.level", "loglevel", "@l", "levelno"))
MESSAGE_KEYS = ("msg", "message", "event", "@message", "@m", "@mt", "text")
_PAIR = re.compile(r'([A-Za-z_@][\w.@/-]*)=("(?:[^"\\]|\\.)*"|\S*)(?:\s+|$)')
_STAMP = re.compile(
    r"\[?\d{4}[-/.]\d\d[-/.]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?\]?[\s|:-]*"
    r"|\[?\d\d:\d\d:\d\d(?:[.,]\d+)?\]?[\s|]+"
)


class Record(NamedTuple):
    """`fields` are all fields of the line; `extra` are those beside time, level and message."""

    level: Level | None
    message: str
    fields: Mapping[str, Any]

    @property
    def extra(self) -> Mapping[str, Any]:
        known = TIME_KEYS | LEVEL_KEYS | {key for key in MESSAGE_KEYS if self.fields.get(key) == self.message}
        return {key: value for key, value in self.fields.items() if key not in known}


def parse_record(text: str) -> Record | None:
    """Return the record of a line, or None if it is plain text."""
    fields = parse_fields(text)
    if not fields:
        return None
    message = next((value for key in MESSAGE_KEYS if isinstance(value := fields.get(key), str)), "")
    return Record(level_of(text), message, fields)


def parse_fields(text: str) -> dict[str, Any] | None:
    start = text.lstrip()
    if start.startswith("{"):
        return _parse_json(start)
    if "=" in start[:200] and _PAIR.match(start):
        return _parse_logfmt(start)
    return None


def without_time(text: str) -> str:
    """Remove the time with which a program begins its lines."""
    return text[found.end() :] if (found := _STAMP.match(text)) else text


def field_text(value: object) -> str:
    """Write a field on one line."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return " ".join(f"{key}={field_text(inner)}" for key, inner in value.items())
    return msgspec.json.encode(value).decode()


def flat_fields(fields: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield the fields with dotted names for nested ones."""
    for key, value in fields.items():
        if isinstance(value, Mapping) and value:
            yield from flat_fields(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def find_field(fields: Mapping[str, Any], name: str) -> object:
    """Return a field by its name or its dotted path; None if there is none."""
    if name in fields:
        return fields[name]
    head, _, rest = name.partition(".")
    inner = fields.get(head)
    return find_field(inner, rest) if rest and isinstance(inner, Mapping) else None


def _parse_json(text: str) -> dict[str, Any] | None:
    if len(text) > MAX_RECORD_BYTES:
        return None
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return None
    return found if isinstance(found, dict) else None


def _parse_logfmt(text: str) -> dict[str, Any] | None:
    fields: dict[str, str] = {}
    at = 0
    while at < len(text):
        pair = _PAIR.match(text, at)
        if pair is None:
            return None
        fields[pair[1]] = _unquote(pair[2])
        at = pair.end()
    return fields if len(fields) > 1 else None


def _unquote(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
