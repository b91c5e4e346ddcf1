"""A disk that is full, and log files that somebody removes, empties or replaces while they are written."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.eventually import eventually
from tests.running import Running, running

UNSHARE = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
TICKER = "i=0; while :; do i=$((i+1)); echo line $i; sleep 0.02; done"
LINES: dict[str, Any] = {"id": "lines", "command": TICKER, "shell": True}


def can_mount() -> bool:
    mount = [*UNSHARE, "mount", "-t", "tmpfs", "none", "/tmp"]
    return bool(shutil.which("unshare")) and subprocess.run(mount, capture_output=True).returncode == 0


needs_mount = pytest.mark.skipif(not can_mount(), reason="this user cannot mount a small disk in a namespace here")


@contextmanager
def on_small_disk(folder: Path, config: object) -> Iterator[Running]:
    """A manager whose data folder is a disk of 1 MB."""
    data = folder / ".pmtui"
    data.mkdir()
    mount = f"mount -t tmpfs -o size=1m,mode=700 none '{data}' && exec \"$@\""
    with running(folder, config, within=[*UNSHARE, "sh", "-c", mount, "sh"]) as manager:
        manager.data = Path(f"/proc/{manager.pid}/root{data}")
        eventually((manager.data / "instance.json").exists)
        yield manager


def fill(disk: Path) -> Path:
    """Takes all that is left of a disk."""
    with (disk / "filler").open("wb", buffering=0) as filler:
        for size in (1 << 16, 1):
            try:
                while filler.write(b"x" * size):
                    pass
            except OSError:
                continue
    return disk / "filler"


def last_number(manager: Running) -> int:
    return int(manager.get("/api/pm/lines/logs?lines=1")[1][0]["text"].split()[1])


def goes_on(manager: Running) -> None:
    """Returns when the process has written more lines."""
    before = last_number(manager)
    eventually(lambda: last_number(manager) > before + 5)


@needs_mount
def test_a_full_disk_stops_no_process_and_is_reported_once(tmp_path: Path) -> None:
    """The disk of all that the manager keeps is full: processes run on and can be restarted, it is told once, and when
    there is room again the log tells how many lines are missing and goes on."""
    with on_small_disk(tmp_path, [LINES]) as manager:
        pid = manager.wait_running(["lines"])["lines"]
        filler = fill(manager.data)
        eventually(lambda: "cannot write" in manager.log)
        goes_on(manager)
        assert manager.row("lines")["pid"] == pid
        assert manager.post("/api/pm/lines/restart?wait=true")[0] == 200
        goes_on(manager)
        filler.unlink()
        log = manager.data / "logs/lines-stdout.log"
        eventually(lambda: is_told(log.read_text()))
        assert "are missing here: No space left on device" in log.read_text()
        assert manager.log.count("cannot write") == 1
        assert "Traceback" not in manager.log
        assert manager.stop() == 0


@needs_mount
def test_a_manager_with_a_full_disk_ends_on_request(tmp_path: Path) -> None:
    """SIGTERM while nothing can be written any more is a graceful end all the same."""
    with on_small_disk(tmp_path, [LINES]) as manager:
        manager.wait_running(["lines"])
        fill(manager.data)
        eventually(lambda: "cannot write" in manager.log)
        assert manager.stop() == 0
        assert "Traceback" not in manager.log


def test_a_removed_directory_is_recreated(tmp_path: Path) -> None:
    """Somebody removes the folder of the logs: it is there again with the next line, for the owner alone."""
    with running(tmp_path, [LINES]) as manager:
        manager.wait_running(["lines"])
        log = manager.data / "logs/lines-stdout.log"
        eventually(log.exists)
        shutil.rmtree(log.parent)
        eventually(lambda: log.exists() and log.stat().st_size > 100)
        assert log.parent.stat().st_mode & 0o777 == 0o700
        goes_on(manager)
        assert manager.stop() == 0
        assert "Traceback" not in manager.log


def remove(log: Path) -> None:
    log.unlink()


def empty(log: Path) -> None:
    os.truncate(log, 0)


def replace(log: Path) -> None:
    log.rename(log.with_name("elsewhere"))
    log.write_text("somebody else's line, not ended")


@pytest.mark.parametrize("do", [remove, empty, replace])
def test_a_log_file_that_was_changed_by_others_is_continued(tmp_path: Path, do: Callable[[Path], None]) -> None:
    """A log file is removed, emptied, or replaced by another one: the next lines are in what now has its name, each
    one whole, and what was moved away gets no more."""
    with running(tmp_path, [LINES]) as manager:
        manager.wait_running(["lines"])
        log = manager.data / "logs/lines-stdout.log"
        eventually(lambda: log.exists() and log.stat().st_size > 200)
        do(log)
        eventually(lambda: log.exists() and log.read_text().count(" line ") > 5)
        lines = log.read_text().splitlines()
        assert all("Z line " in line for line in lines[do is replace :])
        numbers = [int(line.split()[-1]) for line in lines[do is replace :]]
        assert numbers == [*range(numbers[0], numbers[0] + len(numbers))]
        assert "cannot write" not in manager.log


def test_a_path_that_is_not_a_regular_file_is_neither_written_nor_waited_for(tmp_path: Path) -> None:
    """In the place of a log file there is a link to another file, a FIFO that nobody reads, or a folder: it is told
    once and not touched, the processes run on, and lines are written as soon as the place is free."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    logs = tmp_path / ".pmtui/logs"
    (logs / "folder-stdout.log").mkdir(parents=True)
    with running(tmp_path, [LINES, LINES | {"id": "fifo"}, LINES | {"id": "folder"}]) as manager:
        pids = manager.wait_running(["lines", "fifo", "folder"])
        places = {name: logs / f"{name}-stdout.log" for name in pids}
        eventually(lambda: all(place.exists() for place in places.values()))
        (logs / "link").symlink_to(victim)
        os.mkfifo(logs / "fifo")
        (logs / "link").rename(places["lines"])
        (logs / "fifo").rename(places["fifo"])
        eventually(lambda: "is not a regular file; remove it" in manager.log)
        goes_on(manager)
        places["lines"].unlink()
        places["fifo"].unlink()
        places["folder"].rmdir()
        eventually(lambda: all(place.exists() and is_told(place.read_text()) for place in places.values()))
        assert victim.read_text() == "precious"
        assert manager.log.count("is not a regular file") == 1
        assert manager.wait_running([*pids]) == pids
        assert manager.stop() == 0


def is_told(text: str) -> bool:
    """Whether the file says what is missing, and goes on behind that."""
    _, marker, rest = text.partition(" are missing here: ")
    return bool(marker) and " line " in rest
