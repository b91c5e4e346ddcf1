"""Installations before the first start, with real tools and without a network."""

import asyncio
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from pmtui import Manager, ProcessConfig
from pmtui.config.model import Settings
from pmtui.control import Status
from pmtui.monitors.watch.reloader import FileReloader
from tests.eventually import DEADLINE, eventually_async, eventually_awaited, is_alive
from tests.managed import STOPPED, managed, monitor_of, row, running, sh, texts, until

FAILED = frozenset({Status.FAILED, Status.CRASHED})


def settings(folder: Path) -> Settings:
    return Settings(data_dir=str(folder / "state"))


def installing(folder: Path, line: str, **fields: Any) -> ProcessConfig:
    """Configure a process whose installation is a line of shell."""
    return sh("a", "echo started; exec sleep 600", cwd=str(folder), install=["sh", "-c", line], **fields)


async def test_dependencies_are_installed_before_the_start_and_logged(tmp_path: Path) -> None:
    async with managed(installing(tmp_path, "echo fetching; touch done"), settings=settings(tmp_path)) as manager:
        await running(manager)
        assert (tmp_path / "done").exists()
        await eventually_awaited(lambda: has_started(manager))
        assert await texts(manager) == ["fetching", "started"]
        assert {line.run for line in await manager.logs("a")} == {1}


async def has_started(manager: Manager) -> bool:
    return "started" in await texts(manager)


async def test_the_stage_is_shown_during_an_installation(tmp_path: Path) -> None:
    config = installing(tmp_path, "echo waiting; while [ ! -e go ]; do sleep 0.02; done")
    async with managed(config, settings=settings(tmp_path)) as manager:
        now = await until(manager, lambda now: now.stage == "installing-dependencies")
        assert (now.status, now.pid, now.ready) == (Status.STARTING, 0, False)
        (tmp_path / "go").touch()
        assert (await running(manager)).stage is None


async def test_the_same_inputs_are_installed_once_even_by_another_manager(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("one\n")
    config = installing(tmp_path, "echo x >> times")
    for _ in range(2):
        async with managed(config, settings=settings(tmp_path)) as manager:
            await running(manager)
            await manager.restart("a")
            await until(manager, lambda now: now.restart_count == 1 and now.status is Status.RUNNING)
    assert (tmp_path / "times").read_text() == "x\n"
    (tmp_path / "requirements.txt").write_text("two\n")
    async with managed(config, settings=settings(tmp_path)) as manager:
        await running(manager)
    assert (tmp_path / "times").read_text() == "x\nx\n"


async def test_a_lock_file_written_by_the_installation_is_no_new_input(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"dependencies": {"x": "*"}}')
    npm = tmp_path / "bin/npm"
    npm.parent.mkdir()
    npm.write_text("#!/bin/sh\nmkdir -p node_modules; echo $@ >> times; echo {} > package-lock.json\n")
    npm.chmod(0o755)
    config = sh("a", "sleep 600", cwd=str(tmp_path), install="auto", env={"PATH": f"{npm.parent}:/usr/bin:/bin"})
    async with managed(config, settings=settings(tmp_path)) as manager:
        await running(manager)
        await manager.restart("a")
        await until(manager, lambda now: now.restart_count == 1 and now.status is Status.RUNNING)
        assert (tmp_path / "times").read_text() == "install\n"
        (tmp_path / "package-lock.json").write_text("{}  ")
        await manager.restart("a")
        await until(manager, lambda now: now.restart_count == 2 and now.status is Status.RUNNING)
        assert (tmp_path / "times").read_text() == "install\nci\n"


async def test_changes_during_an_installation_cause_no_restart(tmp_path: Path) -> None:
    line = "echo x >> times; touch made.py; while [ ! -e ../go ]; do sleep 0.02; done"
    folder = tmp_path / "src"
    folder.mkdir()
    watched: dict[str, Any] = {"dev_mode": True, "watch_debounce": 0}
    witness = sh("b", "exec sleep 600", cwd=str(folder), watch_ignore=["times", "made.py"], **watched)
    async with managed(installing(folder, line, **watched), witness, settings=settings(tmp_path)) as manager:
        await asyncio.wait_for(monitor_of(manager, FileReloader).is_ready.wait(), DEADLINE)
        await until(manager, lambda now: now.stage == "installing-dependencies")
        await eventually_async((folder / "made.py").exists)
        (folder / "agent.py").touch()
        await until(manager, lambda now: now.restart_count, "b")  # the change was reported for both
        (tmp_path / "go").touch()
        assert (await running(manager)).restart_count == 0
        assert (folder / "times").read_text() == "x\n"


async def test_instances_of_one_directory_are_installed_once(tmp_path: Path) -> None:
    configs = [installing(tmp_path, "echo x >> times; sleep 0.1", instance=number) for number in range(3)]
    configs = [
        ProcessConfig(**{name: getattr(config, name) for name in config.__struct_fields__} | {"id": f"a-{number}"})
        for number, config in enumerate(configs)
    ]
    async with managed(*configs, settings=settings(tmp_path)) as manager:
        for config in configs:
            await running(manager, config.id)
    assert (tmp_path / "times").read_text() == "x\n"


async def test_a_failed_installation_is_a_failed_start_and_is_retried(tmp_path: Path) -> None:
    line = "echo fetching; [ -e go ] || { echo no such package >&2; exit 4; }"
    async with managed(installing(tmp_path, line, backoff=0.3), settings=settings(tmp_path)) as manager:
        crashed = await manager.wait("a", FAILED)
        assert crashed.last_error.endswith("exit 4: no such package")
        (tmp_path / "go").touch()
        await running(manager)


async def test_an_installer_that_cannot_be_executed_fails_the_start_too(tmp_path: Path) -> None:
    config = sh("a", "sleep 600", cwd=str(tmp_path), install=["no-such-tool"], max_retries=0)
    async with managed(config, settings=settings(tmp_path)) as manager:
        assert "no-such-tool" in (await manager.wait("a", FAILED)).last_error


async def test_a_stop_ends_the_installation_first(tmp_path: Path) -> None:
    config = installing(tmp_path, "setsid sleep 600 & echo $!; wait; sleep 600")
    async with managed(config, settings=settings(tmp_path)) as manager:
        (pid,) = map(int, await eventually_awaited(lambda: texts(manager)))
        await manager.stop("a")
        stopped = await manager.wait("a", STOPPED)
        assert not is_alive(pid)
        assert (stopped.restart_count, await texts(manager)) == (0, [str(pid)])


async def test_an_installation_that_ignores_its_signal_is_killed_in_time(tmp_path: Path) -> None:
    config = installing(tmp_path, "trap '' TERM; echo $$; while :; do sleep 0.05; done", stop_timeout=0.2)
    async with managed(config, settings=settings(tmp_path)) as manager:
        (pid,) = map(int, await eventually_awaited(lambda: texts(manager)))
        await manager.stop("a")
        await manager.wait("a", STOPPED)
        assert not is_alive(pid)


async def test_an_interrupted_installation_is_repeated(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"dependencies": {"x": "*"}}')
    npm = tmp_path / "bin/npm"
    npm.parent.mkdir()
    npm.write_text("#!/bin/sh\nmkdir -p node_modules; echo $@ >> times; [ -e go ] || sleep 600\n")
    npm.chmod(0o755)
    config = sh("a", "sleep 600", cwd=str(tmp_path), install="auto", env={"PATH": f"{npm.parent}:/usr/bin:/bin"})
    async with managed(config, settings=settings(tmp_path)) as manager:
        await eventually_async(lambda: (tmp_path / "times").exists() and (tmp_path / "times").read_text())
    (tmp_path / "go").touch()
    async with managed(config, settings=settings(tmp_path)) as manager:
        await running(manager)
    assert (tmp_path / "times").read_text() == "install\ninstall\n"


async def test_a_restart_during_an_installation_repeats_it_and_never_runs_two(tmp_path: Path) -> None:
    wait = "while [ ! -e go ]; do sleep 0.02; done; rmdir busy"
    line = f"trap 'rmdir busy; exit 1' TERM; mkdir busy || exit 9; echo $$; {wait}"
    async with managed(installing(tmp_path, line), settings=settings(tmp_path)) as manager:
        await eventually_awaited(lambda: texts(manager))
        for _ in range(20):
            await manager.restart("a")
        (tmp_path / "go").touch()
        again = await running(manager)
        assert (again.restart_count, again.last_error) == (1, "")


async def test_missing_dependencies_are_logged_once_and_named_in_the_error_of_a_crash(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "package.json").write_text('{"dependencies": {"x": "*"}}')
    (tmp_path / "server.js").write_text("require('x')")
    config = ProcessConfig(id="a", script="server.js", cwd=str(tmp_path), max_retries=1, backoff=0.01)
    if shutil.which("node") is None:
        pytest.skip("node is not here")
    async with managed(config) as manager:
        failed = await manager.wait("a", frozenset({Status.FAILED}))
        hint = 'node_modules is missing beside package.json: set "install": "auto" or run npm install'
        assert failed.last_error.endswith(f"({hint})")
        assert caplog.messages == [f"a: {hint}"]


async def test_a_python_project_gets_its_virtual_environment(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("# nothing to download\n")
    (tmp_path / "agent.py").write_text("import sys, time; print(sys.prefix); time.sleep(600)")
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    config = ProcessConfig(id="a", script="agent.py", cwd=str(tmp_path), install="auto", env=environment)
    async with managed(config, settings=settings(tmp_path)) as manager:
        now = await manager.wait("a", frozenset({Status.RUNNING, Status.CRASHED}))
        assert (now.status, now.last_error) == (Status.RUNNING, "")
        await eventually_awaited(lambda: says(manager, str(tmp_path / ".venv")))


async def says(manager: Manager, text: str) -> bool:
    return text in await texts(manager)


async def test_a_node_project_gets_its_modules(tmp_path: Path) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not here")
    (tmp_path / "dep").mkdir()
    (tmp_path / "dep/package.json").write_text('{"name": "dep", "version": "1.0.0", "main": "index.js"}')
    (tmp_path / "dep/index.js").write_text("module.exports = 'from the dependency'")
    (tmp_path / "package.json").write_text('{"name": "app", "version": "1.0.0", "dependencies": {"dep": "file:./dep"}}')
    (tmp_path / "server.js").write_text("console.log(require('dep')); setInterval(() => {}, 1000)")
    config = ProcessConfig(id="a", script="server.js", cwd=str(tmp_path), install="auto")
    async with managed(config, settings=settings(tmp_path)) as manager:
        now = await manager.wait("a", frozenset({Status.RUNNING, Status.CRASHED}))
        assert (now.status, now.last_error) == (Status.RUNNING, "")
        await eventually_awaited(lambda: says(manager, "from the dependency"))
        assert (await row(manager)).restart_count == 0
