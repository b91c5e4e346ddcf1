"""A pid that the manager has known is given to a stranger."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.eventually import eventually, is_alive
from tests.running import Running, running

LAST_PID = Path("/proc/sys/kernel/ns_last_pid")
"""The pid that was given last: whoever may write it chooses the next one."""
TRIES = 300


def can_choose_pids() -> bool:
    try:
        LAST_PID.write_text(LAST_PID.read_text())
    except OSError:
        return False
    return True


pytestmark = pytest.mark.skipif(not can_choose_pids(), reason="only root, where /proc/sys can be written, chooses pids")


@contextlib.contextmanager
def stranger(pid: int) -> Iterator[int]:
    """A process that has nothing to do with the manager, the leader of a group and a session, with that pid."""
    assert not Path(f"/proc/{pid}").exists()
    for _ in range(TRIES):  # others are started on this machine too
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
    """Kills the process; its former pid once nobody has it any more."""
    pid = manager.wait_running([process_id])[process_id]
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: manager.row(process_id)["pid"] == 0)
    eventually(lambda: not Path(f"/proc/{pid}").exists())
    return pid


@pytest.mark.parametrize("restart", ["never", "always"])
def test_no_operation_reaches_whoever_has_the_pid_now(tmp_path: Path, restart: str) -> None:
    """The process is dead, or waits for its next try, and a stranger has its pid: stop, signals, restart and the end of
    the manager leave the stranger alone."""
    config = [{"id": "a", "command": "sleep 600", "restart": restart, "backoff": 600}]
    with running(tmp_path, config) as manager, stranger(dead(manager, "a")) as pid:
        assert manager.post("/api/pm/a/signal/KILL")[0] == 409
        assert manager.post("/api/pm/a/stop")[0] == 200
        assert manager.post("/api/pm/a/restart?wait=true")[0] == 200
        assert manager.row("a")["pid"] not in (0, pid)
        assert manager.stop() == 0
        assert is_alive(pid)


def test_the_next_manager_takes_no_stranger_for_the_former_one(tmp_path: Path) -> None:
    """Manager and guardian are killed, and a stranger has the manager's pid, which stands in the data folder: the next
    manager starts, and the stranger lives."""
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
