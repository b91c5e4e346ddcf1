"""The data directory of a running manager is removed."""

import shutil
import subprocess
from pathlib import Path

from tests.eventually import eventually, is_alive
from tests.running import PMTUI, Running, running

SLEEP = {"id": "a", "command": "sleep 600"}


def remove_data(manager: Running, *, leaving_a_file: bool = False) -> None:
    """Remove the data directory in one step, as the manager sees it."""
    with manager.suspended():
        shutil.rmtree(manager.data)
        if leaving_a_file:
            manager.data.touch()


def test_a_removed_data_directory_is_recreated_and_still_locked(tmp_path: Path) -> None:
    """`rm -rf .pmtui`: the manager runs on, can be found and reached as before, and is still the only one."""
    with running(tmp_path, [SLEEP]) as manager:
        pid = manager.wait_running(["a"])["a"]
        before = {name: (manager.data / name).read_text() for name in ("token", "instance.json", "state.json", "lock")}
        remove_data(manager)
        eventually(lambda: f"{manager.data} was removed, and has been created again" in manager.log)
        assert {name: (manager.data / name).read_text() for name in before} == before
        assert manager.row("a")["pid"] == pid
        second = subprocess.run([*PMTUI, "--no-ui"], cwd=tmp_path, capture_output=True, text=True)
        assert second.returncode == 1
        assert f"a manager already runs for this config: pid {manager.pid}" in second.stderr


def test_a_recreated_lock_lasts_until_nothing_is_left_of_a_killed_manager(tmp_path: Path) -> None:
    """The directory is removed, then the manager killed: the next one waits for what the guardian still has to end."""
    stubborn = {"id": "a", "command": "trap '' TERM; while :; do sleep 0.1; done", "shell": True}
    with running(tmp_path, [stubborn]) as manager:
        pid = manager.wait_running(["a"])["a"]
        remove_data(manager)
        eventually(lambda: "has been created again" in manager.log)
        manager.process.kill()
        manager.process.wait()
        with running(tmp_path, [SLEEP]) as successor:
            successor.wait_running(["a"])
            assert not is_alive(pid)


def test_a_data_directory_that_cannot_be_recreated_is_reported_once_and_recreated_later(tmp_path: Path) -> None:
    """A file has taken the place of the directory: processes and API run on, and the directory returns when the file is
    gone."""
    with running(tmp_path, [SLEEP]) as manager:
        pid = manager.wait_running(["a"])["a"]
        remove_data(manager, leaving_a_file=True)
        eventually(lambda: "clients cannot find this manager" in manager.log)
        manager.data.unlink()
        eventually(lambda: "has been created again" in manager.log)
        assert manager.log.count("clients cannot find this manager") == 1
        assert manager.row("a")["pid"] == pid
