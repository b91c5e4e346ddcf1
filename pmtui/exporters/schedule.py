"""Schedules in the notations of systemd and of Kubernetes."""

from collections.abc import Collection, Iterator

from pmtui.config.schedule import EPOCH, Cron, Every, parse_schedule

_WEEKDAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
_FULL = {"minute": range(60), "hour": range(24), "day": range(1, 32), "month": range(1, 13), "weekday": range(7)}
_ONLY_OURS = frozenset("L#")


def systemd_calendars(cron: Cron) -> list[str]:
    """Return expressions for OnCalendar= that together stand for the fields; none if systemd has no words for them."""
    from cronsim import CronSim

    sim = CronSim(cron.fields, EPOCH)
    time = f"{_numbers(sim.hours, 'hour', 2)}:{_numbers(sim.minutes, 'minute', 2)}:00"
    months = _numbers(sim.months, "month", 2)
    days, weekdays = [*_days(sim.days)], [*_weekdays(sim.weekdays)]
    if "" in days or "" in (day for _, day in weekdays):
        return []
    if not sim.day_and:  # one of both is enough
        pairs = [*(("", day) for day in days), *weekdays]
    elif days == ["-*"]:
        pairs = weekdays
    elif weekdays == [("", "-*")]:
        pairs = [("", day) for day in days]
    else:
        pairs = [(name, day) for name, every in weekdays if every == "-*" for day in days]
    return [f"{name} *-{months}{day} {time}".strip() for name, day in pairs]


def _numbers(values: Collection[int], kind: str, width: int) -> str:
    if set(values) >= set(_FULL[kind]):
        return "*"
    return ",".join(f"{value:0{width}}" for value in sorted(values))


def _days(values: Collection[int]) -> Iterator[str]:
    """Yield what follows the month, `-DAYS` or `~DAY` counted from the end; an empty text if there is no word."""
    from cronsim import CronSim

    if ordinary := {value for value in values if value > 0}:
        yield f"-{_numbers(ordinary, 'day', 2)}"
    if CronSim.LAST in values:
        yield "~01"
    if CronSim.LAST_WEEKDAY in values:
        yield ""


def _weekdays(values: Collection[int | tuple[int, int]]) -> Iterator[tuple[str, str]]:
    """Yield days of the week, each with the days of the month on which they count."""
    from cronsim import CronSim

    ordinary = {value % 7 for value in values if isinstance(value, int)}
    if ordinary >= set(_FULL["weekday"]):
        yield "", "-*"
    elif ordinary:
        yield ",".join(_WEEKDAYS[value] for value in sorted(ordinary)), "-*"
    for value in values:
        if isinstance(value, tuple):
            day, nth = value
            within = "~07/1" if nth == CronSim.LAST else f"-{7 * nth - 6:02}..{min(7 * nth, 31):02}"
            yield _WEEKDAYS[day % 7], within


def cron_fields(schedule: str) -> str:
    """Return five fields that every cron takes; empty if there are none."""
    parsed = parse_schedule(schedule)
    if isinstance(parsed, Every):
        return _period_fields(parsed.seconds)
    return "" if _ONLY_OURS & {*parsed.fields.split()[2], *parsed.fields.split()[4]} else parsed.fields


def _period_fields(seconds: float) -> str:
    """Write a period that divides the hour or the day."""
    minutes, rest = divmod(seconds, 60)
    if rest or not minutes:
        return ""
    if 60 % minutes == 0:
        return f"*/{minutes:g} * * * *" if minutes < 60 else "0 * * * *"
    hours, rest = divmod(minutes, 60)
    if rest or 24 % hours:
        return ""
    return f"0 */{hours:g} * * *" if hours < 24 else "0 0 * * *"
