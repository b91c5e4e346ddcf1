"""Time zones as offsets from UTC: that of the machine, or one of the IANA database. Times are seconds since 1970."""

import time
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache

DAY = 86400
Offset = Callable[[float], int]
"""Returns the seconds by which local time is ahead of UTC at that moment."""


@lru_cache(maxsize=64)
def zone_offset(name: str | None) -> Offset:
    """Return the offsets of a zone; None means TZ, or else the zone of the machine. Raises ValueError if unknown."""
    if name is None:
        return lambda moment: time.localtime(moment).tm_gmtoff
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("expected a time zone of the IANA database such as Europe/Berlin") from None

    def offset(moment: float) -> int:
        delta = datetime.fromtimestamp(moment, zone).utcoffset()
        return round(delta.total_seconds()) if delta else 0

    return offset


def known_zones() -> set[str]:
    from zoneinfo import available_timezones

    return available_timezones()


def first_change(offset: Offset, since: float, until: float) -> int:
    """Return the second at which the offset changes; it differs between `since` and `until`."""
    before, low, high = offset(since), int(since), int(until)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if offset(middle) == before else (low, middle)
    return high


def moment_of(local: int, offset: Offset) -> int:
    """Return the moment at which clocks show this local time: the first of two, or the first moment after a gap."""
    candidates = sorted(local - known for known in {offset(local - DAY), offset(local + DAY)})
    for moment in candidates:
        if moment + offset(moment) == local:
            return moment
    return first_change(offset, candidates[0] - 1, candidates[-1] + 1)
