"""Processes that have children, and children that escape."""

import os
import shutil
import signal
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from tests.eventually import eventually, is_alive, pid_in
from tests.running import running

FAMILY = Path(__file__).with_name("family.py")
ROLES = ("leader", "child", "session", "daemon")
HOPPER = "import os\nos.fork() and os._exit(0)\nos.setsid()\nwhile True:\n    os.fork() and os._exit(0)"
ORPHANS = """
import os
for _ in range(1000):
    if os.fork() == 0:
        os.fork()
        os._exit(0)
    os.wait()
os._exit(7)
"""
DEATH_SIGNAL = "import ctypes; n = ctypes.c_int(9); ctypes.CDLL(None).prctl(2, ctypes.byref(n)); print('sig', n.value)"


def family(folder: Path, manner: str = "obedient", **fields: Any) -> dict[str, Any]:
    """A process with a child, one in its own session and a daemon; they write their pids to the directory."""
    return {"id": "a", "command": sys.executable, "args": ["-S", str(FAMILY), str(folder), manner]} | fields


def members(folder: Path, but: Collection[int] = ()) -> dict[str, int]:
    """Return the pids of the family as soon as it is complete and has none of `but`."""
    notes = {role: folder / role for role in ROLES}

    def found() -> dict[str, int]:
        return {role: int(note.read_text()) for role, note in notes.items() if note.exists()}

    eventually(lambda: len(found()) == len(ROLES) and not {*but} & {*found().values()})
    return found()


def alive(pids: dict[str, int]) -> list[str]:
    return [role for role, pid in pids.items() if is_alive(pid)]


@pytest.mark.parametrize("manner", ["obedient", "stubborn"])
def test_a_stop_leaves_no_process(tmp_path: Path, manner: str) -> None:
    """A child with setsid, a double-forked daemon with an empty environment and all files closed: when the stop is
    answered, all of them are gone, whether they handle SIGTERM or not."""
    with running(tmp_path, [family(tmp_path, manner, stopTimeout="500ms")]) as manager:
        manager.wait_running(["a"])
        pids = members(tmp_path)
        assert manager.post("/api/pm/a/stop") == (200, {"message": "Process stopped", "id": "a"})
        assert alive(pids) == []
        assert manager.row("a")["status"] == "stopped"


def test_a_restart_waits_for_the_whole_old_tree(tmp_path: Path) -> None:
    """Never two copies, not even of a daemon."""
    with running(tmp_path, [family(tmp_path)]) as manager:
        manager.wait_running(["a"])
        pids = members(tmp_path)
        assert manager.post("/api/pm/a/restart?wait=true")[0] == 200
        assert alive(pids) == []
        assert len(alive(members(tmp_path, but=pids.values()))) == len(ROLES)


def test_a_crash_ends_the_whole_tree(tmp_path: Path) -> None:
    """Only the leader is killed: what it leaves behind ends before it is restarted."""
    with running(tmp_path, [family(tmp_path, backoff="10ms")]) as manager:
        manager.wait_running(["a"])
        pids = members(tmp_path)
        os.kill(pids["leader"], signal.SIGKILL)
        again = members(tmp_path, but=pids.values())
        assert alive(pids) == []
        assert len(alive(again)) == len(ROLES)
        assert manager.row("a")["restartReason"] == "crash"


def test_a_command_within_a_shell_ends_with_it(tmp_path: Path) -> None:
    """`sh -c "server; true"` does not exec: the shell is the main process, the server its child."""
    line = "sh -c 'echo $$ > server; exec sleep 600'; true"
    with running(tmp_path, [{"id": "a", "command": line, "shell": True}]) as manager:
        manager.wait_running(["a"])
        pid = pid_in(tmp_path / "server")
        assert pid != manager.row("a")["pid"]
        assert manager.post("/api/pm/a/stop")[0] == 200
        assert not is_alive(pid)


@pytest.mark.skipif(not shutil.which("npm"), reason="needs npm")
def test_a_server_behind_npm_run_ends_with_it(tmp_path: Path) -> None:
    """npm starts a shell, which starts the server."""
    (tmp_path / "package.json").write_text('{"scripts": {"dev": "node server.js"}}')
    (tmp_path / "server.js").write_text("require('fs').writeFileSync('server', `${process.pid}`);setInterval(_=>_,1e6)")
    with running(tmp_path, [{"id": "a", "command": "npm run dev"}]) as manager:
        manager.wait_running(["a"])
        pid = pid_in(tmp_path / "server")
        assert pid != manager.row("a")["pid"]
        assert manager.post("/api/pm/a/stop")[0] == 200
        assert not is_alive(pid)


def below(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_processes_that_keep_forking_and_leaving_are_caught(tmp_path: Path) -> None:
    """Four processes have left their session and fork all the time: each run ends, and so does the manager."""
    hoppers = [
        {"id": f"h{n}", "command": sys.executable, "args": ["-S", "-c", HOPPER], "restart": "never"} for n in "1234"
    ]
    with running(tmp_path, hoppers) as manager:
        manager.wait_until_served()
        eventually(lambda: {row["status"] for row in manager.list()} == {"completed"})
        eventually(lambda: below(manager.guardian) == [])
        for hopper in hoppers:
            manager.post(f"/api/pm/{hopper['id']}/start")
        assert manager.stop() == 0


def test_a_pipe_held_by_another_process_delays_no_restart(tmp_path: Path) -> None:
    """The process ends while its stdout is still open elsewhere: the exit is noticed and it is restarted. What the
    other process writes afterwards is not taken for output of the new run."""
    config = [{"id": "a", "command": "echo up; exec sleep 600", "shell": True, "backoff": "10ms"}]
    with running(tmp_path, config) as manager:
        pid = manager.wait_running(["a"])["a"]
        eventually(lambda: "[a][STDOUT] up" in manager.log)
        with open(f"/proc/{pid}/fd/1", "wb", buffering=0) as held:
            os.kill(pid, signal.SIGKILL)
            eventually(lambda: manager.row("a")["status"] == "running" and manager.row("a")["pid"] != pid)
            with pytest.raises(BrokenPipeError):
                held.write(b"from the former run\n")
        assert manager.row("a")["restartCount"] == 1
        assert "from the former run" not in manager.log


def test_a_thousand_orphans_are_reaped_and_exit_codes_are_kept_apart(tmp_path: Path) -> None:
    """A process leaves 1,000 orphans, each of which exits: no zombie stays, and exit codes are not mixed up."""
    config = [
        {"id": "a", "command": sys.executable, "args": ["-S", "-c", ORPHANS], "restart": "never"},
        {"id": "b", "command": "exit 3", "shell": True, "restart": "never"},
        {"id": "c", "command": "sleep 600"},
    ]
    with running(tmp_path, config) as manager:
        pid = manager.wait_running(["c"])["c"]
        eventually(lambda: (manager.row("a")["status"], manager.row("b")["status"]) == ("failed", "failed"))
        assert (manager.row("a")["exitCode"], manager.row("b")["exitCode"]) == (7, 3)
        eventually(lambda: below(manager.guardian) == [pid])


def threads(pid: int) -> list[str]:
    return os.listdir(f"/proc/{pid}/task")


def test_the_end_of_a_thread_ends_no_process(tmp_path: Path) -> None:
    """A signal for the death of the parent (PDEATHSIG) is sent when the thread that forked ends. All processes have a
    parent with a single thread, which lasts, whatever thread of the manager handled the request."""
    config = [
        {"id": "a", "command": sys.executable, "args": ["-c", DEATH_SIGNAL], "restart": "never"},
        {"id": "b", "command": "sleep 600"},
    ]
    with running(tmp_path, config) as manager:
        pid = manager.wait_running(["b"])["b"]
        eventually(lambda: "[a][STDOUT] sig 0" in manager.log)
        before = threads(manager.guardian)
        assert manager.post("/api/pm/b/restart?wait=true")[0] == 200
        assert manager.get("/api/pm/b/logs?grep=x")[0] == 200
        again = manager.row("b")["pid"]
        assert again != pid
        eventually(lambda: again in below(manager.guardian))
        assert threads(manager.guardian) == before == [str(manager.guardian)]
