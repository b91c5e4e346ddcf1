"""The spawner with its real guardian and real processes."""

import asyncio
import errno
import os
import shlex
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from pmtui.spawner.client import (
    Launch,
    Report,
    Spawner,
    WorkerExited,
    WorkerSpawned,
    WorkerSpawnFailed,
    WorkerTreeExited,
    explain_spawn_error,
)
from pmtui.spawner.process_tree import mark_of
from tests.eventually import DEADLINE, eventually_async, is_alive

SLEEP = ["sleep", "600"]


class Desk:
    """A connected spawner and its reports."""

    def __init__(self) -> None:
        self.spawner = Spawner()
        self.reports: asyncio.Queue[Report] = asyncio.Queue()
        self.spawner.connect()
        self.descriptors: list[int] = []

    async def next(self) -> Report:
        report = await asyncio.wait_for(self.reports.get(), DEADLINE)
        if isinstance(report, WorkerSpawned):
            self.descriptors += [*report.outputs, *([] if report.stdin is None else [report.stdin])]
        return report

    def request(self, run: int, launch: Launch) -> None:
        self.spawner.spawn(run, launch, self.reports.put_nowait)

    async def spawn(self, run: int, argv: list[str], cwd: str = "/", **options: object) -> WorkerSpawned:
        self.request(run, Launch(argv, cwd, dict(os.environ), options))
        report = await self.next()
        assert isinstance(report, WorkerSpawned), report
        return report

    async def close(self) -> None:
        await self.spawner.close()
        for descriptor in self.descriptors:
            os.close(descriptor)


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    yield desk
    await desk.close()


FAMILY = """
import os, sys, time
notes = sys.argv[1]
def note(name):
    with open(f"{notes}/{name}.new", "w") as file:
        file.write(str(os.getpid()))
    os.rename(f"{notes}/{name}.new", f"{notes}/{name}")
if os.fork() == 0:
    note("child")
    time.sleep(600)
if os.fork() == 0:
    os.setsid()
    note("setsid")
    time.sleep(600)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        code = f"import os, time; open('{notes}/daemon.new', 'w').write(str(os.getpid()));"
        code += f"os.rename('{notes}/daemon.new', '{notes}/daemon'); time.sleep(600)"
        os.closerange(0, 100)
        os.execve(sys.executable, [sys.executable, "-S", "-c", code], {})
    os._exit(0)
os.wait()
note("leader")
time.sleep(600)
"""
ORPHANS = """
import os
for _ in range(1000):
    if os.fork() == 0:
        os.fork()
        os._exit(0)
    os.wait()
"""
CHANGED = """
import os, sys, time
note = open(sys.argv[1] + ".new", "w")
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        exec(sys.argv[2])
        print(os.getpid(), file=note, flush=True)
        os.execve(sys.executable, [sys.executable, "-S", "-c", "import time; time.sleep(600)"], {})
    os._exit(0)
os.wait()
while not os.path.getsize(note.name):
    time.sleep(0.005)
os.rename(note.name, sys.argv[1])
time.sleep(600)
"""
LOOSE = """
import os, signal, sys, time
if os.fork() == 0:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    exec(sys.argv[2])
    with open(sys.argv[1] + ".new", "w") as file:
        file.write(str(os.getpid()))
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    time.sleep(600)
time.sleep(600)
"""
MEMBERS = ("leader", "child", "setsid", "daemon")


async def family(desk: Desk, folder: Path, run: int = 1) -> list[int]:
    """Start a leader, a child, one in its own session, and a daemon with an empty environment; return their pids."""
    await desk.spawn(run, [sys.executable, "-S", "-c", FAMILY, str(folder)])
    notes = [folder / name for name in MEMBERS]
    await eventually_async(lambda: all(note.exists() for note in notes))
    return [int(note.read_text()) for note in notes]


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0")


async def test_a_worker_leads_a_session_and_has_empty_stdin(desk: Desk) -> None:
    code = "import os; print(os.getsid(0) == os.getpid(), repr(os.read(0, 1)), os.getcwd())"
    spawned = await desk.spawn(1, [sys.executable, "-c", code], cwd="/usr")
    assert await desk.next() == WorkerExited(1, 0)
    assert await desk.next() == WorkerTreeExited(1, [])
    assert os.read(spawned.outputs[0], 100) == b"True b'' /usr\n"


async def test_a_worker_starts_with_default_signals(desk: Desk) -> None:
    spawned = await desk.spawn(1, ["cat", "/proc/self/status"])
    await desk.next()
    status = dict(line.split(b":\t", 1) for line in os.read(spawned.outputs[0], 10_000).splitlines())
    assert {status[name] for name in (b"SigBlk", b"SigIgn", b"SigCgt")} == {b"0" * 16}


async def test_exit_codes_and_signals_are_distinguished(desk: Desk) -> None:
    await desk.spawn(1, ["sh", "-c", "exit 3"])
    assert [await desk.next(), await desk.next()] == [WorkerExited(1, 3), WorkerTreeExited(1, [])]
    spawned = await desk.spawn(2, SLEEP)
    os.kill(spawned.pid, signal.SIGKILL)
    assert [await desk.next(), await desk.next()] == [WorkerExited(2, -9), WorkerTreeExited(2, [])]


@pytest.mark.parametrize(
    ("argv", "cwd", "why"),
    [
        (["/no/such/program"], "/", "No such file or directory: /no/such/program"),
        (SLEEP, "/no/such/folder", "No such file or directory: /no/such/folder"),
        (["/etc"], "/", "Permission denied: /etc"),
        (["a\0b"], "/", "ValueError: embedded null byte"),
        ([], "/", "IndexError: list index out of range"),
    ],
)
async def test_a_failed_spawn_names_the_path(desk: Desk, argv: list[str], cwd: str, why: str) -> None:
    desk.request(1, Launch(argv, cwd, {}))
    assert await desk.next() == WorkerSpawnFailed(1, why)


async def test_a_lone_surrogate_fails_one_spawn_only(desk: Desk) -> None:
    desk.request(1, Launch(["echo", "\ud800"], "/", {}))
    report = await desk.next()
    assert isinstance(report, WorkerSpawnFailed)
    assert report.error.startswith("UnicodeEncodeError")
    await desk.spawn(2, SLEEP)


async def test_terminate_reaches_the_whole_tree(desk: Desk, tmp_path: Path) -> None:
    pids = await family(desk, tmp_path)
    desk.spawner.terminate(1, signal.SIGTERM)
    assert [await desk.next(), await desk.next()] == [WorkerExited(1, -15), WorkerTreeExited(1, [])]
    assert [pid for pid in pids if is_alive(pid)] == []


async def test_kill_names_the_killed_processes(desk: Desk, tmp_path: Path) -> None:
    pids = await family(desk, tmp_path)
    desk.spawner.kill(1)
    assert await desk.next() == WorkerExited(1, -9)
    emptied = await desk.next()
    assert isinstance(emptied, WorkerTreeExited)
    assert {int(name.split()[0]) for name in emptied.killed} == set(pids)
    assert [pid for pid in pids if is_alive(pid)] == []


async def test_what_a_crash_leaves_behind_is_killed_and_no_other_run(desk: Desk, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("a", "b")]
    for folder in folders:
        folder.mkdir()
    crashing, staying = await family(desk, folders[0], run=1), await family(desk, folders[1], run=2)
    os.kill(crashing[0], signal.SIGKILL)
    assert [type(await desk.next()), type(await desk.next())] == [WorkerExited, WorkerTreeExited]
    assert [pid for pid in crashing if is_alive(pid)] == []
    assert [pid for pid in staying if is_alive(pid)] == staying


async def test_a_stopped_worker_receives_the_signal_to_end(desk: Desk) -> None:
    spawned = await desk.spawn(1, SLEEP)
    os.kill(spawned.pid, signal.SIGSTOP)
    desk.spawner.terminate(1, signal.SIGTERM)
    assert await desk.next() == WorkerExited(1, -15)


async def test_what_outlives_its_leader_is_left_until_kill(desk: Desk, tmp_path: Path) -> None:
    slow = "trap 'sleep 0.2; echo done > note; exit' TERM; touch ready; while :; do sleep 0.05; done"
    await desk.spawn(1, ["sh", "-c", f"sh -c {shlex.quote(slow)} & wait"], cwd=str(tmp_path))
    await eventually_async((tmp_path / "ready").exists)
    desk.spawner.terminate(1, signal.SIGTERM)
    assert [await desk.next(), await desk.next()] == [WorkerExited(1, -15), WorkerTreeExited(1, [])]
    assert (tmp_path / "note").read_text() == "done\n"


async def test_processes_that_keep_forking_and_leaving_are_caught(desk: Desk) -> None:
    hopper = "import os\nos.setsid() if os.fork() == 0 else os._exit(0)\nwhile True:\n    os.fork() and os._exit(0)"
    await desk.spawn(1, [sys.executable, "-S", "-c", hopper])
    assert await desk.next() == WorkerExited(1, 0)
    assert isinstance(await desk.next(), WorkerTreeExited)


async def test_a_thousand_orphans_are_reaped(desk: Desk) -> None:
    await desk.spawn(1, [sys.executable, "-S", "-c", ORPHANS])
    assert [await desk.next(), type(await desk.next())] == [WorkerExited(1, 0), WorkerTreeExited]
    children = Path(f"/proc/{desk.spawner.guardian_pid}/task/{desk.spawner.guardian_pid}/children")
    await eventually_async(lambda: children.read_text() == "")


async def test_a_killed_guardian_is_replaced_and_its_workers_killed(
    desk: Desk, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pids = await family(desk, tmp_path)
    first = desk.spawner.guardian_pid
    os.kill(first, signal.SIGKILL)
    assert [await desk.next(), await desk.next()] == [WorkerExited(1, -9), WorkerTreeExited(1, [])]
    assert [pid for pid in pids if is_alive(pid)] == []
    await desk.spawn(2, SLEEP)
    assert desk.spawner.guardian_pid != first
    assert caplog.messages == [f"the guardian (pid {first}) died; killing and restarting its processes"]


async def test_requests_during_the_replacement_of_the_guardian_are_answered(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    await desk.spawn(1, SLEEP)
    os.kill(desk.spawner.guardian_pid, signal.SIGKILL)
    await eventually_async(lambda: caplog.messages)  # it is noticed, and not replaced yet
    desk.spawner.terminate(1, signal.SIGTERM)
    desk.request(2, Launch(SLEEP, "/", dict(os.environ)))
    reports = [await desk.next() for _ in range(3)]
    assert WorkerExited(1, -9) in reports
    assert WorkerTreeExited(1, []) in reports
    await desk.spawn(3, SLEEP)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
@pytest.mark.parametrize("change", ["os.setgid(65534)", "os.setgid(65534); os.setuid(65534)"])
async def test_a_daemon_that_changed_its_user_belongs_to_its_run(desk: Desk, tmp_path: Path, change: str) -> None:
    await desk.spawn(1, [sys.executable, "-S", "-c", CHANGED, str(tmp_path / "pid"), change])
    await eventually_async((tmp_path / "pid").exists)
    pid = int((tmp_path / "pid").read_text())
    desk.spawner.terminate(1, signal.SIGTERM)
    assert [await desk.next(), await desk.next()] == [WorkerExited(1, -15), WorkerTreeExited(1, [])]
    assert not is_alive(pid)


async def test_a_process_that_changed_its_mark_belongs_to_the_run_it_was_seen_in(desk: Desk, tmp_path: Path) -> None:
    change = "import resource; resource.setrlimit(resource.RLIMIT_RTTIME, (-1, -1))"
    spawned = await desk.spawn(1, [sys.executable, "-S", "-c", LOOSE, str(tmp_path / "pid"), change])
    await eventually_async((tmp_path / "pid").exists)
    pid = int((tmp_path / "pid").read_text())
    desk.spawner.terminate(1, signal.SIGTERM)
    assert await desk.next() == WorkerExited(1, -15)
    assert is_alive(pid)
    desk.spawner.kill(1)
    assert isinstance(await desk.next(), WorkerTreeExited)
    assert not is_alive(pid)
    assert not is_alive(spawned.pid)


def test_a_script_that_cannot_be_read_is_explained_by_the_kernel_alone() -> None:
    unreadable = "/proc/self/mem"  # also for root
    assert explain_spawn_error(errno.ENOENT, unreadable, "No such file") == f"No such file: {unreadable}"


async def test_a_missing_interpreter_is_distinguished_from_a_missing_script(desk: Desk, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_bytes(b"#!/no/such/sh -e\necho hello\n")
    script.chmod(0o755)
    desk.request(1, Launch([str(script)], "/", {}))
    assert await desk.next() == WorkerSpawnFailed(
        1, f"{script} names an interpreter that does not exist: '/no/such/sh -e'"
    )


async def test_limits_that_are_too_high_are_reported(desk: Desk) -> None:
    import resource

    limits = {"limits": [(resource.RLIMIT_NOFILE, 1 << 40)]}
    desk.request(1, Launch(SLEEP, "/", {}, limits))
    assert await desk.next() == WorkerSpawnFailed(1, "the limits or the nice value are higher than allowed")


async def test_the_guardian_has_no_run_mark(desk: Desk) -> None:
    spawned = await desk.spawn(5, SLEEP)
    assert mark_of(spawned.pid) == desk.spawner.base + 5
    assert mark_of(desk.spawner.guardian_pid) == desk.spawner.base


async def test_the_guardians_command_line_does_not_name_the_manager(desk: Desk) -> None:
    await desk.spawn(1, SLEEP)
    assert command_line(desk.spawner.guardian_pid) == f"guardian of {os.getpid()}"


async def test_more_spawns_than_may_be_pending_are_all_answered(desk: Desk) -> None:
    for run in range(1, 301):
        desk.request(run, Launch(SLEEP, "/", dict(os.environ)))
    runs = [report.run for report in [await desk.next() for _ in range(300)] if isinstance(report, WorkerSpawned)]
    assert runs == [*range(1, 301)]


async def test_limits_and_umask_apply_to_one_worker_only(desk: Desk) -> None:
    import resource

    spawned = await desk.spawn(1, ["sh", "-c", "ulimit -n; umask"], limits=[(resource.RLIMIT_NOFILE, 77)], umask=0o027)
    await desk.next()
    await desk.next()
    assert os.read(spawned.outputs[0], 100) == b"77\n0027\n"
    other = await desk.spawn(2, ["sh", "-c", "ulimit -n"])
    await desk.next()
    await desk.next()
    assert int(os.read(other.outputs[0], 100)) == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
