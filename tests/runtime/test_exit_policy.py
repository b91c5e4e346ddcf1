"""Managers that end by themselves, with real processes."""

import signal
from pathlib import Path

import pytest

from tests.cli.shell import pmtui
from tests.eventually import DEADLINE
from tests.running import running

JOB = {"id": "job", "command": "true", "restart": "never"}
BAD = {"id": "bad", "command": "exit 3", "shell": True, "restart": "never"}
SLEEPER = {"id": "web", "command": "sleep 600"}
LATER = {"id": "later", "command": "true", "restart": "never", "dependsOn": {"job": "succeeded"}}
OFF = {"id": "off", "command": "sleep 600", "autostart": False}
SUICIDE = {"id": "gone", "command": "kill -9 $$", "shell": True}


@pytest.mark.parametrize(
    ("processes", "options", "idle", "code"),
    [
        ([JOB, LATER, OFF], [], True, 0),
        ([JOB, BAD], [], True, 1),
        ([BAD, SLEEPER], ["--exit-on-failure"], False, 1),
        ([BAD, SLEEPER], ["--exit-with", "bad"], False, 3),
        ([{**BAD, "restart": "always"}, SLEEPER], ["--exit-with", "bad"], False, 3),
        ([SUICIDE, SLEEPER], ["--exit-with", "gone"], False, 128 + signal.SIGKILL),
        ([SLEEPER], ["--exit-with", "nobody"], False, 2),
    ],
)
def test_a_manager_ends_with_the_code_that_its_policy_says(
    tmp_path: Path, processes: list[object], options: list[str], idle: bool, code: int
) -> None:
    config = {"settings": {"onIdle": "down"} if idle else {}, "processes": processes}
    with running(tmp_path, config, *options) as manager:
        assert manager.process.wait(DEADLINE) == code, manager.log


def test_a_stopped_manager_ends_with_0_whatever_the_policy(tmp_path: Path) -> None:
    with running(tmp_path, [SLEEPER], "--exit-with", "web", "--exit-on-failure") as manager:
        manager.wait_running(["web"])
        assert manager.stop() == 0


def test_idle_managers_stay_by_default(tmp_path: Path) -> None:
    with running(tmp_path, [JOB]) as manager:
        manager.wait_until_served()
        assert pmtui(tmp_path, "wait", "job", "--for", "completed").returncode == 0
        assert manager.get("/api/health")[0] == 200


def test_a_dashboard_has_no_exit_policy(tmp_path: Path) -> None:
    done = pmtui(tmp_path, "--exit-on-failure")
    assert (done.returncode, done.stdout) == (2, "")
