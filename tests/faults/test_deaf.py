"""Processes that ignore the signal to end."""

import os
import signal
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.eventually import eventually, is_alive, pid_in
from tests.running import Running, running

DEAF = "trap '' TERM INT; echo ready; while :; do sleep 0.05; done"


def shell(line: str, **fields: Any) -> dict[str, Any]:
    return {"id": "a", "command": line, "shell": True} | fields


def transitions(manager: Running) -> list[tuple[str, str]]:
    status, events = manager.get("/api/pm/a/events")
    assert status == 200
    return [(event["from"], event["to"]) for event in events]


def seconds_of_stop(manager: Running) -> float:
    """Return how long the last stop took, as the events say."""
    stopping, stopped = (datetime.fromisoformat(event["time"]) for event in manager.get("/api/pm/a/events")[1][-2:])
    return (stopped - stopping).total_seconds()


@pytest.mark.parametrize("wanted", ["SIGTERM", "SIGINT"])
def test_a_process_that_ignores_the_stop_signal_is_killed_at_the_deadline(tmp_path: Path, wanted: str) -> None:
    """It ignores TERM and INT and is killed after stopTimeout, and the row says which processes had to be killed.
    Simultaneous stops wait for the same end."""
    with running(tmp_path, [shell(DEAF, stopSignal=wanted, stopTimeout="300ms")]) as manager:
        pid = manager.wait_running(["a"])["a"]
        eventually(lambda: "[a][STDOUT] ready" in manager.log)
        assert manager.post("/api/pm/a/stop?wait=false")[0] == 200
        assert manager.post("/api/pm/a/stop")[0] == 200
        row = manager.row("a")
        assert (row["status"], row["signal"], row["restartCount"]) == ("stopped", "SIGKILL", 0)
        assert f"had to be killed: {pid} sh" in row["reason"]
        assert transitions(manager)[-2:] == [("running", "stopping"), ("stopping", "stopped")]
        assert seconds_of_stop(manager) > 0.29
        assert not is_alive(pid)


def test_a_child_that_ignores_the_stop_signal_has_the_same_deadline(tmp_path: Path) -> None:
    """The main process ends at once, its child does not: the child has until the deadline, and only then is the process
    stopped."""
    line = f'sh -c "{DEAF}" & echo $! > child; wait'
    with running(tmp_path, [shell(line, stopTimeout="300ms")]) as manager:
        manager.wait_running(["a"])
        eventually(lambda: "[a][STDOUT] ready" in manager.log)
        child = pid_in(tmp_path / "child")
        assert manager.post("/api/pm/a/stop")[0] == 200
        assert not is_alive(child)
        assert f"had to be killed: {child} sh" in manager.row("a")["reason"]


def test_a_restart_waits_for_a_process_that_ignores_the_stop_signal(tmp_path: Path) -> None:
    """There are never two copies, and the new run is one by request: no crash is counted."""
    with running(tmp_path, [shell(DEAF, stopTimeout="300ms")]) as manager:
        pid = manager.wait_running(["a"])["a"]
        eventually(lambda: "[a][STDOUT] ready" in manager.log)
        assert manager.post("/api/pm/a/restart?wait=true")[0] == 200
        row = manager.row("a")
        assert (row["status"], row["restartReason"], row["failures"]) == ("running", "user", 0)
        assert not is_alive(pid)


@pytest.mark.parametrize("whom", ["all", "child"])
def test_a_suspended_process_is_stopped_at_once(tmp_path: Path, whom: str) -> None:
    """SIGSTOP, then a stop: the process is continued to receive the signal, long before the deadline of ten minutes."""
    line = "sleep 600 & echo $! > child; echo ready; wait"
    with running(tmp_path, [shell(line, stopTimeout=600)]) as manager:
        pid = manager.wait_running(["a"])["a"]
        eventually(lambda: "[a][STDOUT] ready" in manager.log)
        child = pid_in(tmp_path / "child")
        for each in (child, pid) if whom == "all" else (child,):
            os.kill(each, signal.SIGSTOP)
        assert manager.post("/api/pm/a/stop")[0] == 200
        assert manager.row("a")["signal"] == "SIGTERM"
        assert not is_alive(child)


def test_a_suspended_process_does_not_hinder_the_manager(tmp_path: Path) -> None:
    """A process stays suspended by SIGSTOP: it counts as running, and the manager answers and ends it on exit."""
    with running(tmp_path, [shell("exec sleep 600", stopTimeout=600)]) as manager:
        pid = manager.wait_running(["a"])["a"]
        os.kill(pid, signal.SIGSTOP)
        assert manager.row("a")["status"] == "running"
        assert manager.stop() == 0
        assert not is_alive(pid)
