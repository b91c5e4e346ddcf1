"""Hot reload with real files and real processes."""

import asyncio
import re
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import watchfiles

from pmtui import Manager, ProcessConfig
from pmtui.config.load import Loaded
from pmtui.config.model import Settings
from pmtui.control import Reason, Snapshot, Status
from pmtui.monitors.watch import reloader
from pmtui.monitors.watch.reloader import FileReloader, FlapDetector
from pmtui.monitors.watch.watcher import FileWatcher
from pmtui.supervisor.reload import ConfigSource
from tests.eventually import DEADLINE, complete_lines, eventually, eventually_async, is_alive, open_links
from tests.managed import STOPPED, managed, monitor_of, row, running, sh, until

QUIET = 0.15
"""Debounce time in these tests, in seconds."""


def watched(folder: Path, **fields: Any) -> ProcessConfig:
    return sh("a", "exec sleep 600", **{"cwd": str(folder), "dev_mode": True, "watch_debounce": QUIET} | fields)


@asynccontextmanager
async def watching(*configs: ProcessConfig, **options: Any) -> AsyncIterator[Manager]:
    """Run a manager that watches."""
    async with managed(*configs, **options) as manager:
        await asyncio.wait_for(monitor_of(manager, FileReloader).is_ready.wait(), DEADLINE)
        for config in configs:
            await running(manager, config.id)
        yield manager


async def restarted(manager: Manager, times: int = 1) -> Snapshot:
    return await until(manager, lambda now: now.restart_count >= times and now.status is Status.RUNNING)


async def settled(manager: Manager, beside: Path) -> None:
    """Wait until a change made now, and with it all earlier ones, has taken effect."""
    process = manager.supervisor.processes["a"]
    before = process.state.restarts
    (beside / "the-last-change.py").touch()
    await eventually_async(lambda: process.state.restarts > before and process.status is Status.RUNNING)


async def test_a_changed_file_restarts_the_process_and_is_named(tmp_path: Path) -> None:
    async with watching(watched(tmp_path)) as manager:
        first = await row(manager)
        (tmp_path / "agent.py").touch()  # a single change; writing would be another one
        again = await restarted(manager)
        assert (again.restart_count, again.restart_reason, again.reason) == (1, Reason.WATCH, "watch: agent.py changed")
        assert again.pid != first.pid


async def test_a_burst_is_one_restart_and_its_last_change_is_in_it(tmp_path: Path) -> None:
    folder, beside = tmp_path / "src", tmp_path / "agent.new"
    folder.mkdir()

    def save(version: int) -> None:
        """Replace the script: a single change."""
        beside.write_text(f"import time; print('v{version}', flush=True); time.sleep(600)")
        beside.replace(folder / "agent.py")

    save(0)
    config = ProcessConfig(
        id="a", command=sys.executable, args=["agent.py"], cwd=str(folder), dev_mode=True, watch_debounce=600.0
    )
    async with watching(config) as manager:
        process = manager.supervisor.processes["a"]
        for version in range(1, 5):
            await noticed(manager, partial(save, version))
        process.reconfigure(msgspec.structs.replace(process.config, watch_debounce=QUIET))
        assert process.state.restarts == 0
        save(5)
        await eventually_async(lambda: process.log.tail(1) == ["v5"])
        assert process.state.restarts == 1


async def noticed(manager: Manager, change: Callable[[], object]) -> None:
    """Make a change, and wait until it has put off the restart."""
    pending = monitor_of(manager, FileReloader)._pending
    before = pending["a"].timer if "a" in pending else None
    change()
    await eventually_async(lambda: "a" in pending and pending["a"].timer is not before)


async def test_the_restart_waits_until_changes_stop(tmp_path: Path) -> None:
    async with watching(watched(tmp_path, watch_debounce=0.5)) as manager:
        took = []
        for number in range(1, 4):
            began = time.monotonic()
            (tmp_path / f"{number}.py").touch()
            await restarted(manager, number)
            took.append(time.monotonic() - began)
        assert min(took) >= 0.5


async def test_ignored_files_restart_nothing(tmp_path: Path) -> None:
    async with watching(
        watched(tmp_path, watch_ignore=["*.tmp", "build/"]), settings=Settings(data_dir=str(tmp_path / "state"))
    ) as manager:
        for name in (
            ".git/index",
            "node_modules/x.js",
            "agent.log",
            "x.tmp",
            "build/out",
            "state/logs/a",
            "env/pyvenv.cfg",
        ):
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("changed")
        await settled(manager, tmp_path)
        again = await row(manager)
        assert (again.restart_count, again.reason) == (1, "watch: the-last-change.py changed")


async def test_output_of_the_manager_restarts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reloader, "own_output", lambda: [str(tmp_path / "out.txt")])
    async with watching(watched(tmp_path)) as manager:
        (tmp_path / "out.txt").write_text("agent running")
        await settled(manager, tmp_path)
        assert (await row(manager)).reason == "watch: the-last-change.py changed"


def test_the_manager_knows_the_files_it_prints_to(tmp_path: Path) -> None:
    code = "from pmtui.monitors.watch.reloader import own_output; import sys; print(own_output())"
    with (tmp_path / "out.txt").open("w") as out:
        subprocess.run([sys.executable, "-c", code], stdout=out, stderr=subprocess.DEVNULL, check=True)
    assert (tmp_path / "out.txt").read_text().strip() == str([str(tmp_path / "out.txt")])


async def test_new_directories_are_watched(tmp_path: Path) -> None:
    async with watching(watched(tmp_path)) as manager:
        (tmp_path / "new/deep").mkdir(parents=True)
        await settled(manager, tmp_path)
        again = await row(manager)
        assert (again.restart_count, again.reason) == (1, "watch: the-last-change.py changed")
        await eventually_async(lambda: is_watched(tmp_path / "new/deep"))
        (tmp_path / "new/deep/agent.py").touch()
        again = await restarted(manager, 2)
        assert (again.restart_count, again.reason) == (2, "watch: new/deep/agent.py changed")


def is_watched(directory: Path) -> bool:
    """Whether the kernel reports to this process what changes in the directory."""
    inode = f"{directory.stat().st_ino:x}"
    return any(inode in re.findall(r"^inotify wd:\w+ ino:(\w+)", info, re.MULTILINE) for info in descriptor_infos())


def descriptor_infos() -> Iterator[str]:
    for info in Path("/proc/self/fdinfo").iterdir():
        with suppress(FileNotFoundError):  # a thread has closed it
            yield info.read_text()


async def test_a_directory_moved_in_with_files_is_a_change(tmp_path: Path) -> None:
    (tmp_path / "elsewhere/deep").mkdir(parents=True)
    (tmp_path / "elsewhere/deep/agent.py").touch()
    (tmp_path / "source").mkdir()
    async with watching(watched(tmp_path / "source")) as manager:
        (tmp_path / "elsewhere").rename(tmp_path / "source/new")
        await restarted(manager)
        (tmp_path / "source/new").rename(tmp_path / "elsewhere")
        await restarted(manager, 2)


async def test_a_symlink_switched_to_another_release_is_a_change(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    current = tmp_path / "current"
    current.symlink_to("one")
    async with watching(watched(tmp_path, watch_paths=[str(current)])) as manager:
        (tmp_path / "link").symlink_to("two")
        (tmp_path / "link").replace(current)
        assert (await restarted(manager)).reason == "watch: current changed"
        (tmp_path / "two/agent.py").write_text("pass")
        assert (await restarted(manager, 2)).reason == "watch: agent.py changed"


async def test_a_stopped_process_stays_stopped(tmp_path: Path) -> None:
    async with watching(watched(tmp_path), watched(tmp_path, id="b")) as manager:
        await manager.stop("a")
        await manager.wait("a", STOPPED)
        (tmp_path / "agent.py").write_text("pass")
        await until(manager, lambda now: now.restart_count, "b")
        assert (await row(manager)).status is Status.STOPPED


async def test_a_failed_process_gets_another_chance(tmp_path: Path) -> None:
    script = tmp_path / "agent.sh"
    script.write_text("exit 1")
    async with managed(
        sh("a", "exec sh ./agent.sh", cwd=str(tmp_path), dev_mode=True, watch_debounce=QUIET, max_retries=0)
    ) as m:
        await asyncio.wait_for(monitor_of(m, FileReloader).is_ready.wait(), DEADLINE)
        await m.wait("a", frozenset({Status.FAILED}))
        script.write_text("exec sleep 600")
        assert (await until(m, lambda now: now.status is Status.RUNNING)).restart_reason is Reason.WATCH


async def test_a_process_that_changes_its_own_files_is_suspended_until_a_manual_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(reloader, "FLAP_INTERVAL", 3600.0)
    config = watched(tmp_path, command="date +%N > cache.json; exec sleep 600", watch_debounce=0)
    async with watching(config) as manager:
        (tmp_path / "begin.py").touch()  # its own first change may have come before the watcher was ready
        await eventually_async(lambda: caplog.messages)
        assert (await row(manager)).restart_count == reloader.MAX_RESTARTS
        assert caplog.messages[0].startswith(
            "a: cache.json changed, but hot reload is suspended until the next manual restart"
        )
        (tmp_path / "agent.py").write_text("pass")
        process = manager.supervisor.processes["a"]
        await manager.restart("a")
        await eventually_async(lambda: len(caplog.messages) == 2)
        assert process.state.restarts == 2 * reloader.MAX_RESTARTS + 1
        assert len(caplog.messages) == 2


def test_ten_restarts_in_a_minute_are_a_loop() -> None:
    guard = FlapDetector(1)
    for second in range(10):
        assert guard.allows(second)
        guard.record(second)
    assert not guard.allows(59)
    assert not guard.allows(1000), "there was no restart by hand since"
    guard.reset()
    assert guard.allows(1001)


def test_ten_restarts_in_more_than_a_minute_are_no_loop() -> None:
    guard = FlapDetector(1)
    for number in range(100):
        assert guard.allows(number * 6.0)
        guard.record(number * 6.0)


async def test_a_reload_changes_what_is_watched(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    first, second = (
        Loaded(processes=(watched(tmp_path, watch_paths=[str(tmp_path / name)]),)) for name in ("one", "two")
    )
    async with managed() as manager:
        manager.supervisor.load(ConfigSource(read=lambda: second, loaded=first))
        await running(manager)
        watcher = monitor_of(manager, FileReloader)
        await asyncio.wait_for(watcher.is_ready.wait(), DEADLINE)
        await manager.reload()
        await restarted(manager)
        await eventually_async(lambda: watcher._watcher and watcher._watcher.paths == {str(tmp_path / "two")})
        await asyncio.wait_for(watcher.is_ready.wait(), DEADLINE)
        (tmp_path / "one/agent.py").touch()
        (tmp_path / "two/agent.py").touch()
        assert (await restarted(manager, 2)).restart_reason is Reason.WATCH


async def test_without_dev_mode_there_is_no_thread() -> None:
    async with managed(sh("a", "exec sleep 600")) as manager:
        await running(manager)
        assert [thread.name for thread in threading.enumerate() if thread.name == "watch"] == []


async def test_an_invalid_pattern_is_logged_and_not_applied(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with watching(watched(tmp_path, watch_ignore=["!"])) as manager:
        (tmp_path / "agent.py").touch()
        await restarted(manager)
        assert caplog.messages == ["watchIgnore is not applied: Invalid git pattern: '!'"]


def test_all_files_are_scanned_if_the_kernel_cannot_report_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, told = watchfiles.watch, set[str]()
    armed = threading.Event()

    def limited(*paths: str, **options: Any) -> Iterable[set[Any]]:
        if not options["force_polling"]:
            raise RuntimeError("OS file watch limit reached")
        return real(*paths, **options | {"poll_delay_ms": 20})

    monkeypatch.setattr(watchfiles, "watch", limited)
    lookout = FileWatcher([str(tmp_path)], told.update, armed.set)
    try:
        assert armed.wait(DEADLINE)
        eventually(lambda: (tmp_path / "agent.py").write_text(str(time.monotonic())) and told)
        assert len(caplog.messages) == 1
        assert "OS file watch limit reached" in caplog.messages[0]
    finally:
        lookout.close()
        lookout.join()


@pytest.mark.parametrize("by", ["settings", "environment"])
async def test_polling_finds_changes_without_the_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    if by == "environment":
        monkeypatch.setenv("WATCHFILES_FORCE_POLLING", "1")
    before = inotify_instances()
    async with watching(watched(tmp_path), settings=Settings(watch_polling=by == "settings")) as manager:
        (tmp_path / "agent.py").touch()
        assert (await restarted(manager)).reason == "watch: agent.py changed"
        assert inotify_instances() == before


def inotify_instances() -> int:
    return sum("inotify" in link for link in open_links())


async def test_simultaneous_restarts_reloads_and_changes_end_in_one_copy_with_the_last_config(tmp_path: Path) -> None:
    note, folder = tmp_path / "pids", tmp_path / "src"
    folder.mkdir()

    def copies() -> list[int]:
        return [pid for line in complete_lines(note) if is_alive(pid := int(line.split()[0]))]

    def loaded(number: int) -> Loaded:
        line = f"echo $$ {number} >> {note}; exec sleep 600"
        return Loaded(processes=(watched(folder, command=line, watch_debounce=0.05),))

    versions = iter(range(1, 100))
    async with managed() as manager:
        manager.supervisor.load(ConfigSource(read=lambda: loaded(next(versions)), loaded=loaded(0)))
        await running(manager)
        await asyncio.wait_for(monitor_of(manager, FileReloader).is_ready.wait(), DEADLINE)

        async def edit(number: int) -> None:
            (folder / f"{number}.py").write_text("changed")

        await asyncio.gather(
            *(manager.restart("a") for _ in range(20)),
            *(manager.reload() for _ in range(20)),
            *(edit(number) for number in range(20)),
        )
        (folder / "last.py").touch()
        await until(manager, lambda now: now.restart_reason is Reason.WATCH and now.status is Status.RUNNING)
        # Changes that were made before are still being reported.
        await until(manager, lambda now: complete_lines(note)[-1:] == [f"{now.pid} 20"] and copies() == [now.pid])
