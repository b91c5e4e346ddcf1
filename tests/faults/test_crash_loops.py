"""Processes that exit again and again."""

import os
import signal
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pmtui.config.model import MIN_HEALTHY_UPTIME
from tests.eventually import eventually
from tests.running import running


def shell(line: str, **fields: Any) -> dict[str, Any]:
    return {"id": "a", "command": line, "shell": True, "healthyAfter": 600} | fields


@pytest.mark.parametrize("code", [0, 1])
def test_a_process_that_always_exits_at_once_fails_in_the_end(tmp_path: Path, code: int) -> None:
    """Successful or not, it is restarted maxRetries times, and then left alone until a request."""
    with running(tmp_path, [shell(f"echo run; exit {code}", backoff="10ms", maxRetries=3)]) as manager:
        manager.wait_until_served()
        eventually(lambda: manager.row("a")["status"] == "failed")
        row = manager.row("a")
        assert (row["restartCount"], row["pid"], row["nextStart"], row["exitCode"]) == (3, 0, None, code)
        assert len(manager.get("/api/pm/a/logs")[1]) == 4
        assert manager.post("/api/pm/a/start")[0] == 200
        eventually(lambda: manager.row("a")["status"] == "failed" and manager.row("a")["restartCount"] == 7)


def moment(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def test_the_delays_of_a_crash_loop_double_up_to_the_maximum(tmp_path: Path) -> None:
    """A crash some time after each start: 0.3 s, 0.6 s, which is the maximum, and so on; the tenth is the last. Without
    the maximum it would take five minutes."""
    crash = shell("sleep 0.1; exit 1", backoff="300ms", maxBackoff="600ms", maxRetries=10)
    with running(tmp_path, [crash]) as manager:
        manager.wait_until_served()
        eventually(lambda: manager.row("a")["status"] == "failed")
        assert manager.row("a")["failures"] == 11
        events = manager.get("/api/pm/a/events")[1]
    starts = [moment(event["time"]) for event in events if event["to"] == "starting"]
    periods = [start - before for before, start in pairwise(starts)]
    for period, expected in zip(periods, (0.3, *[0.6] * 9), strict=True):
        assert period > expected, periods


def test_the_next_attempt_is_shown_and_the_first_is_after_a_second(tmp_path: Path) -> None:
    """By default 1 s, 2 s, 4 s and so on after the exit; nextStart is that moment."""
    with running(tmp_path, [shell("exit 1")]) as manager:
        manager.wait_until_served()
        now = eventually(lambda: row if (row := manager.get("/api/pm/a")[1])["status"] == "crashed" else {})
        delay = moment(now["nextStart"]) - moment(now["exits"][-1]["time"])
        expected = 2 ** (now["failures"] - 1)
        assert expected - 0.01 < delay < 2 * expected


def test_a_process_that_crashes_after_healthy_runs_never_fails(tmp_path: Path) -> None:
    """Each run lasts longer than healthyAfter: it is restarted at once, and failures do not add up."""
    crash = shell("exec sleep 600", healthyAfter="50ms", maxRetries=1, backoff=600)
    with running(tmp_path, [crash]) as manager:
        for restarts in range(1, 4):
            pid = manager.wait_running(["a"])["a"]
            time.sleep(MIN_HEALTHY_UPTIME + 0.1)
            os.kill(pid, signal.SIGKILL)
            eventually(lambda: manager.row("a")["restartCount"] == restarts)  # noqa: B023
        assert manager.row("a")["failures"] == 0


def test_many_crash_loops_leave_the_manager_responsive(tmp_path: Path) -> None:
    """Twenty crash loops without delay: another process runs undisturbed, requests are answered, and stop works."""
    loops = [shell("exit 1", maxRetries=-1, backoff=0) | {"id": f"p{number}"} for number in range(20)]
    with running(tmp_path, [*loops, {"id": "calm", "command": "sleep 600"}]) as manager:
        pid = manager.wait_running(["calm"])["calm"]
        eventually(lambda: all(row["restartCount"] > 5 for row in manager.list() if row["id"] != "calm"))
        assert manager.post("/api/pm/stop", {"ids": ["p*"]})[0] == 200
        eventually(lambda: {row["status"] for row in manager.list()} == {"stopped", "running"})
        assert manager.row("calm")["pid"] == pid
        assert manager.stop() == 0
