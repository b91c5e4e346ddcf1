"""How the costs grow with the number of processes: `python -m tests.bench.growth [COUNT …]`.

Prints launch, list, idle and stop for 100, 300, 1,000 and 3,000 processes. The time per process may grow by half from
1,000 to 3,000, so that whatever grows with the square is above its limit; exit code 1 then.
"""

import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tests.bench.heart import cpu_seconds, latencies, moment, pss, sleepers
from tests.eventually import eventually, is_alive
from tests.running import Running, running

COUNTS = (100, 300, 1000, 3000)
TOLERANCE = 1.5
ROUNDS = 3
UNITS = {"launch": "s", "list": "ms", "idle CPU": "ms/s", "memory": "MB", "stop": "s", "shutdown": "s"}
PER_PROCESS = ("launch", "list", "stop", "shutdown")


def measure(folder: Path, count: int) -> dict[str, float]:
    launched = time.time()
    with running(folder, sleepers(count)) as manager:
        manager.wait_until_served()
        eventually(lambda: sum(row["status"] == "running" for row in manager.list()) == count)
        figures = {"launch": max(moment(row["startTime"]) for row in manager.list()) - launched}
        figures["list"] = statistics.median(latencies(manager, 20))
        figures |= idle(manager)
        figures["stop"] = min(stop_all(manager, count) for _ in range(ROUNDS))
        figures["shutdown"] = shutdown(manager)
    return figures


def idle(manager: Running) -> dict[str, float]:
    """CPU and memory of manager and guardian while nothing asks for anything."""
    pids = [manager.pid, manager.guardian]
    time.sleep(12)  # statistics are taken for ten seconds after the last request
    before = sum(map(cpu_seconds, pids))
    time.sleep(10)
    return {"idle CPU": (sum(map(cpu_seconds, pids)) - before) * 100, "memory": sum(map(pss, pids))}


def stop_all(manager: Running, count: int) -> float:
    """Stop all, and start them again."""
    started = time.perf_counter()
    assert manager.post("/api/pm/stop", {"ids": ["*"]})[0] == 200
    taken = time.perf_counter() - started
    assert manager.post("/api/pm/start", {"ids": ["*"]})[0] == 200
    eventually(lambda: sum(row["status"] == "running" for row in manager.list()) == count)
    return taken


def shutdown(manager: Running) -> float:
    pids = [row["pid"] for row in manager.list()]
    started = time.perf_counter()
    manager.process.send_signal(signal.SIGTERM)
    eventually(lambda: not any(map(is_alive, pids)))
    taken = time.perf_counter() - started
    manager.stop()
    return taken


def show(count: int, figures: Mapping[str, float]) -> None:
    print(f"{count:6} " + "".join(f"{figure:12.3f} {UNITS[name]:4}" for name, figure in figures.items()), flush=True)


def excess(table: Mapping[int, Mapping[str, float]]) -> list[str]:
    """Name what grows faster than the number of processes, between the two largest."""
    (small, few), (large, many) = sorted(table.items())[-2:]
    limits = {name: few[name] * large / small * TOLERANCE for name in PER_PROCESS}
    return [
        f"{name} of {large}: {many[name]:.2f} {UNITS[name]}, limit {limit:.2f}"
        for name, limit in limits.items()
        if many[name] > limit
    ]


def main() -> int:
    counts = [int(word) for word in sys.argv[1:]] or COUNTS
    table: dict[int, dict[str, float]] = {}
    print("       " + "".join(f"{name:>12}     " for name in UNITS))
    for count in counts:
        with tempfile.TemporaryDirectory(prefix="growth-") as name:
            table[count] = measure(Path(name), count)
        show(count, table[count])
    above = excess(table) if len(table) > 1 else []
    print("\n".join(above) or "nothing grows faster than the number of processes")
    return 1 if above else 0


if __name__ == "__main__":
    sys.exit(main())
