"""The level that a line names: in JSON, in logfmt, or by one of the usual words."""

import re
from typing import get_args

from pmtui.control import Level

LEVELS: tuple[Level, ...] = get_args(Level)
_NAMES: dict[str, Level] = {level: level for level in LEVELS} | {
    "verbose": "trace",
    "notice": "info",
    "warning": "warn",
    "err": "error",
    "exception": "error",
    "severe": "error",
    "alert": "fatal",
    "crit": "fatal",
    "critical": "fatal",
    "emerg": "fatal",
    "emergency": "fatal",
    "panic": "fatal",
}
_NAME = "|".join(sorted(_NAMES, key=len, reverse=True))
_KEY = r"level|lvl|severity|levelname|log\.level|loglevel"
_JSON = re.compile(rf'"(?:{_KEY})"\s*:\s*(?:"({_NAME})"|([1-6]0)\b)', re.IGNORECASE)
_LOGFMT = re.compile(rf'\b(?:{_KEY})="?({_NAME})\b', re.IGNORECASE)
_WORD = re.compile(rf"\b({_NAME.upper()})\b|(?<![\w.-])[\[<]?((?i:{_NAME}))[\]>:]|[a-z]((?:Error|Exception))\b")
_SEARCH_LIMIT = 200  # characters; a word further on belongs to the message


def level_of(text: str) -> Level | None:
    """Return the level or None. Numbers are those of pino and bunyan, 10 to 60."""
    if text.lstrip().startswith("{") and (match := _JSON.search(text)):
        return LEVELS[int(match[2]) // 10 - 1] if match[2] else _NAMES[match[1].lower()]
    if match := _LOGFMT.search(text):
        return _NAMES[match[1].lower()]
    if match := _WORD.search(text, 0, _SEARCH_LIMIT):
        return _NAMES[match[match.lastindex or 0].lower()]
    return None
