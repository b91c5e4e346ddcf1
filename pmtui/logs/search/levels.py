"""The level that a line names: in JSON, in logfmt, by one of the usual words, or as the head of a traceback."""

import re
from typing import NamedTuple, get_args

from pmtui.control import Level
from pmtui.text.sanitize import is_plain

LEVELS: tuple[Level, ...] = get_args(Level)
ERROR_LEVELS: tuple[Level, ...] = ("error", "fatal")
NOTABLE_LEVELS: tuple[Level, ...] = ("warn", *ERROR_LEVELS)
_NAMES: dict[str, Level] = {level: level for level in LEVELS} | {
    "verbose": "trace",
    "trc": "trace",
    "dbg": "debug",
    "notice": "info",
    "information": "info",
    "inf": "info",
    "warning": "warn",
    "wrn": "warn",
    "err": "error",
    "exception": "error",
    "severe": "error",
    "alert": "fatal",
    "crit": "fatal",
    "critical": "fatal",
    "emerg": "fatal",
    "emergency": "fatal",
    "panic": "fatal",
    "ftl": "fatal",
}
_PROBLEMS = tuple(name.encode() for name, level in _NAMES.items() if level in NOTABLE_LEVELS)
_PROBLEM_WORDS = (
    *(name for name in _PROBLEMS if not any(other in name for other in _PROBLEMS if other != name)),
    b"traceback",
)
_PROBLEM_NUMBER = re.compile(rb'"\s*:\s*[3-6]0\b')
_PYTHON_NUMBERS: dict[str, Level] = {"10": "debug", "20": "info", "30": "warn", "40": "error", "50": "fatal"}
_NAME = "|".join(sorted(_NAMES, key=len, reverse=True))
_KEY = r"level|lvl|severity|levelname|log\.level|loglevel|@l"
_JSON = re.compile(
    rf'"(?:{_KEY})"\s*:\s*(?:"(?P<name>{_NAME})"|(?P<number>[1-6]0)\b)|"levelno"\s*:\s*(?P<levelno>[1-5]0)\b',
    re.IGNORECASE,
)
_LOGFMT = re.compile(rf'(?<![\w@])(?:{_KEY})="?(?P<name>{_NAME})\b', re.IGNORECASE)
_WORD = re.compile(
    rf"\b(?P<upper>{_NAME.upper()})\b"
    rf"|(?<![\w.-])[\[<]?(?P<marked>(?i:{_NAME}))[\]>:]"
    r"|[a-z](?P<suffix>Error|Exception)\b"
    r"|(?P<error>Traceback \(most recent call last\)|panicked at)"
)
_SEARCH_LIMIT = 200  # characters; a word further on belongs to the message


class LevelMatch(NamedTuple):
    """A level, and where the text names it."""

    level: Level
    begin: int
    end: int


def find_level(text: str) -> LevelMatch | None:
    """Return what names the level. Numbers are those of pino and bunyan, 10 to 60."""
    is_json = text.lstrip().startswith("{")
    match = _JSON.search(text) if is_json else _LOGFMT.search(text)
    match = match or _WORD.search(text, 0, _SEARCH_LIMIT)
    if match is None:
        return None
    kind = match.lastgroup or ""
    return LevelMatch(_level(kind, match[kind]), *match.span(kind))


def level_of(text: str) -> Level | None:
    found = find_level(text)
    return found.level if found else None


def may_name_problem(data: bytes) -> bool:
    """Return False only if no line of plain `data` has a notable level. Far quicker than to find the level of each."""
    if not is_plain(data):
        return True
    lowered = data.lower()
    return any(word in lowered for word in _PROBLEM_WORDS) or _PROBLEM_NUMBER.search(data) is not None


def is_error(text: str) -> bool:
    return level_of(text) in ERROR_LEVELS


def parse_level(text: str) -> Level:
    """Return the level of that name. Raises ValueError."""
    known = _NAMES.get(text.lower())
    if known is None:
        raise ValueError(f"expected one of {', '.join(LEVELS)}, got {text[:40]!r}")
    return known


def _level(kind: str, text: str) -> Level:
    if kind == "number":
        return LEVELS[int(text) // 10 - 1]
    if kind == "levelno":
        return _PYTHON_NUMBERS[text]
    return "error" if kind == "error" else _NAMES[text.lower()]
