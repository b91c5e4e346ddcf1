"""One manager per data directory, with real locks and real processes."""

import asyncio
import fcntl
import json
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from pmtui.runtime.files import read_json, write_atomic
from pmtui.runtime.instance import AlreadyRunningError, DataDirectoryError, acquire
from pmtui.spawner.client import Launch, Report, Spawner, WorkerSpawned
from pmtui.spawner.procfs import boot_id, process_identity
from tests.eventually import eventually_async, is_alive


@pytest_asyncio.fixture
async def spawner() -> AsyncIterator[Spawner]:
    spawner = Spawner()
    spawner.connect()
    yield spawner
    await spawner.close()


async def test_the_directory_is_locked_and_released(tmp_path: Path, spawner: Spawner) -> None:
    folder = tmp_path / "data"
    instance = await acquire(folder, spawner)
    instance.publish(tmp_path / "pmtui.toml", "http://127.0.0.1:1")
    facts = read_json(folder / "instance.json")
    assert (facts["pid"], facts["url"]) == (os.getpid(), "http://127.0.0.1:1")
    assert read_json(folder / "state.json")["marks"] == spawner.base
    instance.release()
    assert sorted(path.name for path in folder.iterdir()) == ["lock"]


async def test_a_running_manager_is_named(tmp_path: Path, spawner: Spawner) -> None:
    instance = await acquire(tmp_path, spawner)
    instance.publish(None, "http://127.0.0.1:1")
    with pytest.raises(AlreadyRunningError, match=f"pid {os.getpid()}, http://127.0.0.1:1"):
        await acquire(tmp_path, spawner)
    instance.release()


async def test_the_next_manager_waits_until_leftovers_of_a_dead_one_are_gone(tmp_path: Path, spawner: Spawner) -> None:
    guardians = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(guardians, fcntl.LOCK_EX)
    task = asyncio.create_task(acquire(tmp_path, spawner))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(task), 0.1)
    os.close(guardians)
    (await task).release()


async def test_leftovers_of_manager_and_guardian_are_killed_at_the_next_start(tmp_path: Path, spawner: Spawner) -> None:
    earlier = Spawner()
    reports: list[Report] = []
    earlier.connect()
    earlier.spawn(1, Launch(["sleep", "600"], "/", dict(os.environ)), reports.append)
    await eventually_async(lambda: reports)
    (spawned,) = reports
    assert isinstance(spawned, WorkerSpawned)
    write_atomic(tmp_path / "state.json", json.dumps({"boot": boot_id(), "marks": earlier.base}))
    instance = await acquire(tmp_path, spawner)
    assert not is_alive(spawned.pid)
    instance.release()
    await earlier.close()
    os.close(spawned.outputs[0])
    os.close(spawned.outputs[1])


@pytest.mark.parametrize("state", [b"", b"{", b"[]", b'{"marks": "x"}', b'{"marks": -2}', b'{"marks": 0}'])
async def test_an_invalid_state_file_is_ignored(tmp_path: Path, spawner: Spawner, state: bytes) -> None:
    (tmp_path / "state.json").write_bytes(state.replace(b"{", b'{"boot": "%s", ' % boot_id().encode(), 1))
    (await acquire(tmp_path, spawner)).release()


async def test_marks_of_another_boot_are_ignored(tmp_path: Path, spawner: Spawner) -> None:
    write_atomic(tmp_path / "state.json", json.dumps({"boot": "another", "marks": spawner.base}))
    (await acquire(tmp_path, spawner)).release()
    assert is_alive(spawner.guardian_pid)


@pytest.mark.parametrize("kind", ["fifo", "symlink", "file"])
async def test_an_obstacle_to_the_lock_is_named(tmp_path: Path, spawner: Spawner, kind: str) -> None:
    folder = tmp_path / "data"
    if kind == "file":
        folder.touch()
    else:
        folder.mkdir()
        os.mkfifo(folder / "lock") if kind == "fifo" else os.symlink("/etc/passwd", folder / "lock")
    with pytest.raises(DataDirectoryError, match=str(folder)):
        await acquire(folder, spawner)


def test_a_dead_process_has_no_identity() -> None:
    process = subprocess.Popen(["sleep", "600"])
    assert process_identity(process.pid)["pid"] == process.pid
    process.kill()
    process.wait()
    assert process_identity(process.pid) == {}
