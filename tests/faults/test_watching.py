"""Watched files that change by the thousand, again and again, or are removed."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.eventually import DEADLINE, eventually, watched_folders
from tests.running import Running, running

LAST = "the-last-change.py"


@contextmanager
def watching(folder: Path, *paths: Path, **fields: Any) -> Iterator[Running]:
    """A manager that restarts `a` when something changes below these paths, those that are there already watched.

    Its data folder lies elsewhere, so that `folder` is the process's own.
    """
    house = folder.with_name("house")
    house.mkdir()
    entry = {"id": "a", "command": "sleep 600", "cwd": str(folder), "devMode": True}
    with running(house, [entry | {"watchPaths": [*map(str, paths)]} | fields]) as manager:
        manager.wait_running(["a"])
        eventually(lambda: are_watched(manager, paths))
        yield manager


def are_watched(manager: Running, paths: Sequence[Path]) -> bool:
    """Whether the paths are watched, with all directories below them."""
    below = [Path(directory) for path in paths for directory, _, _ in os.walk(path)]
    wanted = {path.stat().st_ino for path in (*paths, *below) if path.exists()}
    return wanted <= watched_folders(manager.pid)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    return tmp_path / "source"


def restarted(manager: Running, times: int = 1) -> dict[str, Any]:
    """Return the process when it runs again after so many restarts."""

    def row() -> dict[str, Any] | None:
        now = manager.row("a")
        return now if now["restartCount"] >= times and now["status"] == "running" else None

    found = eventually(row)
    assert found
    return found


def settled(manager: Running, beside: Path) -> dict[str, Any]:
    """Return the process after a change made now, and with it all earlier ones, has had its effect."""
    before = manager.row("a")["restartCount"]
    (beside / LAST).write_text(str(time.monotonic()))
    return restarted(manager, before + 1)


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
    command = ["git", *who, *words]
    env = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(command, cwd=folder, env=env, check=True, capture_output=True, timeout=DEADLINE)


def test_ten_thousand_files_are_one_restart(source: Path) -> None:
    """10,000 files at once: one restart, and later changes are still noticed."""
    (beside := source.with_name("beside")).mkdir()
    for number in range(10_000):
        (beside / f"{number}.py").touch()
    with watching(source, source, watchDebounce="3s") as manager:
        with manager.suspended():
            for file in beside.iterdir():
                file.rename(source / file.name)
        assert restarted(manager)["restartCount"] == 1
        assert settled(manager, source)["restartCount"] == 2


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_a_checkout_is_one_restart_and_a_commit_is_none(source: Path) -> None:
    """Git changes a hundred files and its own index, with lock files: one restart, named after one of the files. A
    commit changes only `.git`, and causes no restart."""
    git(source, "init", "--initial-branch=main")
    for branch in ("main", "other"):
        for number in range(100):
            (source / f"{number}.py").write_text(f"{branch} {number}")
        git(source, "add", ".")
        git(source, "commit", "-m", branch)
        git(source, "checkout", "-b", "other") if branch == "main" else git(source, "checkout", "main")
    with watching(source, source, watchDebounce="3s") as manager:
        with manager.suspended():  # nobody knows how long a checkout takes
            git(source, "checkout", "other")
        row = restarted(manager)
        assert row["restartCount"] == 1
        assert row["reason"].removeprefix("watch: ").removesuffix(".py changed").isdigit()
        git(source, "commit", "--allow-empty", "-m", "nothing")
        row = settled(manager, source)
        assert (row["restartCount"], row["reason"]) == (2, f"watch: {LAST} changed")


def test_installed_packages_are_not_a_change(source: Path) -> None:
    """Packages are installed into the watched directory, and logs and caches are written there: no restart."""
    with watching(source, source) as manager:
        for name in ("node_modules/left-pad", "pkg/node_modules/deep", "__pycache__", ".venv/lib"):
            (source / name).mkdir(parents=True)
            for number in range(100):
                (source / name / f"{number}.js").write_text("code")
        (source / "out.log").write_text("a line")
        time.sleep(1)  # twice the debounce: whatever is no change of its own is not to hide in the next one
        row = settled(manager, source)
        assert (row["restartCount"], row["reason"]) == (1, f"watch: {LAST} changed")


def test_saves_in_quick_succession_are_one_restart(source: Path) -> None:
    """Three saves before the manager has looked: one restart."""
    with watching(source, source, watchDebounce="3s") as manager:
        with manager.suspended():
            for number in range(3):
                (source / "agent.py").write_text(str(number))
        assert restarted(manager)["restartCount"] == 1
        assert settled(manager, source)["restartCount"] == 2


def test_a_directory_that_is_removed_and_recreated_is_still_watched(source: Path) -> None:
    """The watched directory is removed and recreated, twice: changes in the new one are noticed."""
    with watching(source.parent, source) as manager:
        for _ in range(2):
            before = manager.row("a")["restartCount"]
            shutil.rmtree(source)
            source.mkdir()
            (source / "agent.py").write_text("pass")
            restarted(manager, before + 1)
            settled(manager, source)


@pytest.mark.parametrize("target", [".", "agent.py"])
def test_every_atomic_save_is_noticed(source: Path, target: str) -> None:
    """An editor replaces the file with a new one: each save causes a restart, whether the directory or only the file is
    watched."""
    script = source / "agent.py"
    script.touch()
    with watching(source, source / target, watchDebounce="2s") as manager:
        for number in range(1, 4):
            with manager.suspended():
                beside = source / ".agent.py.new"
                beside.write_text(str(number))
                beside.replace(script)
            row = restarted(manager, number)
            assert (row["restartCount"], row["reason"]) == (number, "watch: agent.py changed")


def test_a_missing_path_is_watched_as_soon_as_it_appears(source: Path) -> None:
    """A watched path does not exist at first: no error, and changes are noticed once it does."""
    later, there = source / "later", source / "there"
    there.mkdir()
    with watching(source, later, there) as manager:
        later.mkdir()
        restarted(manager)
        assert settled(manager, later)["reason"] == f"watch: {LAST} changed"
        assert "Traceback" not in manager.log


def test_a_loop_of_links_does_not_hang(source: Path) -> None:
    """A link below the watched directory leads back up: changes are noticed, and the manager does not loop."""
    (source / "deep").mkdir()
    (source / "deep/up").symlink_to(source)
    with watching(source, source) as manager:
        (source / "deep/agent.py").write_text("pass")
        assert restarted(manager)["restartCount"] == 1
        assert len(watched_folders(manager.pid)) <= 2
