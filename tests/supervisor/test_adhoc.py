"""Processes outside the config, with real processes."""

import json
from pathlib import Path

import pytest

from pmtui import Manager
from pmtui.config.load import load_config
from pmtui.control import ConflictError, NotFoundError, RejectedError, Status
from pmtui.supervisor.reload import ConfigSource
from tests.eventually import eventually_async, is_alive
from tests.managed import managed, row, running, sh

SLEEP = {"command": "sleep 600"}


async def test_it_is_started_marked_and_removed_with_its_tree() -> None:
    async with managed(sh("a", "sleep 600")) as manager:
        assert await manager.add({"id": "job", **SLEEP}) == "job"
        pid = (await running(manager, "job")).pid
        assert [(one.id, one.origin) for one in await manager.list()] == [("a", "config"), ("job", "adhoc")]
        await manager.remove("job")
        assert not is_alive(pid)
        assert [one.id for one in await manager.list()] == ["a"]
        with pytest.raises(NotFoundError):
            await manager.remove("job")


async def test_a_missing_program_is_looked_for_once() -> None:
    async with managed() as manager:
        await manager.add({"id": "job", "command": "nosuchprogram", "restart": "never"})
        found = await row(manager, "job")
        assert (found.status, found.restart_count) == (Status.FAILED, 0)


async def test_its_dependencies_are_started_first() -> None:
    async with managed(sh("db", "sleep 600", autostart=False)) as manager:
        await manager.add({"id": "job", "dependsOn": ["db"], **SLEEP})
        await running(manager, "job")
        assert (await row(manager, "db")).status is Status.RUNNING


async def test_all_errors_are_reported_at_once() -> None:
    async with managed() as manager:
        with pytest.raises(RejectedError) as refused:
            await manager.add({"id": "a b", "comand": "x", "dependsOn": ["nobody"], "restart": "sometimes"})
        text = str(refused.value)
        assert all(part in text for part in ("id: expected", "comand: unknown field", "restart: expected one of"))
        with pytest.raises(RejectedError, match=r"dependsOn\.nobody: no process has this id"):
            await manager.add({"id": "job", "dependsOn": ["nobody"], **SLEEP})
        with pytest.raises(RejectedError, match="instances: a process outside the config has one"):
            await manager.add({"id": "job", "instances": 2, **SLEEP})
        assert await manager.list() == []


async def test_ids_are_unique_and_the_config_keeps_its_processes() -> None:
    async with managed(sh("a", "sleep 600")) as manager:
        with pytest.raises(ConflictError, match="There already is a process 'a'"):
            await manager.add({"id": "a", **SLEEP})
        with pytest.raises(ConflictError, match="belongs to the config"):
            await manager.remove("a")


def source_of(path: Path) -> ConfigSource:
    return ConfigSource(lambda: load_config(path), load_config(path))


def write(path: Path, *ids: str) -> None:
    path.write_text(json.dumps([{"id": name, **SLEEP} for name in ids]))


async def test_a_reload_leaves_it_alone_and_refuses_its_id(tmp_path: Path) -> None:
    path = tmp_path / "pb_processes.json"
    write(path, "a")
    async with managed() as manager:
        manager.supervisor.load(source_of(path))
        await manager.add({"id": "job", **SLEEP})
        pid = (await running(manager, "job")).pid
        write(path, "a", "b")
        assert (await manager.reload()).added == ["b"]
        await assert_unchanged(manager, pid)
        write(path, "a", "job")
        [error] = (await manager.reload()).errors
        assert "job: an ad-hoc process has this id" in error
        await assert_unchanged(manager, pid)
        await manager.remove("job")
        assert (await manager.reload()).added == ["job"]
        assert (await running(manager, "job")).origin == "config"


async def assert_unchanged(manager: Manager, pid: int) -> None:
    one = await row(manager, "job")
    assert (one.pid, one.status, one.origin) == (pid, Status.RUNNING, "adhoc")


async def test_its_paths_start_at_the_folder_of_the_config(tmp_path: Path) -> None:
    path, folder = tmp_path / "pb_processes.json", tmp_path / "sub"
    write(path)
    folder.mkdir()
    async with managed() as manager:
        manager.supervisor.load(source_of(path))
        await manager.add({"id": "job", "command": "pwd > here", "shell": True, "cwd": "sub", "restart": "never"})
        await eventually_async(lambda: (folder / "here").is_file() and (folder / "here").read_text())
        assert (folder / "here").read_text() == f"{folder}\n"
