"""Schedules: what is accepted, what is refused and where, and when a job is due over clock changes."""

import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim

from pmtui.config.load import load_config
from pmtui.config.schedule import Cron, Every, ScheduleError, next_due, parse_schedule
from pmtui.config.zones import zone_offset

BERLIN = "Europe/Berlin"


def due(fields: str, after: str, count: int = 1, zone: str = BERLIN) -> list[str]:
    """Return the next times after a local one, as local times with their offsets."""
    where, cron = ZoneInfo(zone), parse_schedule(fields)
    assert isinstance(cron, Cron)
    moment, found = datetime.fromisoformat(after).replace(tzinfo=where).timestamp(), list[str]()
    for _ in range(count):
        moment = next_due(cron, moment, zone_offset(zone))
        found.append(f"{datetime.fromtimestamp(moment, where):%d %H:%M%z}")
    return found


@pytest.mark.parametrize(
    ("text", "schedule"),
    [
        ("30 2 * * *", Cron("30 2 * * *")),
        ("  */5  9-17 1,15 JAN-MAR mon-fri ", Cron("*/5 9-17 1,15 JAN-MAR mon-fri")),
        ("@hourly", Cron("0 * * * *")),
        ("@midnight", Cron("0 0 * * *")),
        ("@weekly", Cron("0 0 * * 0")),
        ("every 10m", Every(600)),
        ("every 1h 30m", Every(5400)),
        ("every 100ms", Every(0.1)),
        ("0 0 29 2 *", Cron("0 0 29 2 *")),
    ],
)
def test_what_a_schedule_may_be(text: str, schedule: object) -> None:
    assert parse_schedule(text) == schedule


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("0 25 * * *", "'25' is no valid hour: expected 0-23, *, or lists, ranges and steps of them"),
        ("*/0 * * * *", "'*/0' is no valid minute: expected 0-59, *, or lists, ranges and steps of them"),
        ("0 0 * * FOO", "'FOO' is no valid day-of-week: expected 0-7 or SUN-SAT"),
        ("0 0 30 2 *", "never comes: month 2 has no day 30"),
        ("0 0 31 4,6 *", "never comes: month 4,6 has no day 31"),
        ("* * * * * *", "expected five cron fields"),
        ("", "expected five cron fields"),
        ("@dayly", "expected one of @yearly"),
        ("@reboot", "@reboot is not a time; leave out schedule"),
        ("every", 'expected a duration after "every"'),
        ("every 5", 'expected a duration after "every"'),
        ("every 10ms", "expected at least every 100ms"),
        ("every 99999d", "expected at most every 3660d"),
        (f"{'9' * 5000} * * * *", "expected five cron fields"),
        ("\0 * * * *", "'\\x00' is no valid minute"),
    ],
)
def test_what_is_no_schedule(text: str, problem: str) -> None:
    with pytest.raises(ScheduleError) as raised:
        parse_schedule(text)
    assert str(raised.value).startswith(problem)


def test_errors_have_line_and_column(tmp_path: Path) -> None:
    config = tmp_path / "pmtui.toml"
    config.write_text(
        '[process.a]\ncommand = "true"\nschedule = "0 0 30 2 *"\ntimezone = "Europe/Berlim"\noverlap = "skipp"\n'
    )
    located = [problem.located for problem in load_config(config).problems]
    assert located == [
        "pmtui.toml:3:1: process.a.schedule: never comes: month 2 has no day 30",
        "pmtui.toml:4:1: process.a.timezone: expected a time zone of the IANA database such as Europe/Berlin, "
        "did you mean Europe/Berlin?",
        "pmtui.toml:5:1: process.a.overlap: expected one of skip, queue, replace, got 'skipp', did you mean skip?",
    ]


def test_fields_without_effect_are_warned_of(tmp_path: Path) -> None:
    config = tmp_path / "pmtui.toml"
    config.write_text(
        '[process.a]\ncommand = "true"\ncatchUp = true\ndeadline = "1m"\n'
        '[process.b]\ncommand = "true"\nschedule = "every 1m"\ntimezone = "UTC"\nrestart = "always"\n'
    )
    loaded = load_config(config)
    assert sorted(str(problem) for problem in loaded.problems) == [
        "process.a.catchUp: has no effect without schedule",
        "process.a.deadline: has no effect without schedule",
        "process.b.restart: acts as never: a job is started when it is due, and retried by on-failure",
        "process.b.timezone: has no effect: every goes by elapsed time",
    ]
    assert [process.restart for process in loaded.processes] == ["always", "always"]


@pytest.mark.parametrize("zone", ["", "Europe", "../../etc/passwd", "\\u0000", "x" * 5000, 7, "europe/berlin"])
def test_what_is_no_time_zone(tmp_path: Path, zone: object) -> None:
    config = tmp_path / "pb_processes.json"
    config.write_text(json.dumps([{"id": "a", "command": "true", "schedule": "@daily", "timezone": zone}]))
    (problem,) = load_config(config).problems
    assert str(problem).startswith("processes[0].timezone: expected a time zone of the IANA database")


def test_a_delay_is_bounded(tmp_path: Path) -> None:
    config = tmp_path / "pmtui.toml"
    config.write_text('[process.a]\ncommand = "true"\nschedule = "@daily"\njitter = "99999d"\n')
    assert [str(problem) for problem in load_config(config).problems] == ["process.a.jitter: expected at most 366d"]


def test_a_job_is_not_restarted_unless_it_says_so(tmp_path: Path) -> None:
    config = tmp_path / "pmtui.toml"
    config.write_text(
        '[process.a]\ncommand = "true"\nschedule = "@daily"\n'
        '[process.b]\ncommand = "true"\ndependsOn = { a = "succeeded" }\n'
    )
    assert [process.restart for process in load_config(config).processes] == ["never", "always"]


def test_a_skipped_time_is_the_first_moment_after_the_change() -> None:
    assert due("30 2 * * *", "2026-03-28 12:00", 2) == ["29 03:00+0200", "30 02:30+0200"]
    assert due("*/20 2 * * *", "2026-03-28 12:00", 2) == ["29 03:00+0200", "30 02:00+0200"]
    assert due("30 2,3 * * *", "2026-03-28 12:00", 3) == ["29 03:00+0200", "29 03:30+0200", "30 02:30+0200"]


def test_a_repeated_time_is_the_first_of_both() -> None:
    assert due("30 2 * * *", "2026-10-24 12:00", 2) == ["25 02:30+0200", "26 02:30+0100"]
    assert due("*/30 2 * * *", "2026-10-24 12:00", 3) == ["25 02:00+0200", "25 02:30+0200", "26 02:00+0100"]


@pytest.mark.parametrize("hours", ["*", "*/1", "0-23/1"])
def test_each_hour_goes_by_elapsed_time(hours: str) -> None:
    assert due(f"30 {hours} * * *", "2026-03-29 01:00", 2) == ["29 01:30+0100", "29 03:30+0200"]
    assert due(f"30 {hours} * * *", "2026-10-25 01:40", 3) == ["25 02:30+0200", "25 02:30+0100", "25 03:30+0100"]


def test_half_an_hour_may_be_skipped_too() -> None:
    assert due("15 2 * * *", "2026-10-03 12:00", 2, "Australia/Lord_Howe") == ["04 02:30+1100", "05 02:15+1100"]
    assert due("45 1 * * *", "2026-04-04 12:00", 2, "Australia/Lord_Howe") == ["05 01:45+1100", "06 01:45+1030"]


@pytest.mark.parametrize("fields", ["17 * * * *", "*/7 */3 * * *", "5 0 1 * *", "0 12 * * MON#2", "0 6 L * *"])
@pytest.mark.parametrize("zone", ["UTC", BERLIN, "America/New_York", "Asia/Kathmandu"])
def test_a_year_of_times_is_that_of_cronsim(fields: str, zone: str) -> None:
    begin = datetime(2026, 1, 1, tzinfo=ZoneInfo(zone))
    cron, moment = Cron(fields), begin.timestamp()
    for count, expected in enumerate(CronSim(fields, begin)):
        moment = next_due(cron, moment, zone_offset(zone))
        assert moment == expected.timestamp()
        if count > 500 or expected.astimezone(UTC).year > 2026:
            break


def test_the_zone_of_the_machine_is_that_of_its_clock() -> None:
    now = datetime.now().astimezone()
    assert zone_offset(None)(now.timestamp()) == now.utcoffset().total_seconds()  # type: ignore[union-attr]
