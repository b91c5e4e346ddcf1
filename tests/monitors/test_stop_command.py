"""Stop commands with real processes."""

from pathlib import Path

import pytest

from pmtui.control import Status
from pmtui.monitors.monitor import Monitor
from pmtui.supervisor import events
from pmtui.supervisor.process import Process
from tests.eventually import complete_lines, eventually_async, is_alive
from tests.managed import STUBBORN, managed, ready, running, sh, texts, until

TRAP = "trap 'echo got TERM; exit 0' TERM; echo ready; while :; do sleep 0.05; done"


async def test_the_command_runs_before_the_stop_signal_and_logs_its_output() -> None:
    async with managed(sh("a", TRAP, stop_command="echo stop command of $PMTUI_ID")) as manager:
        await ready(manager)
        await manager.stop("a")
        await until(manager, lambda now: now.status is Status.STOPPED)
        lines = [line for line in await texts(manager) if line != "Terminated"]  # the shell's, about its sleep
        assert lines == ["ready", "stop command of a", "got TERM"]


async def test_a_command_that_ends_the_process_is_waited_for(tmp_path: Path) -> None:
    line = "echo $$ > pid; echo ready; exec sleep 600"
    stop = "kill -9 $(cat pid); sleep 0.3; touch cleaned"
    async with managed(sh("a", line, cwd=str(tmp_path), stop_command=stop)) as manager:
        await ready(manager)
        await manager.stop("a")
        await until(manager, lambda now: now.status is Status.STOPPED)
        assert (tmp_path / "cleaned").exists()


async def test_the_stop_signal_comes_even_if_the_command_fails(caplog: pytest.LogCaptureFixture) -> None:
    async with managed(sh("a", TRAP, stop_command=["sh", "-c", "echo no daemon >&2; exit 3"])) as manager:
        await ready(manager)
        await manager.stop("a")
        await until(manager, lambda now: now.status is Status.STOPPED)
        assert "got TERM" in await texts(manager)
        assert caplog.messages == ["stopCommand of a: exit 3: no daemon"]


async def test_a_missing_command_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    async with managed(sh("a", TRAP, stop_command=["/no/such/program"])) as manager:
        await ready(manager)
        await manager.stop("a")
        await until(manager, lambda now: now.status is Status.STOPPED)
        assert caplog.messages == ["stopCommand of a: No such file or directory: /no/such/program"]


async def test_a_command_that_hangs_is_killed_after_the_timeout(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stop = f"echo $$ > {tmp_path}/pid; exec sleep 600"
    async with managed(sh("a", TRAP, stop_command=stop, stop_timeout=0.3)) as manager:
        await ready(manager)
        await manager.stop("a")
        await until(manager, lambda now: now.status is Status.STOPPED)
        await eventually_async(lambda: caplog.messages)
        assert caplog.messages == ["stopCommand of a: killed after 0.3 s"]
        await eventually_async(lambda: not any(map(is_alive, pids(tmp_path))))


def pids(folder: Path) -> list[int]:
    """Return the pid that a stop command has written, unless it was killed before."""
    return [*map(int, complete_lines(folder / "pid"))]


class Impatient(Monitor):
    """Kills the process as soon as its stop command is given up."""

    def process_changed(self, process: Process) -> None:
        if process.status is Status.STOPPING and not process.state.in_stop_command and not process.state.killed:
            process.handle(events.Kill())


async def test_a_kill_after_the_timeout_does_not_hide_it(caplog: pytest.LogCaptureFixture) -> None:
    async with managed(sh("a", STUBBORN, stop_command="exec sleep 600", stop_timeout=0.3)) as manager:
        manager.supervisor.observers = [*manager.supervisor.observers, Impatient(manager.supervisor)]
        await ready(manager)
        await manager.stop("a")
        await until(manager, lambda now: now.status is Status.STOPPED)
        await eventually_async(lambda: caplog.messages)
        assert caplog.messages == ["stopCommand of a: killed after 0.3 s"]


async def test_what_ignores_command_and_signal_is_killed() -> None:
    async with managed(sh("a", STUBBORN, stop_command="true", stop_timeout=0.3)) as manager:
        await ready(manager)
        await manager.stop("a")
        now = await until(manager, lambda now: now.status is Status.STOPPED)
        assert now.signal == "SIGKILL"


async def test_a_kill_does_not_wait_for_the_command(tmp_path: Path) -> None:
    stop = f"echo $$ > {tmp_path}/pid; exec sleep 600"
    async with managed(sh("a", STUBBORN, stop_command=stop)) as manager:
        await ready(manager)
        await manager.stop("a")
        await eventually_async(lambda: pids(tmp_path))
        await manager.kill("a")
        await until(manager, lambda now: now.status is Status.STOPPED)
        await eventually_async(lambda: not any(map(is_alive, pids(tmp_path))))


DAEMON = "setsid sleep 600 & echo $! > {folder}/daemon; echo started"


async def test_a_detached_process_runs_until_it_is_stopped_and_what_it_left_ends_then(tmp_path: Path) -> None:
    async with managed(sh("a", DAEMON.format(folder=tmp_path), detached=True)) as manager:
        now = await until(manager, lambda now: now.exit_code == 0)
        daemon = int((tmp_path / "daemon").read_text())
        assert (now.status, now.pid, now.restart_count) == (Status.RUNNING, 0, 0)
        assert is_alive(daemon)
        assert (await until(manager, lambda now: now.memory > 0)).uptime_seconds > 0
        await manager.stop("a")
        await until(manager, lambda now: now.status is Status.STOPPED)
        assert not is_alive(daemon)


async def test_a_detached_process_is_stopped_by_its_command(tmp_path: Path) -> None:
    """As `docker compose up -d`, which leaves nothing in the tree."""
    config = sh("a", "touch up", cwd=str(tmp_path), detached=True, stop_command="rm up")
    async with managed(config) as manager:
        await until(manager, lambda now: now.exit_code == 0)
        await manager.restart("a")
        await until(manager, lambda now: now.restart_count == 1 and now.exit_code == 0)
        assert (tmp_path / "up").exists()
        await manager.stop("a")
        await until(manager, lambda now: now.status is Status.STOPPED)
        assert not (tmp_path / "up").exists()


async def test_a_detached_process_that_fails_is_retried() -> None:
    async with managed(sh("a", "exit 3", detached=True, max_retries=1, backoff=0.1)) as manager:
        now = await until(manager, lambda now: now.status is Status.FAILED)
        assert now.exit_code == 3


async def test_nothing_of_a_detached_process_outlives_the_manager(tmp_path: Path) -> None:
    async with managed(sh("a", DAEMON.format(folder=tmp_path), detached=True)) as manager:
        await running(manager)
        await until(manager, lambda now: now.exit_code == 0)
        daemon = int((tmp_path / "daemon").read_text())
    assert not is_alive(daemon)
