"""Export the schedule of a job as a timer of systemd."""

from collections.abc import Iterator

from pmtui.config.model import ProcessConfig
from pmtui.config.schedule import Every, parse_schedule
from pmtui.exporters.result import Exported
from pmtui.exporters.schedule import systemd_calendars


def job_timer(config: ProcessConfig, what: str, target: str, out: Exported) -> list[str]:
    """Return the lines of the timer, none if systemd cannot express the schedule."""
    times = [*_times(config)]
    if not times:
        out.warn(config.id, f"schedule {config.schedule} cannot be written for systemd: the unit has no timer")
        return []
    if config.overlap != "skip":
        out.warn(config.id, f"overlap {config.overlap} is lost: what is due while it runs is skipped")
    is_calendar = times[0].startswith("OnCalendar")
    if config.catch_up and not is_calendar:
        out.warn(config.id, "catchUp is lost: systemd has it for times of day only")
    return [
        "[Unit]",
        f"Description=When {what} is due",
        f"PartOf={target}",
        "",
        "[Timer]",
        *times,
        "AccuracySec=1s",
        *([f"RandomizedDelaySec={config.jitter:g}"] if config.jitter else []),
        *(["Persistent=true"] if config.catch_up and is_calendar else []),
        *(["", "[Install]", f"WantedBy={target}"] if config.autostart else []),
    ]


def _times(config: ProcessConfig) -> Iterator[str]:
    schedule = parse_schedule(config.schedule or "")
    if isinstance(schedule, Every):
        yield f"OnActiveSec={schedule.seconds:g}"
        yield f"OnUnitActiveSec={schedule.seconds:g}"
        return
    zone = f" {config.timezone}" if config.timezone else ""
    yield from (f"OnCalendar={expression}{zone}" for expression in systemd_calendars(schedule))
