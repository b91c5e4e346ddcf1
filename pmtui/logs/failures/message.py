"""What a line of a log says of an error: its message without the time, or those of its fields."""

import re
from collections.abc import Mapping

from pmtui.logs.failures.exceptions import find_exceptions
from pmtui.logs.structure.record import MESSAGE_KEYS, parse_fields, without_time

MAX_TEXT_LENGTH = 1000
ERROR_KEYS = ("error", "err", "exception", "exc_info", "exc", "cause", "reason")
_PREFIX = re.compile(r"^(?:\[\d+\] |[EF]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ \S+\] |Caused by: |\s*ERR_PNPM_\w+ )")


def message_of(line: str) -> str:
    """Return the message on one line, with the error that the record has beside it."""
    fields = parse_fields(line) or {}
    message = next((text for key in MESSAGE_KEYS if (text := _field_text(fields.get(key)))), "")
    error = next((text for key in ERROR_KEYS if (text := _field_text(fields.get(key)))), "")
    text = ": ".join(filter(None, (message, "" if error in message else error)))
    text = _PREFIX.sub("", without_time((text or line[:MAX_TEXT_LENGTH]).strip()), count=1)
    return " ".join(text.split())


def _field_text(value: object) -> str:
    """Return a field on one line: the message of an error object, the exception of a stack trace."""
    if isinstance(value, Mapping):
        return next((text for key in ("message", "msg") if (text := _field_text(value.get(key)))), "")
    if not isinstance(value, str):
        return ""
    lines = [line for line in value.splitlines() if line.strip()]
    found = list(find_exceptions(lines)) if len(lines) > 1 else []
    return found[-1].message if found else "".join(lines[:1]).strip()
