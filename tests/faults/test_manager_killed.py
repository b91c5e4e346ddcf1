"""The manager or its guardian is killed, in every possible way."""

import os
import signal
import time
from pathlib import Path

import pytest

from pmtui.runtime.exit_signals import SAME_SIGNAL_INTERVAL
from tests.dashboard.terminal import terminal, workers
from tests.eventually import DEADLINE, eventually, is_alive
from tests.faults.kill_matrix import ROWS, once
from tests.running import running

SLEEP = {"id": "a", "command": "sleep 600"}


@pytest.mark.parametrize("row", ROWS)
def test_no_process_is_left(row: str) -> None:
    """Whichever is killed, with SIGKILL or not: soon no process is alive, be it a child, one in its own session, or a
    daemon with an empty environment, and whether it ignores SIGTERM or not."""
    left, _ = once(row, DEADLINE)
    assert left == []


@pytest.mark.parametrize("whom", ["manager", "group"])
def test_a_dashboard_that_is_killed_leaves_nothing_and_the_terminal_as_it_was(tmp_path: Path, whom: str) -> None:
    """kill -9 of the dashboard, or of its whole job: no process is left, and the terminal has its main screen, cursor
    and echo, and no mouse reports."""
    with terminal(tmp_path) as shown:
        eventually(lambda: len(workers(tmp_path)) == 2)
        os.kill(shown.process.pid if whom == "manager" else -shown.process.pid, signal.SIGKILL)
        assert shown.ends() == -signal.SIGKILL
        eventually(lambda: not workers(tmp_path))
        eventually(shown.is_restored)


def test_after_the_guardians_death_everything_is_restarted(tmp_path: Path) -> None:
    """kill -9 of the guardian: its processes end, and the same manager restarts them as after a crash; a stopped
    process stays stopped. It happens twice, and requests are answered meanwhile."""
    config = [SLEEP | {"id": name, "backoff": "10ms"} for name in ("a", "b", "c", "stopped")]
    with running(tmp_path, config) as manager:
        pids = manager.wait_running(["a", "b", "c", "stopped"])
        assert manager.post("/api/pm/stopped/stop")[0] == 200
        for death in (1, 2):
            guardian = guardian_of(pids["a"])
            os.kill(guardian, signal.SIGKILL)
            assert manager.list()
            eventually(lambda: all(manager.row(name)["restartCount"] == death for name in ("a", "b", "c")))  # noqa: B023
            again = manager.wait_running(["a", "b", "c"])
            assert [pid for name, pid in pids.items() if is_alive(pid) and pid not in again.values()] == []
            assert manager.row("a")["restartReason"] == "crash"
            assert manager.row("stopped")["status"] == "stopped"
            assert guardian_of(again["a"]) != guardian
            pids = again


def guardian_of(pid: int) -> int:
    """Return the parent of the process."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_the_lock_of_a_dead_manager_is_taken_over_when_its_processes_are_gone(tmp_path: Path) -> None:
    """The next manager of the same config waits for what the guardian of a killed one still has to end."""
    with running(tmp_path, [SLEEP | {"id": "a", "command": "sh -c \"trap '' TERM; sleep 600; true\""}]) as manager:
        pid = manager.wait_running(["a"])["a"]
        manager.process.kill()
        manager.process.wait()
        with running(tmp_path, [SLEEP]) as successor:
            again = successor.wait_running(["a"])["a"]
            assert not is_alive(pid)
            assert is_alive(again)


def test_a_suspended_guardian_is_not_waited_for_forever(tmp_path: Path) -> None:
    """SIGSTOP to the guardian, then SIGTERM to the manager: it exits, and nothing is left."""
    with running(tmp_path, [SLEEP]) as manager:
        pid = manager.wait_running(["a"])["a"]
        os.kill(manager.guardian, signal.SIGSTOP)
        manager.process.send_signal(signal.SIGTERM)
        eventually(lambda: "stopping all processes" in manager.log)
        time.sleep(SAME_SIGNAL_INTERVAL)
        assert manager.stop() == 0
        assert not is_alive(pid)
