"""The least manager around the pump and the store: runs commands, keeps their logs, and says in JSON what that cost.

    python -m tests.bench.log_manage FOLDER TIMESTAMPS(0|1) SECONDS COMMAND... [-- COMMAND...]

It ends when all commands have, or after SECONDS (0: never).
"""

import asyncio
import json
import os
import resource
import subprocess
import sys
import time
from itertools import groupby
from pathlib import Path

from pmtui.config.model import LogSettings
from pmtui.logs.capture.pipe_reader import PipeReader
from pmtui.logs.store import LogStore


def resident() -> int:
    """Bytes of resident memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


async def measure_lag(lags: list[float]) -> None:
    while True:
        started = time.monotonic()
        await asyncio.sleep(0.01)
        lags.append(time.monotonic() - started - 0.01)


class Manager:
    def __init__(self, folder: Path, timestamps: bool) -> None:
        self.store = LogStore(folder)
        self.pump = PipeReader(asyncio.get_running_loop())
        self.settings = LogSettings(max_size=0, timestamps=timestamps)
        self.children: list[subprocess.Popen[bytes]] = []

    async def run(self, number: int, command: list[str]) -> None:
        log = self.store.open(f"p{number:03}", self.settings)
        log.start_run(1)
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        self.pump.follow(reading, log.sink("stdout"))
        child = await asyncio.to_thread(subprocess.Popen, command, stdout=writing)
        self.children.append(child)
        os.close(writing)
        ended = asyncio.Event()
        end = os.pidfd_open(child.pid)
        loop = asyncio.get_running_loop()
        loop.add_reader(end, ended.set)
        await ended.wait()
        loop.remove_reader(end)
        os.close(end)
        child.wait()
        self.pump.finish([reading], lambda: None)


async def main(folder: str, timestamps: str, seconds: str, *words: str) -> None:
    commands = [list(group) for is_end, group in groupby(words, lambda word: word == "--") if not is_end]
    manager = Manager(Path(folder), timestamps == "1")
    lags: list[float] = []
    lag = asyncio.create_task(measure_lag(lags)) if seconds == "0" else None
    before_cpu, before_rss = time.process_time(), resident()
    runs = [asyncio.create_task(manager.run(number, command)) for number, command in enumerate(commands)]
    if seconds != "0":
        await asyncio.sleep(1.5)  # all are launched
        before_cpu = time.process_time()
    await asyncio.wait(runs, timeout=float(seconds) or None)
    cpu = time.process_time() - before_cpu
    for child in manager.children:
        child.kill()
    await asyncio.gather(*runs)
    if lag:
        lag.cancel()
    manager.store.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    lags.sort()
    print(
        json.dumps(
            {
                "cpu": cpu if seconds != "0" else time.process_time() - before_cpu,
                "growth_mb": (peak - before_rss) / 1e6,
                "lag_p99_ms": lags[int(len(lags) * 0.99)] * 1000 if lags else 0,
                "lines": sum(log.ring.end - 1 for log in manager.store._logs.values()),
            }
        )
    )


asyncio.run(main(*sys.argv[1:]))
