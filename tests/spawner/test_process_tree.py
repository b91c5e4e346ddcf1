"""What the kernel says about process trees."""

import contextlib
import os
import resource
import signal
import subprocess
import sys

from pmtui.spawner.process_tree import descendants, is_descendant, mark_of, marked_processes, send_signal
from pmtui.spawner.procfs import children, is_alive, parent_of
from tests.eventually import eventually

NO_PID = 2**22
"""More than any kernel gives."""
FIVE = [sys.executable, "-S", "-c", "import os, time\nos.fork()\nos.fork()\ntime.sleep(600)"]


def test_descendants_are_listed_parents_first() -> None:
    process = subprocess.Popen(FIVE, start_new_session=True)
    try:
        found = eventually(lambda: pids if len(pids := descendants([process.pid])) == 4 else None)
        assert found is not None
        assert found[0] == process.pid
        assert all(parent_of(pid) in found[: found.index(pid)] for pid in found[1:])
        assert all(is_descendant(pid) for pid in found)
        eventually(lambda: process.pid in children(os.getpid()))
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_mark_survives_a_new_session_and_an_empty_environment() -> None:
    base = (1 << 60) + (os.getpid() << 20)  # nobody else's
    daemon = "import resource; resource.setrlimit(resource.RLIMIT_RTTIME, (%d, -1)); import os; os.execvp('env', %r)"
    words = ["env", "-i", "setsid", "sh", "-c", "sleep 600 & wait"]
    process = subprocess.Popen([sys.executable, "-c", daemon % (base + 3, words)], start_new_session=True)
    try:
        eventually(lambda: len([pid for pid, run in marked_processes(base) if run == 3]) >= 2)
        assert mark_of(process.pid) == base + 3
    finally:
        process.kill()
        process.wait()
        eventually(lambda: kill_all(base) == 0)


def kill_all(base: int) -> int:
    """Kill what has a mark of `base`, and return how many there were."""
    pids = [pid for pid, _ in marked_processes(base) if is_alive(pid)]
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):  # it has ended with another one
            os.kill(pid, signal.SIGKILL)
    return len(pids)


def test_the_callers_limit_is_untouched() -> None:
    assert mark_of(os.getpid()) == resource.getrlimit(resource.RLIMIT_RTTIME)[0]


def test_a_zombie_is_not_alive() -> None:
    process = subprocess.Popen(["sleep", "600"])
    assert is_alive(process.pid)
    process.kill()
    eventually(lambda: not is_alive(process.pid))
    process.wait()


def test_a_process_that_is_no_target_gets_no_signal() -> None:
    process = subprocess.Popen(["sleep", "600"])
    try:
        assert not send_signal(process.pid, signal.SIGKILL, lambda pid: False)
        assert is_alive(process.pid)
        assert send_signal(process.pid, signal.SIGKILL, lambda pid: True)
        assert process.wait() == -signal.SIGKILL
        assert not send_signal(process.pid, signal.SIGKILL, lambda pid: True)
    finally:
        process.kill()


def test_a_missing_process_has_no_children() -> None:
    assert children(NO_PID) == []
    assert parent_of(NO_PID) == 0
