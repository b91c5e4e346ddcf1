"""What supervision costs: `python -m tests.bench.heart`. Prints each figure beside its limit; exit code 1 above one.

The floor of a respawn (a bare kill, wait and spawn) is measured in the same run. Run it where the project is installed
with its bytecode, not by `pip install -e`.
"""

import http.client
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from functools import partial
from pathlib import Path

from tests.eventually import eventually, is_alive
from tests.running import Running, running

SLEEP = "sleep 600"
HEALTHY = 2
"""Seconds after which a run is healthy; another one follows at once."""
FLOOD = "yes 0123456789012345678901234567890123456789"


class Table:
    """Collects figures, and whether one is above its limit."""

    def __init__(self) -> None:
        self.failed = False

    def row(self, name: str, figure: float, limit: float, unit: str) -> None:
        self.failed |= figure > limit
        print(f"{name:52} {figure:9.2f} {unit:5} limit {limit:g}{'' if figure <= limit else '   ABOVE'}", flush=True)


def sleepers(count: int) -> list[dict[str, object]]:
    return [{"id": f"p{number:03}", "command": SLEEP, "backoff": 0, "maxRetries": -1} for number in range(count)]


def boot(table: Table, folder: Path, count: int, limit: float) -> None:
    """From launch until the last process has been spawned, as the manager tells its start times."""
    launched = time.time()
    with running(folder, sleepers(count)) as manager:
        manager.wait_running([f"p{count - 1:03}"])
        last = max(row["startTime"] for row in manager.list())
        table.row(f"launch until {count} are spawned", moment(last) - launched, limit, "s")


def moment(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def reload(table: Table, folder: Path) -> None:
    """From the change of a watched file until its process is spawned anew; half a second of it is the debounce."""
    source = folder / "source"
    source.mkdir()
    watched = {"id": "a", "command": SLEEP, "cwd": str(source), "devMode": True, "watchPaths": [str(source)]}
    taken = []
    with running(folder, [watched]) as manager:
        manager.wait_running(["a"])
        time.sleep(2)  # the folder is watched by now
        for number in range(1, 6):
            changed = time.time()
            (source / "agent.py").write_text(str(number))
            eventually(partial(has_restarted, manager, number))
            taken.append(moment(manager.row("a")["startTime"]) - changed)
    table.row("file changed until spawned anew", statistics.median(taken), 0.75, "s")


def has_restarted(manager: Running, times: int) -> bool:
    row = manager.row("a")
    return bool(row["restartCount"] == times and row["status"] == "running")


def latencies(manager: Running, calls: int) -> list[float]:
    """Milliseconds of so many list requests on one connection."""
    facts = json.loads((manager.folder / ".pmtui/instance.json").read_text())
    token = (manager.folder / ".pmtui/token").read_text().strip()
    client = http.client.HTTPConnection(facts["url"].removeprefix("http://"))
    taken = []
    for _ in range(calls):
        started = time.perf_counter()
        client.request("GET", "/api/pm/list", headers={"Authorization": f"Bearer {token}"})
        client.getresponse().read()
        taken.append((time.perf_counter() - started) * 1000)
    client.close()
    return sorted(taken)


def control(table: Table, folder: Path) -> None:
    with running(folder, [one | {"healthyAfter": HEALTHY} for one in sleepers(100)]) as manager:
        manager.wait_running(["p099"])
        taken = latencies(manager, 500)
        table.row("list of 100 idle ones, p50", statistics.median(taken), 1.5, "ms")
        respawn(table, manager)
        stop(table, manager)
    with running(folder, [*sleepers(99), {"id": "flood", "command": FLOOD}]) as manager:
        manager.wait_running(["p098", "flood"])
        taken = latencies(manager, 1000)
        table.row("list of 100, one of them flooding, p99", taken[-10], 50, "ms")


def respawn(table: Table, manager: Running) -> None:
    """SIGKILL until another process of that id is there; the floor is a bare kill, wait and spawn.

    Each process is killed once, after a healthy run: a short one is followed by a delay of at least 100 ms.
    """
    time.sleep(HEALTHY + 1)
    taken, floor = [], []
    for number in range(30):
        process_id = f"p{number:03}"
        bare = subprocess.Popen(SLEEP.split())
        started = time.perf_counter()
        bare.kill()
        bare.wait()
        bare = subprocess.Popen(SLEEP.split())
        floor.append((time.perf_counter() - started) * 1000)
        bare.kill()
        bare.wait()
        pid = manager.row(process_id)["pid"]
        started = time.perf_counter()
        os.kill(pid, signal.SIGKILL)
        eventually(partial(has_another, manager, process_id, pid))
        taken.append((time.perf_counter() - started) * 1000)
    print(f"{'  a bare kill, wait and spawn, p50':52} {statistics.median(floor):9.2f} ms")
    table.row("kill -9 until the list shows another pid, p50", statistics.median(taken), 15, "ms")


def has_another(manager: Running, process_id: str, pid: int) -> bool:
    return manager.row(process_id)["pid"] not in (0, pid)


def stop(table: Table, manager: Running) -> None:
    pids = [row["pid"] for row in manager.list()]
    started = time.perf_counter()
    manager.process.send_signal(signal.SIGTERM)
    eventually(lambda: not any(map(is_alive, pids)))
    table.row("SIGTERM until 100 are dead", time.perf_counter() - started, 0.1, "s")
    manager.stop()


def idle(table: Table, folder: Path) -> None:
    """CPU and memory of manager and guardian while nobody asks."""
    with running(folder, sleepers(100)) as manager:
        manager.wait_running(["p099"])
        pids = [manager.pid, manager.guardian]
        time.sleep(12)  # the statistics go on for ten seconds after the last question
        before = sum(map(cpu_seconds, pids))
        time.sleep(10)
        table.row("idle with 100: CPU", (sum(map(cpu_seconds, pids)) - before) * 100, 1, "ms/s")
        table.row("idle with 100: memory (PSS) with the guardian", sum(map(pss, pids)), 35, "MB")


def cpu_seconds(pid: int) -> float:
    return time.clock_gettime(~pid << 3 | 2)  # the process's own clock, as clock_getcpuclockid(3) names it


def pss(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def main() -> int:
    table = Table()
    with tempfile.TemporaryDirectory(prefix="heart-") as name:
        for count, limit in ((1, 0.10), (100, 0.17), (300, 0.50)):
            boot(table, Path(name), count, limit)
        control(table, Path(name))
        idle(table, Path(name))
        reload(table, Path(name))
    return 1 if table.failed else 0


if __name__ == "__main__":
    sys.exit(main())
