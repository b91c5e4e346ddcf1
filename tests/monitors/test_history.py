"""What is recorded of real processes, and what is answered about it."""

import os
import sys
from functools import partial
from pathlib import Path

import pytest

from pmtui import Manager, ProcessConfig
from pmtui.config.model import Health, Settings
from pmtui.control import InvalidError, NotFoundError, PastEvent, Status, UnavailableError
from pmtui.history import recorder
from pmtui.monitors import history
from pmtui.monitors.history import HistoryMonitor
from tests.eventually import DEADLINE, eventually_awaited
from tests.managed import STOPPED, managed, ready, running, sh, until

BUSY = "import time\nwhile time.process_time() < 0.5: pass\nprint('busy', flush=True)\nwhile True: pass"
CRASHER = "echo starting; echo the key is hush-hush >&2; exit 3"


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the recorder as long as it needs."""
    monkeypatch.setattr(recorder, "ANSWER_TIMEOUT", DEADLINE)
    monkeypatch.setattr(recorder, "CLOSE_TIMEOUT", DEADLINE)


async def sampled(manager: Manager) -> None:
    await manager._monitor(HistoryMonitor).sample()


async def events_of(manager: Manager, process_id: str = "a") -> list[PastEvent]:
    return [*await manager.past_events(process_id, "1h")]


async def test_cpu_memory_and_latency_are_recorded_while_a_process_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "STEP", 1e9)  # no sample comes by itself
    healthy = Health(command=["true"], interval=0.2, timeout=DEADLINE)
    busy = ProcessConfig(id="busy", command=sys.executable, args=["-c", BUSY], health=healthy)
    configs = busy, sh("idle", "echo idle; sleep 600; :"), sh("off", "sleep 600", autostart=False)
    async with managed(*configs, log_directory=tmp_path / "logs") as manager:
        await running(manager, "busy")
        for process_id in ("busy", "idle"):
            await eventually_awaited(partial(manager.logs, process_id))
        await sampled(manager)
        used = {}
        for process_id in ("busy", "idle"):
            usage = await manager.usage_history(process_id, "5m")
            assert usage.step == 10
            (used[process_id],) = {figure for figure in usage.cpu if figure is not None}
            (memory,) = {figure for figure in usage.memory if figure is not None}
            assert 100 << 10 < memory < 100 << 20
            assert any(usage.latency) is (process_id == "busy")
        assert used["busy"] > used["idle"]
        assert not any((await manager.usage_history("off", "5m")).cpu)


async def test_an_event_that_ends_a_run_tells_how_and_its_last_words(tmp_path: Path) -> None:
    config = sh("a", CRASHER, max_retries=1, backoff=0.01, env={"API_KEY": "hush-hush"})
    async with managed(config, log_directory=tmp_path / "logs") as manager:
        await until(manager, lambda now: now.status is Status.FAILED)
        events = await events_of(manager)
    assert [event.to for event in events] == ["starting", "running", "crashed", "starting", "running", "failed"]
    assert [event.ends_run for event in events] == [False, False, True, False, False, True]
    assert [event.exit_code for event in events if event.ends_run] == [3, 3]
    assert events[2].last_words == ["the key is ********"]


async def test_a_restart_and_a_stop_end_a_run_by_a_signal(tmp_path: Path) -> None:
    async with managed(sh("a", "sleep 600"), log_directory=tmp_path / "logs") as manager:
        await running(manager)
        await manager.restart("a")
        await until(manager, lambda now: now.status is Status.RUNNING and now.restart_count == 1)
        await manager.stop("a")
        await manager.wait("a", STOPPED)
        events = await events_of(manager)
    ends = [(event.to, event.signal) for event in events if event.ends_run]
    assert ends == [("starting", "SIGTERM"), ("stopped", "SIGTERM")]


async def test_the_next_manager_knows_what_happened(tmp_path: Path) -> None:
    config = sh("a", "echo bye; sleep 600")
    async with managed(config, log_directory=tmp_path / "logs") as manager:
        await ready(manager)
        await sampled(manager)
    async with managed(config, log_directory=tmp_path / "logs") as manager:
        await running(manager)
        events = await events_of(manager)
        assert [event.to for event in events] == ["starting", "running", "stopping", "stopped", "starting", "running"]
        assert events[3].last_words == ["bye"]
        assert any((await manager.usage_history("a")).memory)
        assert len(await manager.history("a")) == 2


async def test_without_history_there_is_none(tmp_path: Path) -> None:
    async with managed(
        sh("a", "sleep 600"), log_directory=tmp_path / "logs", settings=Settings(history=False)
    ) as manager:
        await running(manager)
        with pytest.raises(NotFoundError, match="There is no history"):
            await manager.usage_history("a")
        assert [event.to for event in await events_of(manager)] == ["starting", "running"]
    assert "history.db" not in os.listdir(tmp_path)


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ({"points": 0}, "points is a number from 1 to 10000, not 0"),
        ({"points": 10_001}, "points is a number from 1 to 10000"),
        ({"since": "yesterday"}, "since: expected a time"),
        ({"until": "tomorrow"}, "until: expected a time"),
        ({"since": "5m", "until": "10m"}, "since has to be before until"),
        ({"since": "9999-01-01T00:00:00Z"}, "since has to be before until"),
    ],
)
async def test_what_makes_no_sense_is_refused(tmp_path: Path, query: dict[str, str | int], complaint: str) -> None:
    async with managed(sh("a", "sleep 600"), log_directory=tmp_path / "logs") as manager:
        with pytest.raises(InvalidError, match=complaint):
            await manager.usage_history("a", **query)  # type: ignore[arg-type]
        with pytest.raises(NotFoundError, match="'nobody' not found"):
            await manager.usage_history("nobody")


async def test_the_last_hour_has_as_many_figures_as_asked_for(tmp_path: Path) -> None:
    async with managed(sh("a", "sleep 600"), log_directory=tmp_path / "logs") as manager:
        assert (await manager.usage_history("a")).step == 12
        for since, points, count in (("1h", 300, 300), ("1h", 10_000, 360), ("1h", 7, 7), ("30d", 300, 300)):
            usage = await manager.usage_history("a", since, points=points)
            assert len(usage.cpu) == len(usage.memory) == len(usage.latency) == count


async def test_a_file_that_cannot_be_used_costs_only_the_history(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "history.db").mkdir()
    async with managed(sh("a", "sleep 600"), log_directory=tmp_path / "logs") as manager:
        await running(manager)
        for _ in range(3):
            await sampled(manager)
            with pytest.raises(UnavailableError, match="is not a file; remove it"):
                await manager.usage_history("a")
        (tmp_path / "history.db").rmdir()
        assert [event.to for event in await events_of(manager)] == ["starting", "running"]
    assert [record.message.count("is not a file") for record in caplog.records] == [1]


async def test_a_removed_process_leaves_its_history(tmp_path: Path) -> None:
    config = ProcessConfig(id="a", command="sleep 600")
    async with managed(config, log_directory=tmp_path / "logs") as manager:
        await until(manager, lambda now: now.memory > 0)
        await sampled(manager)
    async with managed(sh("b", "sleep 600"), log_directory=tmp_path / "logs") as manager:
        with pytest.raises(NotFoundError):
            await manager.usage_history("a")
    async with managed(config, log_directory=tmp_path / "logs") as manager:
        assert any((await manager.usage_history("a")).memory)


async def test_samples_come_by_themselves(tmp_path: Path) -> None:
    async with managed(sh("a", "sleep 600"), log_directory=tmp_path / "logs") as manager:

        async def sampled_by_itself() -> bool:
            return any((await manager.usage_history("a", "5m")).memory)

        await eventually_awaited(sampled_by_itself)
