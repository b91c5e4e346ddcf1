"""Durations, sizes and signals as people write them."""

import math
import re
import signal

_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ns|us|µs|ms|s|m|h|d)")
_MAX_CHARS = 100
"""Of a duration: what is longer is none, and would take long to match."""
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([KMGTP]?)(?:I?B)?")
_MAX_BYTES = (1 << 63) - 1


def parse_duration(value: object) -> float:
    """Parse `500ms`, `1s`, `1m30s` or a number of seconds into seconds. Raises ValueError for anything else."""
    match value:
        case bool():
            seconds = math.nan
        case int() | float():
            seconds = _finite(value)
        case str():
            seconds = _sum(value)
        case _:
            seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise ValueError(f'expected a duration such as "500ms", "1m30s" or a number of seconds, got {_shown(value)}')
    return seconds


def format_duration(seconds: float) -> str:
    """Format whole seconds as Go prints a time.Duration: `0s`, `12s`, `1m0s`, `2h30m15s`."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def parse_size(value: object) -> int:
    """Parse `10MB`, `512M`, `1G` (powers of 1024) or a number of bytes. Raises ValueError for anything else."""
    match value:
        case bool():
            size = -1.0
        case int():
            size = value
        case float() if value.is_integer():
            size = int(value)
        case str() if found := _SIZE.fullmatch(value.strip().upper()):
            size = float(found[1]) * 1024 ** " KMGTP".index(found[2] or " ")
        case _:
            size = -1.0
    if not 0 <= size <= _MAX_BYTES:
        raise ValueError(f'expected a size such as "10MB", "1G" or a number of bytes, got {_shown(value)}')
    return int(size)


def signal_number(name: str) -> int:
    """Parse `SIGHUP`, `hup` or `1`. Raises ValueError for anything else."""
    if name.isdecimal() and len(name) < 4 and int(name) in {*signal.valid_signals()}:
        return int(name)
    word = name.upper()
    try:
        return signal.Signals[word if word.startswith("SIG") else f"SIG{word}"]
    except KeyError:
        raise ValueError(f"Unknown signal '{name}'.") from None


def _finite(number: int | float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf


def _sum(text: str) -> float:
    parts = _PART.findall(text) if len(text) <= _MAX_CHARS else []
    if not parts or "".join(number + unit for number, unit in parts) != text.strip():
        return math.nan
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def _shown(value: object) -> str:
    if isinstance(value, str | bool | float) or value is None:
        return ascii(value) if len(str(value)) <= 40 else "a long text"
    if isinstance(value, int):
        return str(value) if abs(value) < 1 << 64 else "a huge number"
    return f"a {type(value).__name__}"
