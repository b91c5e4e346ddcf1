"""A pid that the manager has known is reused by another process.

Pids are chosen by setting the system's counter back, which would affect other tests, too. So all of it happens in a
separate pid namespace, in which this file is run once more.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.eventually import eventually, is_alive
from tests.running import Running, running

NAMESPACE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
WITHIN = "PMTUI_TEST_OWN_PIDS"
LAST_PID = Path("/proc/sys/kernel/ns_last_pid")
"""The pid that was given last: whoever may write it chooses the next one."""
TRIES = 300


def can_choose_pids() -> bool:
    choose = f"echo 100 > {LAST_PID}"
    return subprocess.run([*NAMESPACE, "sh", "-c", choose], capture_output=True).returncode == 0


alone = pytest.mark.skipif(WITHIN not in os.environ, reason="is run by the first test of this file")


@pytest.mark.skipif(WITHIN in os.environ, reason="is what runs the others")
def test_a_reused_pid_is_not_mistaken_for_the_process(tmp_path: Path) -> None:
    if not can_choose_pids():
        pytest.skip("only root, where a pid namespace can be made, chooses pids")
    again = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        f"--basetemp={tmp_path / 'again'}",
        __file__,
    ]
    done = subprocess.run([*NAMESPACE, *again], env=os.environ | {WITHIN: "1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


@contextlib.contextmanager
def stranger(pid: int) -> Iterator[int]:
    """A process unrelated to the manager that leads a group and a session, with that pid."""
    assert not Path(f"/proc/{pid}").exists()
    for _ in range(TRIES):  # others are started here too
        LAST_PID.write_text(str(pid - 1))
        process = subprocess.Popen(["sleep", "600"], start_new_session=True)
        if process.pid == pid:
            break
        process.kill()
        process.wait()
    else:
        pytest.skip(f"the pid {pid} could not be had")
    try:
        yield pid
    finally:
        process.kill()
        process.wait()


def dead(manager: Running, process_id: str) -> int:
    """Kill the process, and return its pid as soon as it is free."""
    pid = manager.wait_running([process_id])[process_id]
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: manager.row(process_id)["pid"] == 0)
    eventually(lambda: not Path(f"/proc/{pid}").exists())
    return pid


@alone
@pytest.mark.parametrize("restart", ["never", "always"])
def test_no_operation_reaches_the_new_owner_of_a_pid(tmp_path: Path, restart: str) -> None:
    """The process is dead or waits for its next attempt, and another process has its pid: stop, signals, restart and
    the exit of the manager leave that one alone."""
    config = [{"id": "a", "command": "sleep 600", "restart": restart, "backoff": 600}]
    with running(tmp_path, config) as manager, stranger(dead(manager, "a")) as pid:
        assert manager.post("/api/pm/a/signal/KILL")[0] == 409
        assert manager.post("/api/pm/a/stop")[0] == 200
        assert manager.post("/api/pm/a/restart?wait=true")[0] == 200
        assert manager.row("a")["pid"] not in (0, pid)
        assert manager.stop() == 0
        assert is_alive(pid)


@alone
def test_a_manager_does_not_mistake_a_reused_pid_for_its_predecessor(tmp_path: Path) -> None:
    """Manager and guardian are killed, and another process has the manager's pid, which is in the data directory: the
    next manager starts, and the other process lives."""
    config = [{"id": "a", "command": "sleep 600"}]
    with running(tmp_path, config) as manager:
        worker = manager.wait_running(["a"])["a"]
        os.kill(guardian := manager.guardian, signal.SIGSTOP)
        manager.process.kill()
        manager.process.wait()
        os.kill(guardian, signal.SIGKILL)
        with stranger(manager.pid) as pid, running(tmp_path, config) as successor:
            successor.wait_running(["a"])
            assert not is_alive(worker)
            assert is_alive(pid)
