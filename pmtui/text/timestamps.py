"""Wall-clock times in whole milliseconds since 1970, and their formats."""

import calendar
import re
import time
from datetime import UTC, datetime
from functools import lru_cache

from pmtui.text.units import parse_duration

_IN_WORDS = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)(?: ago)?")
STAMP_BYTES = 25
"""Bytes of the time and the blank before each line of a log file."""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def rfc3339(ms: int) -> str:
    """Format as UTC with milliseconds: `2026-11-20T17:00:00.123Z`."""
    return f"{_format_second(ms // 1000)}.{ms % 1000:03}Z"


def epoch_ms(time: str) -> int:
    """The milliseconds of what `rfc3339` wrote."""
    return round(datetime.fromisoformat(time).timestamp() * 1000)


def parse_time(text: str, now: int | None = None) -> int:
    """Milliseconds since 1970 of an RFC 3339 time, or of a duration before now. Raises ValueError.

    A duration is written as in a config, or in words: `5min`, `2 hours ago`.
    """
    try:
        return (now_ms() if now is None else now) - round(parse_duration(_in_units(text)) * 1000)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        message = f'expected a time such as "2026-11-20T17:00:00Z" or a duration such as "5m", got {text[:40]!r}'
        raise ValueError(message) from None
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _in_units(text: str) -> str:
    found = _IN_WORDS.fullmatch(text.strip().lower())
    return f"{found[1]}{found[2][0]}" if found else text


def stamp(ms: int) -> bytes:
    return b"%s.%03dZ " % (_format_second(ms // 1000).encode(), ms % 1000)


def parse_stamp(line: bytes) -> int:
    """Return the time that begins a line of a log file, or 0."""
    if line[23:STAMP_BYTES] != b"Z " or not line[20:23].isdigit():
        return 0
    seconds = _parse_second(line[:20])
    return seconds * 1000 + int(line[20:23]) if seconds else 0


@lru_cache(maxsize=1024)
def _parse_second(text: bytes) -> int:
    try:
        return calendar.timegm(time.strptime(text.decode("ascii"), "%Y-%m-%dT%H:%M:%S."))
    except ValueError:
        return 0


@lru_cache(maxsize=1024)
def _format_second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
