"""Rolling restarts of real processes: who serves when, and what is left at the end."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pmtui.config.load import load_config
from pmtui.config.model import Health, ProcessConfig, Settings
from pmtui.control import ConflictError, Rolling, Status
from pmtui.dashboard.style.glyphs import UNICODE
from pmtui.dashboard.style.statuses import status_label
from pmtui.manager import Manager
from pmtui.monitors.monitor import Monitor
from pmtui.supervisor.process import Process
from tests.eventually import DEADLINE, eventually_async, eventually_awaited, is_alive, open_links
from tests.fake_control import snapshot
from tests.managed import STOPPED, managed, row, running, sh, until


def rolling(folder: Path, process_id: str = "a", line: str = "", **fields: Any) -> ProcessConfig:
    """Configure a process that is ready once it prints "ready", for which a file `go` has to be there."""
    line = line or 'while [ ! -e go ]; do sleep 0.05; done; echo "ready $PORT"; exec sleep 600'
    given: dict[str, Any] = {
        "cwd": str(folder),
        "port": "auto",
        "rolling": True,
        "health": Health(log="^ready", interval=0.2, start_period=DEADLINE),
    }
    return sh(process_id, line, **given | fields)


class Counter(Monitor):
    """Counts how many processes have a second run at once."""

    most = 0

    def process_changed(self, process: Process) -> None:
        seconds = [one.state.second for one in self.supervisor.processes.values()]
        self.most = max(self.most, sum(second is not None and second.is_started for second in seconds))


def settings(folder: Path) -> Settings:
    return Settings(data_dir=str(folder / "data"))


def pids(manager: Manager, process_id: str = "a") -> list[int]:
    return [run.pid for run in manager.supervisor.processes[process_id].runs if run.pid]


async def test_the_old_run_serves_until_the_new_one_is_ready(tmp_path: Path) -> None:
    go = tmp_path / "go"
    go.touch()
    async with managed(rolling(tmp_path), settings=settings(tmp_path)) as manager:
        old = await running(manager)
        go.unlink()
        await manager.restart("a")
        now = await until(manager, lambda now: now.rolling and now.rolling.stage == "waiting-for-health")
        assert (now.status, now.ready, now.pid, now.ports) == (Status.RUNNING, True, old.pid, old.ports)
        assert now.rolling
        assert is_alive(old.pid)
        assert is_alive(now.rolling.pid)
        go.touch()
        new = await until(manager, lambda now: now.pid != old.pid)
        assert (new.status, new.restart_count, new.restart_reason) == (Status.RUNNING, 1, "user")
        assert new.ports != old.ports
        await until(manager, lambda now: now.rolling is None)
        assert not is_alive(old.pid)
        assert len(pids(manager)) == 1
        await manager.restart("a")
        again = await until(manager, lambda now: now.restart_count == 2 and now.rolling is None)
        assert again.ports == old.ports  # both ports are kept, and used in turn


async def test_a_new_run_that_fails_leaves_the_old_one_and_says_why(tmp_path: Path) -> None:
    line = 'if [ -e broken ]; then echo "ValueError: no" >&2; exit 3; fi; echo ready; exec sleep 600'
    async with managed(rolling(tmp_path, line=line), settings=settings(tmp_path)) as manager:
        old = await running(manager)
        (tmp_path / "broken").touch()
        await manager.restart("a")
        result = await manager.outcome("a", "restart")
        assert not result.ok
        assert "the old run goes on" in result.message
        now = await until(manager, lambda now: now.roll_error and now.rolling is None)
        assert (now.status, now.pid, now.ready, now.failures) == (Status.RUNNING, old.pid, True, 0)
        assert "ValueError: no" in now.roll_error
        assert "exit 3" in now.roll_error
        (tmp_path / "broken").unlink()
        await manager.restart("a")
        assert (await manager.outcome("a", "restart")).ok
        after = await row(manager)
        assert (after.roll_error, after.pid != old.pid) == ("", True)


async def test_instances_are_replaced_one_after_the_other(tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    configs = [rolling(tmp_path, f"web-{number}", instance=number) for number in (1, 2, 3)]
    async with managed(*configs, settings=settings(tmp_path)) as manager:
        for config in configs:
            await running(manager, config.id)
        counter = Counter(manager.supervisor)
        manager.supervisor.observers = [*manager.supervisor.observers, counter]
        await manager.bulk("restart", ["web-*"])

        async def all_replaced() -> bool:
            return all(one.restart_count == 1 and one.rolling is None for one in await manager.list())

        await eventually_awaited(all_replaced)
        assert counter.most == 1


async def test_a_stop_in_the_midst_ends_both_runs(tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    async with managed(rolling(tmp_path), settings=settings(tmp_path)) as manager:
        await running(manager)
        (tmp_path / "go").unlink()
        await manager.restart("a")
        await until(manager, lambda now: now.rolling and now.rolling.pid)
        both = pids(manager)
        assert len(both) == 2
        await manager.stop("a")
        await manager.wait("a", STOPPED)
        assert not any(map(is_alive, both))


async def test_an_old_run_that_crashes_is_replaced_by_the_new_one(tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    async with managed(rolling(tmp_path), settings=settings(tmp_path)) as manager:
        await running(manager)
        (tmp_path / "go").unlink()
        await manager.restart("a")
        now = await until(manager, lambda now: now.rolling and now.rolling.pid)
        assert now.rolling
        await manager.signal("a", "KILL")
        starting = await until(manager, lambda now: now.status is Status.STARTING)
        assert starting.pid == now.rolling.pid
        (tmp_path / "go").touch()
        assert (await running(manager)).pid == starting.pid


async def test_concurrent_requests_end_in_one_run(tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    async with managed(rolling(tmp_path), settings=settings(tmp_path)) as manager:
        await running(manager)
        await asyncio.gather(*(manager.restart("a") for _ in range(20)))
        await until(manager, lambda now: now.restart_count >= 1 and now.rolling is None)
        await eventually_async(lambda: len(pids(manager)) == 1 and not manager.supervisor.processes["a"].state.second)
        assert (await row(manager)).status is Status.RUNNING


async def test_a_process_whose_runs_would_share_a_port_is_refused() -> None:
    async with managed(sh("a", "exec sleep 600"), sh("b", "exec sleep 600", port=9)) as manager:
        with pytest.raises(ConflictError, match="both runs would want one address"):
            await manager.roll("a")
        with pytest.raises(ConflictError, match="both runs would want port 9"):
            await manager.roll("b")


async def test_a_restart_may_be_rolling_once(tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    async with managed(rolling(tmp_path, rolling=False), settings=settings(tmp_path)) as manager:
        old = await running(manager)
        await manager.roll("a")
        await until(manager, lambda now: now.restart_count == 1 and now.rolling is None)
        assert not is_alive(old.pid)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ("", 'both runs would want one address; use sockets or port = "auto"'),
        ("port = 8001", 'both runs would want port 8001; use sockets or port = "auto"'),
        ('port = "auto"\ntty = true', "tty is for one run at a time"),
        ('sockets = { a = 1 }\nstopCommand = "x"', "stopCommand is for one run at a time"),
    ],
)
def test_what_prevents_two_runs_is_an_error_of_the_config(tmp_path: Path, fields: str, problem: str) -> None:
    (tmp_path / "pmtui.toml").write_text(f'[process.a]\ncommand = "x"\nrolling = true\n{fields}\n')
    (error,) = load_config(tmp_path / "pmtui.toml").errors
    assert str(error) == f"process.a.rolling: {problem}"


def test_a_row_says_that_a_new_run_starts() -> None:
    one = snapshot("a", rolling=Rolling(pid=2, stage="waiting-for-health"))
    assert status_label(one, 0.0, UNICODE).text == "◐ new run starting"
    ending = snapshot("a", rolling=Rolling(pid=2, stage="stopping"))
    assert status_label(ending, 0.0, UNICODE).text == "● running"


async def test_the_terminal_is_that_of_the_run_that_serves(tmp_path: Path) -> None:
    line = "stty -echo; echo ready; while read -r word; do echo $PMTUI_RUN got $word; done"
    config = rolling(tmp_path, line=line, tty=True, health=None)
    async with managed(config, settings=settings(tmp_path)) as manager:
        process = manager.supervisor.processes["a"]
        old = await running(manager)
        before = open_terminals()
        await manager.restart("a")
        await until(manager, lambda now: now.pid != old.pid and now.rolling is None)
        await manager.send_input("a", b"hello\r")
        name = f"{process.run}"

        async def answered() -> bool:
            screen, _ = await manager.screen("a")
            return any(f"-{name} got hello" in text for text in screen.lines)

        await eventually_awaited(answered)
        await eventually_async(lambda: open_terminals() == before)


def open_terminals() -> int:
    """Count the manager's ends of pseudo-terminals."""
    return sum(link.startswith("/dev/ptmx") for link in open_links())
