"""The table of docs/jobs.md that compares pmtui with systemd timers and cron: a test for each row, in its order."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from pmtui.control import Status
from tests.eventually import DEADLINE, is_alive
from tests.managed import row, running, until
from tests.monitors.jobs.shifted_clock import BERLIN, HOUR, ShiftedClock, at, due, due_again, job, ran, runs, scheduled
from tests.reference import ROOT

ENDLESS = "echo begun; sleep 600"


def rows() -> list[str]:
    text = (ROOT / "docs/jobs.md").read_text().partition("| what happens |")[2]
    return [line.split("|")[1].strip() for line in text.splitlines()[2:] if line.startswith("|")]


def test_every_row_has_a_test() -> None:
    tests = Path(__file__).read_text()
    missing = [text for text in rows() if f'"""{text[0].upper()}{text[1:]}' not in tests]
    assert len(rows()) > 10
    assert missing == []


async def test_skipped_hour() -> None:
    """Due in the hour that a clock change skips: once, right after the change."""
    clock = ShiftedClock("2026-03-29 01:30")
    async with scheduled(clock, job("30 2 * * *")) as manager:
        assert due(manager) == at("2026-03-29 03:00")
        await clock.reach("2026-03-29 03:00")
        await ran(manager, 1)
        assert due(manager) == at("2026-03-30 02:30")


async def test_skipped_hour_with_several_times() -> None:
    """Due every 20 minutes of that hour: once, right after the change."""
    clock = ShiftedClock("2026-03-29 01:30")
    async with scheduled(clock, job("*/20 2 * * *")) as manager:
        await clock.reach("2026-03-29 03:00")
        await ran(manager, 1)
        assert due(manager) == at("2026-03-30 02:00")


async def test_repeated_hour() -> None:
    """Due in the hour that comes twice: the first time."""
    clock = ShiftedClock("2026-10-25 02:10")
    async with scheduled(clock, job("30 2 * * *"), job("30 * * * *", process_id="witness")) as manager:
        await clock.reach("2026-10-25 02:30")
        await ran(manager, 1)
        await ran(manager, 1, "witness")
        await clock.reach("2026-10-25 02:30", fold=1)
        await ran(manager, 2, "witness")
        assert (len(runs(manager)), due(manager)) == (1, at("2026-10-26 02:30"))


async def test_each_elapsed_hour() -> None:
    """Due each hour, in the hour that comes twice: both times."""
    clock = ShiftedClock("2026-10-25 02:10")
    async with scheduled(clock, job("30 * * * *")) as manager:
        await clock.reach("2026-10-25 02:30")
        await ran(manager, 1)
        assert due(manager) == at("2026-10-25 02:30", fold=1)
        await clock.reach("2026-10-25 02:30", fold=1)
        await ran(manager, 2)
        assert due(manager) == at("2026-10-25 03:30")


async def test_machine_off(tmp_path: Path) -> None:
    """Due while the machine was off: not run; once with `catchUp = true`."""
    clock = ShiftedClock("2026-11-20 02:00")
    jobs = job(), job(process_id="caught", catch_up=True)
    async with scheduled(clock, *jobs, directory=tmp_path):
        pass
    clock.set("2026-11-20 09:00")
    async with scheduled(clock, *jobs, directory=tmp_path) as manager:
        (run,) = await ran(manager, 1, "caught")
        assert run.trigger == "catchUp"
        assert [manager.supervisor.processes[name].job.missed for name in ("a", "caught")] == [1, 1]
        assert (runs(manager), due(manager), due(manager, "caught")) == ([], *[at("2026-11-21 02:30")] * 2)
    async with scheduled(clock, *jobs, directory=tmp_path) as manager:
        assert [manager.supervisor.processes[name].job.missed for name in ("a", "caught")] == [0, 0]


async def test_machine_slept() -> None:
    """Due while the machine slept: not run; once with `catchUp = true`."""
    clock = ShiftedClock("2026-11-20 02:00")
    async with scheduled(clock, job(), job(process_id="caught", catch_up=True)) as manager:
        clock.sleep(8 * HOUR)
        (run,) = await ran(manager, 1, "caught")
        assert run.trigger == "catchUp"
        await due_again(manager, at("2026-11-21 02:30"))
        assert (runs(manager), manager.supervisor.processes["a"].job.missed) == ([], 1)


async def test_missed_several_times() -> None:
    """Missed several times: once with `catchUp = true`."""
    clock = ShiftedClock("2026-11-20 02:00")
    async with scheduled(clock, job("*/5 * * * *", catch_up=True)) as manager:
        clock.sleep(8 * HOUR + 61)
        await ran(manager, 1)
        await due_again(manager, at("2026-11-20 10:05"))
        assert [run.trigger for run in runs(manager)] == ["catchUp"]


async def test_clock_set_forward() -> None:
    """The clock is set forward, past a time: once, if by at most 3 hours."""
    clock = ShiftedClock("2026-11-20 02:00")
    many, far = job("*/20 * * * *", process_id="many"), job("30 6 * * *", process_id="far")
    async with scheduled(clock, job(), many, far) as manager:
        clock.set("2026-11-20 04:00:10")
        await ran(manager, 1)
        await ran(manager, 1, "many")
        await due_again(manager, at("2026-11-20 04:20"), "many")
        assert [run.trigger for run in runs(manager) + runs(manager, "many")] == ["schedule", "schedule"]
        clock.set("2026-11-20 09:00:10")
        await due_again(manager, at("2026-11-21 06:30"), "far")
        assert (runs(manager, "far"), len(runs(manager, "many"))) == ([], 1)


async def test_clock_set_back() -> None:
    """The clock is set back, past a time that was run: not run again, if by at most 3 hours."""
    clock = ShiftedClock("2026-11-20 02:10")
    async with scheduled(clock, job(), job("0 * * * *", process_id="witness")) as manager:
        await clock.reach("2026-11-20 02:30")
        await ran(manager, 1)
        clock.set("2026-11-20 01:30")
        await due_again(manager, at("2026-11-20 02:00"), "witness")
        assert due(manager) == at("2026-11-21 02:30")
        clock.set("2026-11-19 12:30")
        await due_again(manager, at("2026-11-20 02:30"))
        assert len(runs(manager)) == 1


@pytest.mark.parametrize("overlap", ["skip", "queue", "replace"])
async def test_overlap(overlap: str) -> None:
    """Due while it still runs: `overlap`: skipped, queued, or the first is replaced."""
    clock = ShiftedClock("2026-11-20 02:10")
    async with scheduled(clock, job(line=ENDLESS, overlap=overlap)) as manager:
        await clock.reach("2026-11-20 02:30")
        first = await running(manager)
        for day in (21, 22):
            await clock.reach(f"2026-11-{day} 02:30")
            await due_again(manager, at(f"2026-11-{day + 1} 02:30"))
        if overlap == "replace":
            await until(manager, lambda row: row.pid not in (0, first.pid))
            assert {run.reason for run in runs(manager)} == {"replaced"}
            return
        assert (await row(manager)).pid == first.pid
        manager.supervisor.processes["a"].signal(15)
        await ran(manager, 1)
        if overlap == "queue":
            second = await until(manager, lambda row: row.pid not in (0, first.pid))
            assert not is_alive(first.pid)
            manager.supervisor.processes["a"].signal(15)
            await ran(manager, 2)
            assert not is_alive(second.pid)
        assert (await until(manager, lambda row: row.status is Status.SCHEDULED)).pid == 0


async def test_new_job(tmp_path: Path) -> None:
    """A job that is new: has missed nothing."""
    clock = ShiftedClock("2026-11-20 02:00")
    async with scheduled(clock, job(catch_up=True), directory=tmp_path):
        pass
    clock.set("2026-11-20 09:00")
    jobs = job("30 3 * * *", catch_up=True), job(process_id="new", catch_up=True)
    async with scheduled(clock, *jobs, directory=tmp_path) as manager:
        assert [manager.supervisor.processes[name].job.missed for name in ("a", "new")] == [0, 0]
        assert (due(manager), due(manager, "new")) == (at("2026-11-21 03:30"), at("2026-11-21 02:30"))


async def test_failure() -> None:
    """A run that fails: `restart = "on-failure"`, then `lastError` and `jobFailed`."""
    clock = ShiftedClock("2026-11-20 02:10")
    retried = job(line="echo no disk >&2; exit 3", restart="on-failure", max_retries=2, backoff=0.1)
    async with scheduled(clock, retried) as manager:
        await clock.reach("2026-11-20 02:30")
        found = await ran(manager, 3)
        snapshot = await until(manager, lambda row: row.status is Status.SCHEDULED)
        assert [(run.run, run.trigger, run.exit_code) for run in found] == [
            (1, "schedule", 3),
            (2, "retry", 3),
            (3, "retry", 3),
        ]
        assert snapshot.last_error.startswith("no disk (exit 3 after")
        assert (snapshot.last_run, snapshot.next_start) == (found[-1], "2026-11-21T01:30:00.000Z")
        assert manager.supervisor.processes["a"].job.failures == 1


async def test_deadline() -> None:
    """A run that takes too long: `deadline`."""
    clock = ShiftedClock("2026-11-20 02:10")
    async with scheduled(clock, job(line=ENDLESS, deadline=0.3)) as manager:
        await clock.reach("2026-11-20 02:30")
        (run,) = await ran(manager, 1)
        assert (run.reason, run.signal, run.exit_code) == ("deadline", "SIGTERM", None)
        snapshot = await until(manager, lambda row: row.status is Status.SCHEDULED)
        assert snapshot.last_error == "took longer than its deadline of 0.3s"


async def test_every() -> None:
    """An interval that is not tied to the hour: `every`, monotonic."""
    clock, begun = ShiftedClock("2026-11-20 02:00"), time.monotonic()
    async with scheduled(clock, job("every 500ms", timezone=None)) as manager:
        await ran(manager, 2)
        clock.sleep(8 * HOUR)
        await ran(manager, 3)
        clock.shift(-HOUR)
        await ran(manager, 5)
        assert len(runs(manager)) <= (time.monotonic() - begun) / 0.5, "more often than each 500 ms"
        assert {run.trigger for run in runs(manager)} == {"schedule"}


async def test_jitter() -> None:
    """A random delay: `jitter`."""
    clock = ShiftedClock("2026-11-20 02:00")
    jobs = [job(process_id=f"a{number}", jitter=600.0) for number in range(20)]
    async with scheduled(clock, *jobs) as manager:
        times = {due(manager, one.id) for one in jobs}
        assert len(times) > 10
        assert all(at("2026-11-20 02:30") <= moment <= at("2026-11-20 02:40") for moment in times)
        late = {one.id: due(manager, one.id) for one in jobs if due(manager, one.id) > at("2026-11-20 02:35")}
        clock.set("2026-11-20 02:30:10")
        await clock.noticed()
        assert {name: due(manager, name) for name in late} == late, "the jump has ended the wait for the delay"
        clock.set("2026-11-20 02:41")
        for one in jobs:
            await ran(manager, 1, one.id)
        assert all(due(manager, one.id) >= at("2026-11-21 02:30") for one in jobs)


async def test_both_days() -> None:
    """Day of the month and day of the week: one is enough."""
    clock = ShiftedClock("2026-11-20 02:10")  # a Friday
    async with scheduled(clock, job("30 2 13 * FRI")) as manager:
        await clock.reach("2026-11-20 02:30")
        await ran(manager, 1)
        assert due(manager) == at("2026-11-27 02:30")
        clock.set("2026-12-12 12:00")
        await due_again(manager, at("2026-12-13 02:30"))  # a Sunday


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
@pytest.mark.parametrize(
    ("calendar", "base", "first"),
    [
        ("*-*-* 02:30:00", "2026-03-28 23:45:00", "2026-03-30 02:30:00 CEST"),
        ("*-*-* 02:00/20:00", "2026-03-28 23:45:00", "2026-03-30 02:00:00 CEST"),
        ("*-*-* 02:30:00", "2026-10-25 02:45:00 CEST", "2026-10-26 02:30:00 CET"),
        ("*-*-* *:30:00", "2026-10-25 02:45:00 CEST", "2026-10-25 03:30:00 CET"),
        ("Fri *-*-13 02:30:00", "2026-11-20 00:00:00", "2027-08-13 02:30:00 CEST"),
    ],
)
def test_the_column_of_systemd_is_what_systemd_says(calendar: str, base: str, first: str) -> None:
    command = ["systemd-analyze", "calendar", f"--base-time={base}", calendar]
    env = os.environ | {"TZ": BERLIN, "LC_ALL": "C"}
    answer = subprocess.run(command, env=env, capture_output=True, text=True, timeout=DEADLINE, check=False)
    if answer.returncode:
        pytest.skip(f"this systemd cannot say it: {answer.stderr}")
    assert first in answer.stdout
