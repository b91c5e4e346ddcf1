"""Twenty processes that write 50 MiB each at once: `python -m tests.bench.log_flood [REPEATS]`.

A real manager in this process, whose loop is asked every 10 ms how late it is; exit code 1 above a limit.
"""

import asyncio
import contextlib
import shutil
import sys
import tempfile
import time
from pathlib import Path

from pmtui import Manager, ProcessConfig
from pmtui.config.model import LogSettings
from pmtui.control import Status

COUNT = 20
BLOCKS = (50 << 20) // 65600
LAG_LIMIT = 25.0
WRITER = f"""
import os, sys, time
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
body = b"".join(b"%099d\\n" % n for n in range(1, 656))
for number in range({BLOCKS}):
    data = b"block %093d\\n" % number + body
    while data:
        data = data[os.write(1, data):]
"""


async def measure_lag(lags: list[float]) -> None:
    while True:
        started = time.monotonic()
        await asyncio.sleep(0.01)
        lags.append((time.monotonic() - started - 0.01) * 1000)


async def flood(folder: Path) -> float:
    """Runs it once and prints the figures; the 99th percentile of the lag in milliseconds."""
    manager = Manager(log_directory=folder / "logs")
    for number in range(COUNT):
        argv = ["-ISc", WRITER, str(folder / "go")]
        log = LogSettings(max_size=0, timestamps=False)
        manager.register(
            ProcessConfig(id=f"p{number}", command=sys.executable, args=argv, cwd="/", restart="never", log=log)
        )
    life = asyncio.create_task(manager.run())
    await asyncio.sleep(2)  # all have started, and wait
    lags: list[float] = []
    lag = asyncio.create_task(measure_lag(lags))
    started, cpu = time.monotonic(), time.process_time()
    (folder / "go").touch()
    for number in range(COUNT):
        await manager.wait(f"p{number}", frozenset({Status.COMPLETED}))
    seconds, cpu = time.monotonic() - started, time.process_time() - cpu
    lag.cancel()
    manager.shutdown()
    await life
    size, kept = COUNT * BLOCKS * 65600, sum(log.stat().st_size for log in (folder / "logs").glob("*stdout.log"))
    lags.sort()
    late = lags[int(len(lags) * 0.99)]
    print(f"{size / 1e6 / seconds:.0f} MB/s, {size - kept} bytes lost, {cpu:.2f} s of CPU, lag p99 {late:.1f} ms")
    return late


def main(repeats: int = 3) -> int:
    worst = 0.0
    for _ in range(repeats):
        folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
        with contextlib.ExitStack() as stack:
            stack.callback(shutil.rmtree, folder)
            worst = max(worst, asyncio.run(flood(folder)))
    print(f"worst lag p99 {worst:.1f} ms, limit {LAG_LIMIT:.0f}")
    return 1 if worst > LAG_LIMIT else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
