"""Wall-clock times of log lines: whole milliseconds since 1970, and how they are written."""

import time
from functools import lru_cache


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def rfc3339(ms: int) -> str:
    """UTC with milliseconds: `2026-11-20T17:00:00.123Z`."""
    return f"{_second(ms // 1000)}.{ms % 1000:03}Z"


def stamp(ms: int) -> bytes:
    """What stands before a line in a log file: the time and a blank."""
    return b"%s.%03dZ " % (_second(ms // 1000).encode(), ms % 1000)


@lru_cache(maxsize=1024)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
