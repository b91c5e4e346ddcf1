"""The machine runs out of file descriptors, processes or threads."""

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pmtui.spawner.procfs import children
from tests.eventually import eventually
from tests.running import PMTUI, Running, running

SLEEP = {"command": "sleep 600", "backoff": "100ms", "maxBackoff": "200ms"}
CAPABILITIES = ("--inh-caps=+dac_override", "--ambient-caps=+dac_override")
"""So that a user who owns nothing can read the project wherever it is installed."""
numbers = itertools.count(0x7000_0000 + os.getpid() * 100)


def sleepers(count: int, **fields: Any) -> list[dict[str, Any]]:
    return [SLEEP | {"id": f"p{number}"} | fields for number in range(count)]


def by_status(manager: Running) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in manager.list():
        found.setdefault(row["status"], []).append(row["id"])
    return found


def waiting(manager: Running, error: str) -> str:
    """Return a process that has been retried several times because of the error, without counting as failed."""
    row = eventually(lambda: next((row for row in manager.list() if row["restartCount"] > 3), {}))
    assert error in row["lastError"]
    assert row["failures"] == 0
    assert "failed" not in by_status(manager)
    return str(row["id"])


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def test_processes_wait_for_file_descriptors_and_none_is_leaked(tmp_path: Path) -> None:
    """40 descriptors for 30 processes: some run, the others are retried without counting as failed. They run as soon as
    there is room, and failed starts have left no descriptor open."""
    within = ["sh", "-c", 'ulimit -n 40; exec "$@"', ""]
    with running(tmp_path, sleepers(30, maxRetries=1), within=within) as manager:
        manager.wait_until_served()
        assert waiting(manager, "Too many open files")
        ids = eventually(lambda: by_status(manager).get("running", []))
        assert manager.post("/api/pm/stop", {"ids": ids})[0] == 200
        eventually(lambda: set(by_status(manager).get("running", [])) - set(ids))
        manager.post("/api/pm/stop", {"ids": ["*"]})
        eventually(lambda: by_status(manager).keys() == {"stopped"})
        eventually(lambda: descriptors(manager.pid) < 25)
        assert manager.stop() == 0


@pytest.mark.parametrize("limit", [24, 31, 47, 64])
def test_processes_never_take_the_last_descriptors(tmp_path: Path, limit: int) -> None:
    """With any limit and any number of processes, all with open logs, the API comes up and answers."""
    loud = sleepers(30, command="echo out; echo err >&2; sleep 600", shell=True)
    with running(tmp_path, loud, within=["sh", "-c", f'ulimit -n {limit}; exec "$@"', ""]) as manager:
        manager.wait_until_served()
        eventually(lambda: any(row["restartCount"] > 2 for row in manager.list()))
        assert by_status(manager).keys() <= {"running", "crashed", "starting"}
        assert "Traceback" not in manager.log
        assert manager.stop() == 0


@pytest.mark.parametrize("limit", [6, 9, 12, 16, 20, 23])
def test_too_few_descriptors_for_the_manager_are_one_clear_error(tmp_path: Path, limit: int) -> None:
    """Not even the manager has enough: it says so and what to do, and starts nothing."""
    (tmp_path / "pb_processes.json").write_text("[]")
    command = ["sh", "-c", f'ulimit -n {limit}; exec "$@"', "", *PMTUI, "--no-ui", "--port", "0"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert "the manager cannot start: Too many open files" in done.stderr


@pytest.fixture
def poor(tmp_path: Path) -> Iterator[Path]:
    """A directory owned by a user id that has no other process on this machine."""
    if os.geteuid() != 0:
        pytest.skip("only root can take a user of its own, whose processes nobody else adds to")
    if not (shutil.which("setpriv") and shutil.which("prlimit")):
        pytest.skip("needs setpriv and prlimit (util-linux)")
    with tempfile.TemporaryDirectory() as name:
        os.chown(name, user := next(numbers), user)
        yield Path(name)


def limited(folder: Path, processes: int) -> list[str]:
    """Return the words that run a command as the directory's owner with a limit of processes and threads."""
    owner = folder.stat().st_uid
    user = [f"--reuid={owner}", f"--regid={owner}", "--clear-groups", *CAPABILITIES]
    return ["setpriv", *user, "prlimit", f"--nproc={processes}", "--"]


def can_be_limited(folder: Path) -> bool:
    """Return whether this machine enforces the limit; some sandboxes do not."""
    command = [*limited(folder, 1), sys.executable, "-c", "import os; os.fork()"]
    return subprocess.run(command, capture_output=True).returncode == 1


@contextlib.contextmanager
def crowd(folder: Path) -> Iterator[int]:
    """The parent of 20 other processes of the directory's owner. It reaps them: zombies count, too."""
    command = [*limited(folder, 1000), "sh", "-c", "for i in $(seq 20); do sleep 600 & done; wait"]
    leader = subprocess.Popen(command, start_new_session=True)
    try:
        yield leader.pid
    finally:
        eventually(lambda: len(children(leader.pid)) == 20)
        for pid in children(leader.pid):
            os.kill(pid, signal.SIGKILL)
        leader.wait()


@pytest.mark.parametrize("limit", range(1, 8))
def test_too_few_threads_for_the_manager_are_one_clear_error(poor: Path, limit: int) -> None:
    """At every limit that is too low, the manager says so and what to raise, and starts nothing."""
    if not can_be_limited(poor):
        pytest.skip("the limit of processes is not enforced here")
    (poor / "pb_processes.json").write_text('[{"id": "a", "command": "touch started"}]')
    command = [*limited(poor, limit), *PMTUI, "--no-ui", "--port", "0"]
    done = subprocess.run(command, cwd=poor, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert "the manager cannot start" in done.stderr
    assert "ulimit -u" in done.stderr
    assert not (poor / "started").exists()


def test_processes_wait_until_the_limit_permits_them(poor: Path) -> None:
    """16 processes and threads for 20 processes: some run, the others are retried without counting as failed. Requests
    are answered, because the manager has what it needs from the start, and it can exit."""
    if not can_be_limited(poor):
        pytest.skip("the limit of processes is not enforced here")
    with running(poor, sleepers(20, maxRetries=1), within=limited(poor, 16)) as manager:
        manager.wait_until_served()
        process_id = waiting(manager, "Resource temporarily unavailable")
        assert manager.post("/api/pm/reload")[0] == 200
        assert manager.get(f"/api/pm/{process_id}/logs")[0] in (200, 503)
        ids = eventually(lambda: by_status(manager).get("running", []))
        assert manager.post("/api/pm/stop", {"ids": ids})[0] == 200
        eventually(lambda: set(by_status(manager).get("running", [])) - set(ids))
        assert "failed" not in by_status(manager)
        assert manager.stop() == 0, manager.log


def test_a_guardian_is_replaced_as_soon_as_the_machine_permits(poor: Path) -> None:
    """The guardian is killed while the user may have no further process: the manager says so, keeps answering, and
    restarts everything as soon as it can."""
    if not can_be_limited(poor):
        pytest.skip("the limit of processes is not enforced here")
    with running(poor, sleepers(1), within=limited(poor, 16)) as manager:
        pid = manager.wait_running(["p0"])["p0"]
        with crowd(poor) as others:
            eventually(lambda: len(children(others)) == 20)
            os.kill(manager.guardian, signal.SIGKILL)
            eventually(lambda: "no new guardian: Resource temporarily unavailable" in manager.log)
            assert manager.list()
        eventually(lambda: manager.row("p0")["status"] == "running" and manager.row("p0")["pid"] != pid)
        assert manager.stop() == 0


IN_FLIGHT = """
import socket, time
ends = socket.socketpair()
for _ in range(10):
    socket.send_fds(ends[0], [b"x"], [0] * 100)
print("sent", flush=True)
time.sleep(600)
"""


def test_descriptors_in_transit_elsewhere_only_delay_a_start(poor: Path) -> None:
    """Another process of the user has sent more descriptors than the limit, and they are not received: the kernel
    refuses those of the manager, which sends them again until it may."""
    command = [*limited(poor, 1000), sys.executable, "-c", IN_FLIGHT]
    with running(poor, sleepers(3), within=[*limited(poor, 100), "prlimit", "--nofile=64", "--"]) as manager:
        manager.wait_running(["p0", "p1", "p2"])
        with subprocess.Popen(command, stdout=subprocess.PIPE) as sender:
            assert sender.stdout
            assert sender.stdout.readline() == b"sent\n"
            assert manager.post("/api/pm/p0/restart")[0] == 200
            eventually(lambda: manager.row("p0")["stage"] == "spawning")
            sender.kill()
        manager.wait_running(["p0", "p1", "p2"])
        assert manager.stop() == 0


def test_the_number_of_threads_is_independent_of_the_processes(tmp_path: Path) -> None:
    """With 200 processes and every kind of request, the manager has fewer than 40 threads, and the guardian one."""
    with running(tmp_path, sleepers(200)) as manager:
        ids = [f"p{number}" for number in range(200)]
        manager.wait_running(ids)
        for process_id in ids[:20]:
            assert manager.get(f"/api/pm/{process_id}/logs")[0] == 200
        assert len(os.listdir(f"/proc/{manager.pid}/task")) < 40
        assert len(os.listdir(f"/proc/{manager.guardian}/task")) == 1
