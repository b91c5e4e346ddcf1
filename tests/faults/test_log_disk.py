"""A full disk, and log files that are removed, emptied or replaced while they are written."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.shell import pmtui
from tests.eventually import eventually
from tests.running import Running, running

UNSHARE = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
TICKER = "i=0; while :; do i=$((i+1)); echo line $i; sleep 0.02; done"
LINES: dict[str, Any] = {"id": "lines", "command": TICKER, "shell": True}
NO_HISTORY = {"history": False}
"""So that nothing but logs is written to the disk: a database that cannot be written gives room back."""


def can_mount() -> bool:
    mount = [*UNSHARE, "mount", "-t", "tmpfs", "none", "/tmp"]
    return bool(shutil.which("unshare")) and subprocess.run(mount, capture_output=True).returncode == 0


needs_mount = pytest.mark.skipif(not can_mount(), reason="this user cannot mount a small disk in a namespace here")


@contextmanager
def on_small_disk(folder: Path, config: object) -> Iterator[Running]:
    """A manager whose data directory is a disk of 1 MB."""
    data = folder / ".pmtui"
    data.mkdir()
    mount = f"mount -t tmpfs -o size=1m,mode=700 none '{data}' && exec \"$@\""
    with running(folder, config, within=[*UNSHARE, "sh", "-c", mount, "sh"]) as manager:
        manager.data = Path(f"/proc/{manager.pid}/root{data}")
        eventually((manager.data / "instance.json").exists)
        yield manager


def fill(disk: Path) -> Path:
    """Use up the rest of a disk."""
    with (disk / "filler").open("wb", buffering=0) as filler:
        for size in (1 << 16, 1):
            try:
                while filler.write(b"x" * size):
                    pass
            except OSError:
                continue
    return disk / "filler"


def last_number(manager: Running) -> int:
    """Return the number of the newest line, which also counts those of earlier runs; 0 if there is none yet."""
    lines = manager.get("/api/pm/lines/logs?lines=1")[1]
    return int(lines[0]["seq"]) if lines else 0


def goes_on(manager: Running) -> None:
    """Wait until the process has written more lines."""
    before = last_number(manager)
    eventually(lambda: last_number(manager) > before + 5)


@needs_mount
def test_a_full_disk_stops_no_process_and_is_reported_once(tmp_path: Path) -> None:
    """The disk of the data directory is full: processes run on and can be restarted, one warning is logged, and when
    there is room again, the log notes how many lines are missing and continues."""
    with on_small_disk(tmp_path, {"settings": NO_HISTORY, "processes": [LINES]}) as manager:
        pid = manager.wait_running(["lines"])["lines"]
        filler = fill(manager.data)
        eventually(lambda: "cannot write" in manager.log)
        goes_on(manager)
        assert manager.row("lines")["pid"] == pid
        assert manager.post("/api/pm/lines/restart?wait=true")[0] == 200
        goes_on(manager)
        filler.unlink()
        log = manager.data / "logs/lines-stdout.log"
        eventually(lambda: is_told(log))
        assert "are missing here: No space left on device" in log.read_text()
        assert manager.log.count("cannot write") == 1
        assert "Traceback" not in manager.log
        assert manager.stop() == 0


@needs_mount
def test_a_full_disk_is_an_alarm_until_there_is_room_again(tmp_path: Path) -> None:
    """list, info and the hooks say since when the log files cannot be written and how much is missing. The alarm is
    over once they can be written again, even if the process has fallen silent."""
    note = tmp_path / "alarms"
    hook = ["sh", "-c", f"cat >> {note}"]
    silent = {
        "id": "quiet",
        "command": "until [ -e talk ]; do sleep 0.05; done; seq 1000; exec sleep 600",
        "shell": True,
    }
    config = {"settings": NO_HISTORY | {"hooks": {"alarm": hook, "recovered": hook}}, "processes": [silent]}
    with on_small_disk(tmp_path, config) as manager:
        manager.wait_running(["quiet"])
        assert manager.row("quiet")["logProblem"] is None
        filler = fill(manager.data)
        (tmp_path / "talk").touch()
        problem = eventually(lambda: manager.row("quiet")["logProblem"])
        assert problem["message"] == "cannot write quiet-stdout.log: No space left on device"
        eventually(lambda: manager.row("quiet")["logProblem"]["missingLines"] == 1000)
        assert manager.row("quiet")["logProblem"]["missingBytes"] == 3893
        where = {"PMTUI_URL": manager.url, "PMTUI_TOKEN": (manager.data / "token").read_text().strip()}
        for command in (("list",), ("info", "quiet")):
            told = pmtui(tmp_path, *command, **where).stdout
            assert "cannot write quiet-stdout.log: No space left on device, since " in told
            assert "1,000 lines (4 KB) missing in the log files of quiet" in told
        (raised,) = eventually(lambda: alarms(note))
        assert (raised["event"], raised["kind"], raised["ids"], raised["isOver"]) == (
            "alarm",
            "log-disk",
            ["quiet"],
            False,
        )
        assert raised["since"] == problem["since"]
        filler.unlink()
        eventually(lambda: manager.row("quiet")["logProblem"] is None)
        over = eventually(lambda: alarms(note)[1:])[0]
        assert (over["event"], over["isOver"], over["missingLines"]) == ("recovered", True, 1000)
        assert "missing in the log files" not in pmtui(tmp_path, "list", **where).stdout
        assert manager.stop() == 0


def alarms(note: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in note.read_text().splitlines()] if note.exists() else []


@needs_mount
def test_a_manager_with_a_full_disk_ends_on_request(tmp_path: Path) -> None:
    """SIGTERM is a graceful end even if nothing can be written."""
    with on_small_disk(tmp_path, {"settings": NO_HISTORY, "processes": [LINES]}) as manager:
        manager.wait_running(["lines"])
        fill(manager.data)
        eventually(lambda: "cannot write" in manager.log)
        assert manager.stop() == 0
        assert "Traceback" not in manager.log


def test_a_removed_directory_is_recreated(tmp_path: Path) -> None:
    """The log directory is removed: it is back with the next line, accessible only to the owner."""
    with running(tmp_path, [LINES]) as manager:
        manager.wait_running(["lines"])
        log = manager.data / "logs/lines-stdout.log"
        eventually(log.exists)
        log.parent.rename(tmp_path / "removed")  # at once, while files are created in it
        shutil.rmtree(tmp_path / "removed")
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
    log.with_name("another").write_text("somebody else's line, not ended")
    log.rename(log.with_name("elsewhere"))
    log.with_name("another").rename(log)


@pytest.mark.parametrize("do", [remove, empty, replace])
def test_a_log_file_that_was_changed_by_others_is_continued(tmp_path: Path, do: Callable[[Path], None]) -> None:
    """A log file is removed, emptied or replaced: the next lines are whole and in the file that now has its name, and
    the file that was moved away gets no more."""
    with running(tmp_path, [LINES]) as manager:
        manager.wait_running(["lines"])
        log = manager.data / "logs/lines-stdout.log"
        eventually(lambda: log.exists() and log.stat().st_size > 200)
        do(log)
        eventually(lambda: content(log).count(" line ") > 5)
        lines = whole_lines(log)
        assert all("Z line " in line for line in lines[do is replace :])
        numbers = [int(line.split()[-1]) for line in lines[do is replace :]]
        assert numbers == [*range(numbers[0], numbers[0] + len(numbers))]
        assert "cannot write" not in manager.log


def content(log: Path) -> str:
    """Return what is in the file, nothing if there is none."""
    try:
        return log.read_text()
    except OSError:
        return ""


def whole_lines(log: Path) -> list[str]:
    """Return the lines of the file without the one that is being written."""
    return content(log).rpartition("\n")[0].splitlines()


def test_a_path_that_is_not_a_regular_file_is_neither_written_nor_waited_for(tmp_path: Path) -> None:
    """A log file is replaced by a link to another file, a FIFO without a reader, or a directory: it is reported once
    and not touched, the processes run on, and lines are written as soon as the path is free."""
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
        eventually(lambda: all(misses_lines(manager, name) for name in pids))
        goes_on(manager)
        places["lines"].unlink()
        places["fifo"].unlink()
        places["folder"].rmdir()
        eventually(lambda: all(map(is_told, places.values())))
        assert victim.read_text() == "precious"
        assert manager.log.count("is not a regular file") == 1
        assert manager.wait_running([*pids]) == pids
        assert manager.stop() == 0


def misses_lines(manager: Running, process_id: str) -> bool:
    problem = manager.row(process_id)["logProblem"]
    return problem is not None and problem["missingLines"] > 0


def is_told(log: Path) -> bool:
    """Return whether the file notes what is missing, and continues after that."""
    _, marker, rest = content(log).partition(" are missing here: ")
    return bool(marker) and " line " in rest
