"""Wall-clock times in whole milliseconds since 1970, and their formats."""

import calendar
import time
from functools import lru_cache

STAMP_BYTES = 25
"""Bytes of the time and the blank before each line of a log file."""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def rfc3339(ms: int) -> str:
    """Format as UTC with milliseconds: `2026-11-20T17:00:00.123Z`."""
    return f"{_format_second(ms // 1000)}.{ms % 1000:03}Z"


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
