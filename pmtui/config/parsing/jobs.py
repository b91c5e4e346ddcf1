"""Validate the fields of jobs, which run by a schedule."""

from typing import Any

from pmtui.config.parsing.problems import Problems

MAX_JITTER = 366 * 86400.0
JOB_FIELDS = {
    "timezone": "timezone",
    "overlap": "overlap",
    "deadline": "deadline",
    "jitter": "jitter",
    "catch_up": "catchUp",
}


def read_schedule(raw: object, path: str, problems: Problems) -> object:
    if raw is None:
        return None
    from pmtui.config.schedule import EXPECTED, ScheduleError, parse_schedule

    if not isinstance(raw, str):
        problems.error(path, EXPECTED)
        return raw
    try:
        parse_schedule(raw)
    except ScheduleError as error:
        problems.error(path, str(error))
    return raw


def read_timezone(raw: object, path: str, problems: Problems) -> object:
    if raw is None:
        return None
    from pmtui.config.zones import known_zones, zone_offset

    try:
        zone_offset(raw if isinstance(raw, str) else "")
    except ValueError as error:
        zones = known_zones()
        advice = problems.suggest(str(raw), zones) if zones else "; this machine has none, install tzdata"
        problems.error(path, f"{error}{advice}")
    return raw


def check_job(fields: dict[str, Any], place: str, problems: Problems) -> None:
    """Report a delay that is too long, and fields that have no effect together."""
    if fields.get("jitter", 0.0) > MAX_JITTER:
        problems.error(f"{place}.jitter", f"expected at most {MAX_JITTER / 86400:g}d")
    if fields.get("schedule") is None:
        for name, written in JOB_FIELDS.items():
            if name in fields:
                problems.warn(f"{place}.{written}", "has no effect without schedule")
        return
    if fields.get("restart") == "always":
        problems.warn(f"{place}.restart", "acts as never: a job is started when it is due, and retried by on-failure")
    if fields["schedule"].split()[:1] == ["every"] and fields.get("timezone"):
        problems.warn(f"{place}.timezone", "has no effect: every goes by elapsed time")
