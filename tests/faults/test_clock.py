"""A manager that is suspended for a while, and clocks that jump."""

import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.eventually import DEADLINE, eventually, is_alive, is_stopped
from tests.running import Running, running
from tests.servers import free_port

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
        "health": {"command": ["true"], "interval": "100ms", "failureThreshold": 1, "startPeriod": 0},
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
    starts = [float(line) for line in (folder / "starts").read_text().split()]
    return [later - earlier for earlier, later in pairwise(starts)]


def last_number(manager: Running) -> int:
    return int(manager.get("/api/pm/checked/logs?lines=1")[1][0]["text"].split()[1])


def goes_on(manager: Running) -> None:
    """Wait for more lines, checks and crashes."""
    number, crashes = last_number(manager), len(gaps(manager.folder))
    probe = manager.get("/api/pm/checked")[1]["probes"][-1]["time"]
    eventually(lambda: last_number(manager) > number + 5)
    eventually(lambda: len(gaps(manager.folder)) >= crashes + 2)
    eventually(lambda: manager.get("/api/pm/checked")[1]["probes"][-1]["time"] != probe)


@pytest.mark.skipif(not shutil.which("cc"), reason="a C compiler is needed to shift the clocks of a process")
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
        lines = manager.get("/api/pm/checked/logs?lines=5000")[1]
        assert [line["text"] for line in lines] == [f"line {number}" for number in range(1, len(lines) + 1)]
        after = datetime.fromisoformat(lines[-1]["time"])
        assert abs((after - before).total_seconds() - wall) < HOUR / 2, "the clock of the manager did not jump"
        assert manager.stop() == 0


def stop_for_a_while(manager: Running) -> None:
    """The time for which the manager is suspended is what is tested."""
    os.kill(manager.pid, signal.SIGSTOP)
    eventually(lambda: is_stopped(manager.pid))
    time.sleep(3)


def written(pid: int) -> str:
    return next(line for line in Path(f"/proc/{pid}/io").read_text().splitlines() if line.startswith("wchar"))


def test_a_suspended_manager_loses_no_line_and_restarts_nothing_in_a_burst(tmp_path: Path) -> None:
    """The manager is suspended during bulk output: the process waits at a full pipe and continues afterwards, every
    line is logged, no check fails, and a crashed process is not restarted in a burst."""
    flood = {"id": "flood", "command": "seq 10000000", "restart": "never", "log": {"maxSize": 0, "timestamps": False}}
    with running(tmp_path, [*PROCESSES, flood]) as manager:
        log = manager.data / "logs/flood-stdout.log"
        pids = manager.wait_running(["checked", "flood"])
        eventually(log.exists)
        stop_for_a_while(manager)
        size = written(pids["flood"])
        time.sleep(0.2)
        assert written(pids["flood"]) == size
        assert is_alive(pids["flood"])
        os.kill(manager.pid, signal.SIGCONT)
        eventually(lambda: manager.row("flood")["status"] == "completed", within=150)
        eventually(lambda: log.read_bytes().endswith(b"\n10000000\n"))
        assert log.read_bytes().count(b"\n") == 10_000_000
        goes_on(manager)
        row = manager.row("checked")
        assert (row["pid"], row["restartCount"], row["health"]) == (pids["checked"], 0, "healthy")
        assert min(gaps(tmp_path)) > BACKOFF - 0.1
        assert all(probe["ok"] for probe in manager.get("/api/pm/checked")[1]["probes"])


SERVER = """
import http.server, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open("requests", "a") as file:
            file.write("x")
        time.sleep(0.05)  # so that some checks are under way at any moment
        self.send_response(204)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def test_a_suspended_manager_fails_no_health_check(tmp_path: Path) -> None:
    """The manager is suspended for longer than the timeout of its checks, while some are running: none of them counts
    as failed, and those that became due do not come in a burst."""
    check = {"interval": "100ms", "timeout": "1s", "failureThreshold": 1, "startPeriod": "2s"}
    processes = [
        {
            "id": f"a{number}",
            "command": sys.executable,
            "args": ["-c", SERVER, str(port)],
            "health": check | {"http": f"http://127.0.0.1:{port}/"},
        }
        for number, port in enumerate({free_port() for _ in range(5)})
    ]
    requests = tmp_path / "requests"
    with running(tmp_path, processes, "--no-api") as manager:
        eventually(lambda: all(f"a{number} running" in manager.log for number in range(len(processes))))
        time.sleep(2)  # from here on, failures count
        before = len(manager.log)
        stop_for_a_while(manager)
        asked = requests.stat().st_size
        os.kill(manager.pid, signal.SIGCONT)
        eventually(lambda: requests.stat().st_size > asked + 50)
        assert manager.stop() == 0
        assert "health" not in manager.log[before:]
