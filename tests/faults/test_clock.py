"""A manager that is suspended for a while, and clocks that jump."""

import shutil
import struct
import subprocess
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.eventually import DEADLINE, ends_with, eventually, is_alive
from tests.running import Running, running

HOUR = 3600
BACKOFF = 1.5
HISTORY = 3000
"""More lines than memory holds."""
CRASHER = "cut -d ' ' -f 1 /proc/uptime >> starts; exit 1"
PROCESSES: list[dict[str, Any]] = [
    {
        "id": "checked",
        "command": f"seq -f 'line %.0f' {HISTORY}; i={HISTORY}; while sleep 0.05; do i=$((i+1)); echo line $i; done",
        "shell": True,
        "health": {"command": ["true"], "interval": "100ms", "timeout": "2m", "failureThreshold": 1, "startPeriod": 0},
    },
    {"id": "crasher", "command": CRASHER, "shell": True, "backoff": BACKOFF, "maxBackoff": BACKOFF, "maxRetries": -1},
]


class Clock:
    """The clocks of a program started with `env`."""

    def __init__(self, folder: Path) -> None:
        library, self._file = folder / "clock.so", folder / "shift"
        source = Path(__file__).with_name("clock.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source], check=True, timeout=DEADLINE)
        self.env = {"LD_PRELOAD": str(library), "SHIFTED_CLOCK": str(self._file)}
        self._file.write_bytes(bytes(16))

    def shift(self, wall: int, boot: int) -> None:
        """Set the wall clock and the time since boot forward by so many seconds."""
        with self._file.open("r+b") as file:
            file.write(struct.pack("qq", wall, boot))


def gaps(folder: Path) -> list[float]:
    """Return the seconds from each start of the crasher to the next."""
    note = folder / "starts"
    starts = [float(line) for line in note.read_text().split()] if note.exists() else []
    return [later - earlier for earlier, later in pairwise(starts)]


def last_number(manager: Running) -> int:
    """Return the number of the newest line, 0 if there is none yet."""
    lines = manager.get("/api/pm/checked/logs?lines=1")[1]
    return int(lines[0]["text"].split()[1]) if lines else 0


def goes_on(manager: Running) -> None:
    """Wait for more lines, checks and crashes."""
    number, crashes = last_number(manager), len(gaps(manager.folder))
    probe = manager.get("/api/pm/checked")[1]["probes"][-1]["time"]
    eventually(lambda: last_number(manager) > number + 5)
    eventually(lambda: len(gaps(manager.folder)) >= crashes + 2)
    eventually(lambda: manager.get("/api/pm/checked")[1]["probes"][-1]["time"] != probe)


needs_compiler = pytest.mark.skipif(
    not shutil.which("cc"), reason="a C compiler is needed to shift the clocks of a process"
)


@needs_compiler
@pytest.mark.parametrize(
    ("wall", "boot"),
    [(HOUR, 0), (-HOUR, 0), (8 * HOUR, 8 * HOUR)],
    ids=["set forward", "set back", "suspended"],
)
def test_a_clock_that_jumps_changes_no_state(tmp_path: Path, wall: int, boot: int) -> None:
    """The wall clock is set, or the machine sleeps for eight hours: nothing is restarted, no check fails, a crashed
    process is restarted when it was due, and no line is lost or out of order."""
    clock = Clock(tmp_path)
    with running(tmp_path, PROCESSES, env=clock.env) as manager:
        pid = manager.wait_running(["checked"])["checked"]
        eventually(lambda: last_number(manager) > HISTORY and gaps(tmp_path))
        before = datetime.fromisoformat(manager.get("/api/pm/checked/logs?lines=1")[1][0]["time"])
        clock.shift(wall, boot)
        goes_on(manager)
        row = manager.row("checked")
        assert (row["pid"], row["restartCount"], row["health"]) == (pid, 0, "healthy")
        assert 0 < row["uptimeSeconds"] < HOUR / 2
        assert min(gaps(tmp_path)) > BACKOFF - 0.1
        assert all(probe["ok"] for probe in manager.get("/api/pm/checked")[1]["probes"])
        lines = manager.get("/api/pm/checked/logs?lines=10000")[1]
        assert [line["text"] for line in lines] == [f"line {number}" for number in range(1, len(lines) + 1)]
        after = datetime.fromisoformat(lines[-1]["time"])
        assert abs((after - before).total_seconds() - wall) < HOUR / 2, "the clock of the manager did not jump"
        assert manager.stop() == 0


CHECK = "if mv hold held 2> /dev/null; then until [ -e fail ]; do sleep 0.05; done; exit 1; fi"
"""Succeeds, but once there is a file `hold`, one check waits for a file `fail` and fails."""


@needs_compiler
def test_a_check_that_fails_after_a_suspension_does_not_count(tmp_path: Path) -> None:
    """The machine sleeps for an hour in the midst of a check, which fails afterwards: the process runs on, and is
    checked again."""
    clock = Clock(tmp_path)
    health = {"command": ["sh", "-c", CHECK], "interval": "2s", "timeout": "10m", "failureThreshold": 1}
    process = {"id": "a", "command": "sleep 600", "health": health | {"startPeriod": 0}}
    with running(tmp_path, [process], env=clock.env) as manager:
        pid = manager.wait_running(["a"])["a"]
        (tmp_path / "hold").touch()
        eventually((tmp_path / "held").exists)
        clock.shift(HOUR, HOUR)
        (tmp_path / "fail").touch()
        failed = eventually(lambda: [probe for probe in probes(manager) if not probe["ok"]])
        assert [probe["message"].partition("; ")[2] for probe in failed] == [
            "not counted: the machine or the manager was suspended"
        ]
        eventually(lambda: probes(manager)[-1]["ok"])
        row = manager.row("a")
        assert (row["pid"], row["restartCount"], row["health"]) == (pid, 0, "healthy")


def probes(manager: Running) -> list[dict[str, Any]]:
    return list(manager.get("/api/pm/a")[1]["probes"])


SUSPENSION = 3.0
"""Seconds for which the manager is suspended."""


def written(pid: int) -> int:
    """Return the bytes that the process has written."""
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("wchar"))


def waits_to_write(pid: int, before: int) -> bool:
    """Whether the process has written more than that, and nothing any more."""
    size = written(pid)
    time.sleep(0.2)
    return before < size == written(pid)


def test_a_suspended_manager_loses_no_line_and_restarts_nothing_in_a_burst(tmp_path: Path) -> None:
    """The manager is suspended during bulk output: the process waits at a full pipe and continues afterwards, every
    line is logged, no check fails, and a crashed process is not restarted in a burst."""
    line = "until [ -e go ]; do sleep 0.05; done; exec seq 10000000"
    log_settings = {"maxSize": 0, "timestamps": False}
    flood = {"id": "flood", "command": line, "shell": True, "restart": "never", "log": log_settings}
    with running(tmp_path, [*PROCESSES, flood]) as manager:
        log = manager.data / "logs/flood-stdout.log"
        pids = manager.wait_running(["checked", "flood"])
        before = written(pids["flood"])
        with manager.suspended():
            (tmp_path / "go").touch()
            eventually(lambda: waits_to_write(pids["flood"], before))
            time.sleep(SUSPENSION)
            assert is_alive(pids["flood"])
        eventually(log.exists)
        with manager.suspended():
            time.sleep(SUSPENSION)
        eventually(lambda: manager.row("flood")["status"] == "completed", within=150)
        eventually(lambda: ends_with(log, b"\n10000000\n"))
        assert log.read_bytes().count(b"\n") == 10_000_000
        goes_on(manager)
        row = manager.row("checked")
        assert (row["pid"], row["restartCount"], row["health"]) == (pids["checked"], 0, "healthy")
        assert min(gaps(tmp_path)) > BACKOFF - 0.1
        assert all(probe["ok"] for probe in manager.get("/api/pm/checked")[1]["probes"])
