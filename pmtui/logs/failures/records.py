"""The message of a line of a log: of JSON, of logfmt, or behind the time."""

import json
import re
from collections.abc import Mapping
from typing import Any

from pmtui.logs.failures.exceptions import find_exceptions

MAX_TEXT_LENGTH = 1000
_STAMP = re.compile(
    r"\[?\d{4}[-/.]\d\d[-/.]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?\]?[\s|:-]*(?:\[\d+\] )?"
    r"|\[?\d\d:\d\d:\d\d(?:[.,]\d+)?\]?[\s|]+"
    r"|[EF]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ \S+\] "
)
_LABEL = re.compile(r"Caused by: |\s*ERR_PNPM_\w+ ")
_FIELD = re.compile(r'(?:^|(?<=\s))([\w.@-]+)=("(?:[^"\\]|\\.)*"|\S*)')
_MESSAGE_KEYS = ("msg", "message", "event", "@message", "@m", "text")
_ERROR_KEYS = ("error", "err", "exception", "exc_info", "exc", "cause", "reason")


def message_of(line: str) -> str:
    """Return what the line says, in one line, with the error that it gives beside its message."""
    fields = _fields(line)
    message = next((text for key in _MESSAGE_KEYS if (text := _field_text(fields.get(key)))), "")
    error = next((text for key in _ERROR_KEYS if (text := _field_text(fields.get(key)))), "")
    known = ": ".join(filter(None, (message, "" if error in message else error)))
    text = known or line[:MAX_TEXT_LENGTH]
    text = _LABEL.sub("", _STAMP.sub("", text.strip(), count=1), count=1)
    return " ".join(text.split())


def _fields(line: str) -> Mapping[str, Any]:
    if line.lstrip().startswith("{"):
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}
    pairs = _FIELD.findall(line[:MAX_TEXT_LENGTH])
    return {key: _unquoted(value) for key, value in pairs} if len(pairs) > 1 else {}


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value


def _field_text(value: object) -> str:
    """A field as one line: of an error object its message, of a stack trace the exception."""
    if isinstance(value, dict):
        return next((text for key in ("message", "msg") if (text := _field_text(value.get(key)))), "")
    if not isinstance(value, str):
        return ""
    lines = [line for line in value.splitlines() if line.strip()]
    found = list(find_exceptions(lines)) if len(lines) > 1 else []
    return found[-1].message if found else "".join(lines[:1]).strip()
