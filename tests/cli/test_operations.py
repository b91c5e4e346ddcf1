"""`pmtui start`, `stop`, `restart` and `signal`, with real processes."""

import re
from pathlib import Path

import pytest

from tests.cli.conftest import NEVER_UP
from tests.cli.shell import pmtui
from tests.eventually import eventually, is_alive
from tests.running import Running, running


def test_a_stop_returns_once_the_process_has_ended(own: Running) -> None:
    pids = own.wait_running(["web-1", "web-2"])
    done = pmtui(own.folder, "stop", "@front")
    told = sorted(done.stdout.splitlines())  # as they end
    assert (done.returncode, told) == (0, ["✓ web-1  ■ stopped", "✓ web-2  ■ stopped"])
    assert not any(map(is_alive, pids.values()))


def test_a_restart_reports_the_new_pid(own: Running) -> None:
    before = own.wait_running(["web-1"])["web-1"]
    done = pmtui(own.folder, "restart", "web-1")
    assert done.returncode == 0
    pid = own.row("web-1")["pid"]
    assert pid != before
    assert done.stdout == f"✓ web-1  ● running  pid {pid}\n"


def test_all_processes_that_match_are_started(own: Running) -> None:
    pmtui(own.folder, "stop", "web-*")
    done = pmtui(own.folder, "start", "web-*", "off")
    assert done.returncode == 0
    assert sorted(line.split()[1] for line in done.stdout.splitlines()) == ["off", "web-1", "web-2"]
    assert own.row("off")["status"] == "running"


def test_a_failed_process_is_reported_and_is_exit_code_1(own: Running) -> None:
    done = pmtui(own.folder, "start", "web-1", "bad", "nobody")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0] == "✖ no process matches 'nobody'; processes: web-1, web-2, talker, job, bad, off"
    assert sorted(line.split()[:4] for line in lines[1:]) == [
        ["✓", "web-1", "●", "running"],
        ["✖", "bad", "✖", "failed"],
    ]
    assert "exit 3" in done.stdout


def test_a_process_that_exits_at_once_has_not_started(own: Running) -> None:
    done = pmtui(own.folder, "restart", "bad")
    assert (done.returncode, "running" in done.stdout) == (1, False)


@pytest.mark.parametrize(
    "words", [("stop",), ("start", "--all", "web-1"), ("restart",), ("start", "a", "--timeout", "x")]
)
def test_ids_or_all_are_required(own: Running, words: tuple[str, ...]) -> None:
    done = pmtui(own.folder, *words)
    assert done.returncode == 2
    assert f"usage: pmtui {words[0]}" in done.stderr


def test_stop_all_leaves_the_manager_running(own: Running) -> None:
    assert pmtui(own.folder, "stop", "--all").returncode == 0
    assert not any(row["pid"] for row in own.list())


def test_a_signal_reaches_the_main_process(own: Running) -> None:
    pid = own.row("web-1")["pid"]
    done = pmtui(own.folder, "signal", "web-1", "KILL")
    assert (done.returncode, done.stdout) == (0, "KILL sent to web-1\n")
    eventually(lambda: not is_alive(pid))


@pytest.mark.parametrize(("words", "code"), [(("web-1", "BOGUS"), 2), (("nobody", "HUP"), 1), (("off", "HUP"), 1)])
def test_a_signal_that_cannot_be_sent_is_explained(house: Running, words: tuple[str, ...], code: int) -> None:
    done = pmtui(house.folder, "signal", *words)
    assert done.returncode == code
    assert (words[1] if code == 2 else words[0]) in done.stderr


def test_a_start_that_waits_ends_with_the_exit_code_of_the_job(tmp_path: Path) -> None:
    jobs = [
        {"id": "good", "command": "echo fine", "shell": True, "schedule": "0 0 1 1 *"},
        {"id": "bad", "command": "echo oops >&2; exit 7", "shell": True, "schedule": "0 0 1 1 *", "health": NEVER_UP},
        {"id": "killed", "command": "kill -9 $$", "shell": True, "schedule": "0 0 1 1 *"},
        {"id": "missing", "command": "/nowhere/x", "schedule": "0 0 1 1 *"},
        {"id": "retried", "command": "test -e good || ! touch good", "shell": True, "schedule": "0 0 1 1 *"}
        | {"restart": "on-failure", "backoff": "100ms"},
        {"id": "web", "command": "sleep 600"},
    ]
    with running(tmp_path, jobs) as manager:
        manager.wait_running(["web"])
        names = ("good", "bad", "killed", "missing", "retried", "web")
        done = {name: pmtui(tmp_path, "start", name, "--wait") for name in names}
        assert [done[name].returncode for name in names] == [0, 7, 137, 1, 0, 0]
        assert done["good"].stdout.startswith("✓ good  ◔ scheduled  next ")
        assert re.search(r"last failed [0-9:]{8}: oops \(exit 7 after", done["bad"].stdout)
        assert done["bad"].stderr.endswith("\n  oops\n")
        assert [run["trigger"] for run in manager.get("/api/pm/retried/runs")[1]] == ["retry", "user"]
        assert pmtui(tmp_path, "start", "good", "bad", "killed", "--wait").returncode in (7, 137)
        assert pmtui(tmp_path, "start", "good").returncode == 0
        assert pmtui(tmp_path, "start", "bad").returncode == 1
        assert pmtui(tmp_path, "start", "good", "--wait", "--no-wait").returncode == 2
        assert pmtui(tmp_path, "logs", "bad", "--run", "1").stdout == "oops\n"
        assert pmtui(tmp_path, "wait", "--timeout", "0").returncode == 0
        waited = pmtui(tmp_path, "wait", "good", "--for", "completed")
        assert (waited.returncode, "it is a job" in waited.stderr) == (1, True)


def test_a_wait_for_a_job_is_bounded(tmp_path: Path) -> None:
    with running(tmp_path, [{"id": "long", "command": "sleep 600", "schedule": "0 0 1 1 *"}]) as manager:
        manager.wait_until_served()
        assert pmtui(tmp_path, "start", "long", "--wait", "--timeout", "1s").returncode == 124
        assert manager.wait_running(["long"])
