"""Jobs in a manager: requests, reloads, what is kept, and what follows a run."""

import json
import shutil
import time
from datetime import datetime
from pathlib import Path

import pytest

from pmtui.config.model import Settings
from pmtui.control import Reason, Requester, Status
from pmtui.monitors import hooks
from pmtui.runtime.exit_policy import is_idle
from pmtui.supervisor import events
from tests.eventually import DEADLINE, complete_lines, eventually, eventually_async
from tests.faults.test_clock import Clock
from tests.managed import row, running, sh, texts, until
from tests.monitors.jobs.shifted_clock import HOUR, ShiftedClock, at, due, job, ran, runs, scheduled
from tests.running import running as manager_process

EVENING, NIGHT = "2026-11-20 02:10", "2026-11-20 02:30"
NOON = "2026-11-20 12:00"
ENDLESS = "echo begun; sleep 600"


async def test_a_job_waits_for_its_time() -> None:
    async with scheduled(ShiftedClock(NOON), job()) as manager:
        snapshot = await row(manager)
        assert (snapshot.status, snapshot.pid, snapshot.next_start) == ("scheduled", 0, "2026-11-21T01:30:00.000Z")
        assert (snapshot.schedule, snapshot.last_run, snapshot.restart_count) == ("30 2 * * *", None, 0)
        assert not is_idle(manager.supervisor)


async def test_a_start_runs_it_now_and_a_stop_takes_it_off_its_schedule() -> None:
    async with scheduled(ShiftedClock(NOON), job(line=ENDLESS)) as manager:
        await manager.start("a")
        await running(manager)
        (result,) = await manager.bulk("stop", ["a"])
        assert result.ok
        (run,) = await ran(manager, 1)
        assert (run.trigger, run.reason, run.signal) == ("user", "user", "SIGTERM")
        await eventually_async(lambda: not due(manager))
        assert (await row(manager)).status is Status.STOPPED
        assert is_idle(manager.supervisor)
        await manager.start("a")
        await running(manager)
        await eventually_async(lambda: due(manager) == at("2026-11-21 02:30"))


async def test_without_autostart_it_is_stopped_until_it_is_started() -> None:
    clock = ShiftedClock(EVENING)
    async with scheduled(clock, job(autostart=False), job(process_id="witness")) as manager:
        await clock.reach(NIGHT)
        await ran(manager, 1, "witness")
        assert ((await row(manager)).status, due(manager), runs(manager)) == (Status.STOPPED, 0, [])
        await manager.start("a")
        await ran(manager, 1)
        await until(manager, lambda now: now.status is Status.SCHEDULED and now.next_start)


async def test_a_restart_runs_it_now() -> None:
    async with scheduled(ShiftedClock(NOON), job()) as manager:
        await manager.restart("a")
        assert (await ran(manager, 1))[0].trigger == "user"
        assert (await until(manager, lambda now: now.status is Status.SCHEDULED)).next_start


async def test_a_changed_file_does_not_start_it() -> None:
    clock = ShiftedClock(EVENING)
    async with scheduled(clock, job()) as manager:
        manager.supervisor.processes["a"].handle(events.Restart(Reason.WATCH, "backup.py changed"))
        assert (await row(manager)).status is Status.SCHEDULED
        await clock.reach(NIGHT)
        assert [run.trigger for run in await ran(manager, 1)] == ["schedule"]


async def test_a_missing_program_is_no_end_of_the_job() -> None:
    clock = ShiftedClock(EVENING)
    config = job(line="/nowhere/backup", shell=False, restart="on-failure")
    async with scheduled(clock, config) as manager:
        await clock.reach(NIGHT)
        (run,) = await ran(manager, 1)
        snapshot = await until(manager, lambda now: now.status is Status.SCHEDULED)
        assert snapshot.last_error.startswith("command /nowhere/backup does not exist")
        assert (run.exit_code, run.signal, run.duration, run.reason) == (None, None, 0.0, snapshot.last_error)
        await clock.reach("2026-11-21 02:30")
        await ran(manager, 2)


async def test_dependents_start_after_the_first_good_run_and_are_left_alone_then(tmp_path: Path) -> None:
    clock = ShiftedClock(EVENING)
    maybe = job(line=f"test -e {tmp_path}/good")
    after = sh("after", "sleep 600", depends_on={"a": "succeeded"}, restart_after=["a"])
    async with scheduled(clock, maybe, after) as manager:
        await clock.reach(NIGHT)
        await ran(manager, 1)
        waiting = await until(manager, lambda now: now.reason == "waits for a (succeeded): it is scheduled", "after")
        assert waiting.status is Status.WAITING
        (tmp_path / "good").touch()
        await manager.start("a")
        pid = (await running(manager, "after")).pid
        for count in (3, 4):
            await clock.reach(f"2026-11-{20 + count} 02:30")
            await ran(manager, count)
        assert ((await row(manager, "after")).pid, (await row(manager, "after")).restart_count) == (pid, 0)


async def test_a_dependent_does_not_start_it() -> None:
    async with scheduled(ShiftedClock(NOON), job()) as manager:
        manager.register(sh("web", "sleep 600", depends_on={"a": "started"}))
        await until(manager, lambda now: now.status is Status.WAITING, "web")
        process = manager.supervisor.processes["a"]
        assert (process.status, process.state.requester) == (Status.SCHEDULED, Requester.CONFIG)


async def test_a_reload_leaves_a_run_alone_and_counts_from_then(tmp_path: Path) -> None:
    config = tmp_path / "pb_processes.json"

    def write(schedule: object, line: str) -> None:
        entry = {"id": "a", "command": line, "shell": True, "schedule": schedule}
        config.write_text(json.dumps([{key: value for key, value in entry.items() if value}]))

    write("0 0 1 1 *", ENDLESS)
    with manager_process(tmp_path, config.read_text()) as manager:
        manager.wait_until_served()
        assert manager.post("/api/pm/a/start")[0] == 200
        pid = manager.wait_running(["a"])["a"]
        write("0 0 2 1 *", "sleep 601")
        assert manager.post("/api/pm/reload")[1]["changed"] == ["a"]
        assert manager.row("a")["pid"] == pid
        assert manager.post("/api/pm/a/signal/TERM")[0] == 200
        ended = eventually(lambda: found if (found := manager.row("a"))["status"] == "scheduled" else None)
        assert ended
        assert ended["nextStart"][5:10] in ("01-01", "01-02")
        write(None, ENDLESS)
        assert manager.post("/api/pm/reload")[1]["changed"] == ["a"]
        manager.wait_running(["a"])
        write("every 1h", ENDLESS)
        manager.post("/api/pm/reload")
        assert eventually(lambda: manager.row("a")["status"] == "scheduled")


async def test_runs_are_kept_and_their_logs_are_found(tmp_path: Path) -> None:
    clock = ShiftedClock(NOON)
    config = job(line="echo $PMTUI_RUN; exit 3")
    for count in (1, 2):
        async with scheduled(clock, config, directory=tmp_path) as manager:
            await manager.start("a")
            await ran(manager, count)
    async with scheduled(clock, config, directory=tmp_path) as manager:
        found = await manager.runs("a")
        assert [(run.run, run.trigger, run.exit_code) for run in found] == [(2, "user", 3), (1, "user", 3)]
        lines = [await manager.logs("a", run=str(run.run)) for run in found]
        assert [len(one) for one in lines] == [1, 1]
        assert len({one[0].text for one in lines}) == 2
        assert (await row(manager)).last_run == found[0]


async def test_a_process_without_a_schedule_has_no_runs() -> None:
    async with scheduled(ShiftedClock(NOON), sh("a", "true", restart="never")) as manager:
        await until(manager, lambda now: now.status is Status.COMPLETED)
        assert await manager.runs("a") == []


async def test_hooks_are_called_for_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "HOOK_TIMEOUT", DEADLINE)
    hook = ["sh", "-c", f"cat >> {tmp_path}/$PMTUI_EVENT"]
    settings = Settings(hooks={"jobFailed": hook, "jobMissed": hook, "recovered": hook})
    clock = ShiftedClock(EVENING)
    failing = job(line=f"test -e {tmp_path}/good")

    def told(event: str) -> list[object]:
        return [json.loads(line)["id"] for line in complete_lines(tmp_path / event)]

    async with scheduled(clock, failing, settings=settings) as manager:
        await clock.reach(NIGHT)
        await eventually_async(lambda: told("jobFailed"))
        assert (told("jobFailed"), told("recovered")) == (["a"], [])
        clock.sleep(24 * HOUR)
        await eventually_async(lambda: told("jobMissed"))
        (tmp_path / "good").touch()
        await manager.start("a")
        await eventually_async(lambda: told("recovered"))
        assert (told("jobFailed"), told("jobMissed")) == (["a"], ["a"])


async def test_instances_are_jobs_of_their_own() -> None:
    clock = ShiftedClock(EVENING)
    async with scheduled(clock, *(job(process_id=f"a-{n}", instance=n) for n in (1, 2))) as manager:
        await clock.reach(NIGHT)
        for name in ("a-1", "a-2"):
            await ran(manager, 1, name)


async def test_output_of_a_run_is_that_of_the_process() -> None:
    clock = ShiftedClock(EVENING)
    async with scheduled(clock, job(line="echo done")) as manager:
        await clock.reach(NIGHT)
        await ran(manager, 1)
        assert await texts(manager) == ["done"]


@pytest.mark.skipif(not shutil.which("cc"), reason="a C compiler is needed to shift the clocks of a process")
@pytest.mark.parametrize("catch_up", [False, True])
def test_a_machine_that_sleeps(tmp_path: Path, catch_up: bool) -> None:
    """A whole manager, whose clocks are moved from outside, also while it is down."""
    clock, begun = Clock(tmp_path), time.monotonic()
    far = f"0 {(datetime.now().hour + 12) % 24} * * *"
    config = [
        {"id": "nightly", "command": "echo run", "shell": True, "schedule": far, "catchUp": catch_up},
        {"id": "often", "command": "true", "schedule": "* * * * *"},
    ]
    expected = ["catchUp"] * catch_up
    with manager_process(tmp_path, config, env=clock.env) as manager:
        manager.wait_until_served()
        eventually(lambda: manager.row("nightly")["nextStart"])
        before = manager.row("nightly")["nextStart"]
        clock.shift(wall=24 * 3600, boot=24 * 3600)
        eventually(lambda: manager.row("nightly")["nextStart"] not in (None, before))
        assert [run["trigger"] for run in manager.get("/api/pm/nightly/runs")[1]] == expected
        assert manager.get("/api/pm/nobody/runs")[0] == 404
        eventually(lambda: manager.row("often")["status"] == "scheduled")
        assert len(manager.get("/api/pm/often/runs")[1]) <= (time.monotonic() - begun) / 60 + 2
        journal = manager.data / "jobs.jsonl"
        eventually(lambda: journal.exists() and journal.read_text().count('"trigger":"catchUp"') == len(expected))
        manager.process.kill()
        manager.process.wait()
    clock.shift(wall=48 * 3600, boot=48 * 3600)
    with manager_process(tmp_path, config, env=clock.env) as manager:
        manager.wait_until_served()
        expected += ["catchUp"] * catch_up
        eventually(lambda: len(manager.get("/api/pm/nightly/runs")[1]) == len(expected))
        assert [run["trigger"] for run in manager.get("/api/pm/nightly/runs")[1]] == expected
        eventually(lambda: "nightly was due while the manager was down" in manager.log)
