"""When a job is due: five cron fields, a name such as `@daily`, or `every 10m`."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from pmtui.config.zones import Offset, first_change, moment_of
from pmtui.text.units import parse_duration

MAX_LENGTH = 200
MAX_PERIOD = 3660 * 86400.0
MIN_PERIOD = 0.1
"""Seconds between two starts, at least: no setting leads to more than ten a second."""
NAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
FIELDS = {
    "minute": "0-59",
    "hour": "0-23",
    "day-of-month": "1-31",
    "month": "1-12 or JAN-DEC",
    "day-of-week": "0-7 or SUN-SAT",
}
EXPECTED = 'expected five cron fields such as "30 2 * * *", a name such as @daily, or "every 10m"'
EPOCH = datetime(1970, 1, 1)


class ScheduleError(ValueError):
    """The text is no schedule, or one whose dates never come."""


class Every(msgspec.Struct, frozen=True):
    """Due every `seconds` seconds of the monotonic clock."""

    seconds: float


class Cron(msgspec.Struct, frozen=True):
    """Due whenever the local time matches five fields."""

    fields: str

    @property
    def is_by_elapsed_time(self) -> bool:
        """Whether the hour field has `*` or a step, so that a clock change neither repeats nor delays it."""
        hour = self.fields.split()[1]
        return "*" in hour or "/" in hour


Schedule = Every | Cron


def parse_schedule(text: str) -> Schedule:
    """Raises ScheduleError."""
    if len(text) > MAX_LENGTH:
        raise ScheduleError(f"{EXPECTED}, got a long text")
    words = text.split()
    if words[:1] == ["every"]:
        return _every("".join(words[1:]))
    if text.strip() == "@reboot":
        raise ScheduleError("@reboot is not a time; leave out schedule to run the process when the manager starts")
    if text.strip().startswith("@"):
        try:
            return Cron(NAMES[text.strip()])
        except KeyError:
            raise ScheduleError(f"expected one of {', '.join(NAMES)}, got {text.strip()[:40]!a}") from None
    if len(words) != len(FIELDS):
        raise ScheduleError(f"{EXPECTED}, got {text[:40]!a}")
    return _cron(words)


def next_due(cron: Cron, after: float, offset: Offset) -> float:
    """Return the first moment after `after` at which the job is due, both in seconds since 1970."""
    return (_next_by_elapsed_time if cron.is_by_elapsed_time else _next_by_wall_clock)(cron, after, offset)


def _every(text: str) -> Every:
    try:
        seconds = parse_duration(text)
    except ValueError:
        raise ScheduleError(f'expected a duration after "every", such as "every 10m", got {text[:40]!a}') from None
    if seconds < MIN_PERIOD:
        raise ScheduleError(f"expected at least every {MIN_PERIOD * 1000:g}ms")
    if seconds > MAX_PERIOD:
        raise ScheduleError(f"expected at most every {MAX_PERIOD / 86400:g}d")
    return Every(seconds)


def _cron(words: list[str]) -> Cron:
    from cronsim import CronSimError

    cron = Cron(" ".join(words))
    try:
        next(_matches(cron, 0))
    except CronSimError:
        raise ScheduleError(_what_is_wrong(words)) from None
    except StopIteration:
        raise ScheduleError(f"{cron.fields} never comes") from None
    return cron


def _what_is_wrong(words: list[str]) -> str:
    """Name the field that is invalid on its own; if none is, no month has the day."""
    from cronsim import CronSim, CronSimError

    for index, (name, wanted) in enumerate(FIELDS.items()):
        alone = ["*"] * len(words)
        alone[index] = words[index]
        try:
            CronSim(" ".join(alone), EPOCH)
        except CronSimError:
            return f"{words[index][:40]!a} is no valid {name}: expected {wanted}, *, or lists, ranges and steps of them"
    return f"never comes: month {words[3]} has no day {words[2]}"


def _matches(cron: Cron, local: float) -> Iterator[int]:
    """Yield the local times after this one that match, as seconds since 1970."""
    from cronsim import CronSim

    for moment in CronSim(cron.fields, EPOCH + timedelta(seconds=int(local))):
        yield round((moment - EPOCH).total_seconds())


def _next_by_wall_clock(cron: Cron, after: float, offset: Offset) -> float:
    """Run once what a clock change skips or repeats."""
    due = (moment_of(local, offset) for local in _matches(cron, after + offset(after)))
    return next(moment for moment in due if moment > after)


def _next_by_elapsed_time(cron: Cron, after: float, offset: Offset) -> float:
    """Match what clocks show, also if they show it twice."""
    since, ahead = after, offset(after)
    local = after + ahead
    while True:
        due = next(_matches(cron, local)) - ahead
        if offset(due) == ahead:
            return due
        since = first_change(offset, since, due)
        ahead = offset(since)
        local = since + ahead - 1
