"""How late jobs start, and what they cost while they wait: `python -m tests.bench.jobs [--jobs 200] [--seconds 6]`.

Beside each figure stands what the same machine allows at the same time: the lateness of processes that bare asyncio
starts, and the cost of processes that are stopped.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pmtui.monitors.jobs.timetable import spread
from tests.eventually import eventually
from tests.running import Running, running

PERIOD = 1.0
WARM_UP = 3.0
"""Seconds in which a manager still loads its API."""
ROUNDS = 5
LATE_LIMIT = 0.1
"""Seconds by which a run may be late at the 99th percentile, or as late as those of bare asyncio."""
IDLE_TOLERANCE = 0.005
"""Cores by which waiting jobs may cost more than stopped processes."""


def percentile(values: Sequence[float], part: int) -> float:
    return statistics.quantiles(values, n=100)[part - 1]


def jobs(count: int, **fields: object) -> list[dict[str, Any]]:
    return [{"id": f"job-{number}", "command": "true"} | fields for number in range(count)]


async def bare_asyncio(count: int, seconds: float) -> list[float]:
    """Start as many processes as often, each by a task that only sleeps until it is due; return how late they were.

    Each gets what a supervisor has to give it: a session and two pipes.
    """
    late: list[float] = []

    async def repeat(begin: float) -> None:
        """Each task has its own part of the second, as the jobs do."""
        loop = asyncio.get_running_loop()
        for number in range(1, round(seconds / PERIOD) + 1):
            due = begin + number * PERIOD
            await asyncio.sleep(due - loop.time())
            process = await asyncio.create_subprocess_exec("true", stdout=PIPE, stderr=PIPE, start_new_session=True)
            late.append(loop.time() - due)
            await process.communicate()

    begin = asyncio.get_running_loop().time()
    await asyncio.gather(*(repeat(begin + spread(number)) for number in range(count)))
    return late


def lateness(manager: Running, count: int, seconds: float) -> list[float]:
    """Return how late each run was that began within that time."""
    grids: dict[str, float] = {}

    def has_all() -> bool:
        rows = [row for row in manager.list() if row["nextStart"]]
        grids.update({row["id"]: datetime.fromisoformat(row["nextStart"]).timestamp() for row in rows})
        return len(grids) == count

    eventually(has_all)
    time.sleep(WARM_UP)
    begin = time.time()
    time.sleep(seconds)
    late = []
    for number in range(count):
        for run in manager.get(f"/api/pm/job-{number}/runs")[1]:
            begun = datetime.fromisoformat(run["startTime"]).timestamp()
            if begun >= begin:
                late.append((begun - grids[f"job-{number}"]) % PERIOD)
    return late


def measure_lateness(count: int, seconds: float) -> bool:
    """Take the best of several rounds of both: whatever else the machine does makes all of them later."""
    rounds = [round_of(count, seconds) for _ in range(ROUNDS)]
    late, bare = (min(found, key=lambda values: percentile(values, 99)) for found in zip(*rounds, strict=True))
    print(f"{count} jobs, every 1s: {len(late)} runs in {seconds:g} s ({len(bare)} by bare asyncio)")
    for part in (50, 99):
        own, other = percentile(late, part), percentile(bare, part)
        print(f"  late at p{part}: {own * 1000:6.1f} ms, bare asyncio {other * 1000:6.1f} ms, ratio {own / other:.2f}")
    limit = max(LATE_LIMIT, percentile(bare, 99))
    return percentile(late, 99) <= limit


def round_of(count: int, seconds: float) -> tuple[list[float], list[float]]:
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), jobs(count, schedule="every 1s")) as manager:
        manager.wait_until_served()
        late = lateness(manager, count, seconds)
    return late, asyncio.run(bare_asyncio(count, seconds))


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/schedstat").read_text().split()
    return int(fields[0]) / 1e9


def idle_cost(count: int, seconds: float, **fields: object) -> tuple[float, int, int]:
    """Return cores, wake-ups in a second, and resident bytes of a manager whose processes do nothing."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), jobs(count, **fields)) as manager:
        manager.wait_until_served()
        eventually(lambda: len(manager.list()) == count)
        time.sleep(3)
        before, woken = cpu_seconds(manager.pid), wake_ups(manager.pid)
        time.sleep(seconds)
        cores = (cpu_seconds(manager.pid) - before) / seconds
        rss = next(line for line in Path(f"/proc/{manager.pid}/status").read_text().splitlines() if "VmRSS" in line)
        return cores, round((wake_ups(manager.pid) - woken) / seconds), int(rss.split()[1]) << 10


def wake_ups(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("voluntary_ctxt_switches")).split()[1])


def measure_idle(count: int, seconds: float) -> bool:
    scheduled = idle_cost(count, seconds, schedule="30 2 * * *")
    stopped = idle_cost(count, seconds, autostart=False)
    print(f"{count} processes at rest, for {seconds:g} s:")
    for name, (cores, woken, rss) in (("due once a day", scheduled), ("stopped", stopped)):
        print(f"  {name:<15} {cores * 100:6.3f} % of a core, {woken} wake-ups/s, {rss / 2**20:.1f} MB")
    print(f"  ratio of memory {scheduled[2] / stopped[2]:.2f}")
    return scheduled[0] <= stopped[0] + IDLE_TOLERANCE and scheduled[2] <= stopped[2] * 1.1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=6.0)
    options = parser.parse_args()
    results = [measure_lateness(options.jobs, options.seconds), measure_idle(options.jobs, options.seconds)]
    print(json.dumps({"is_within_limits": all(results)}))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
