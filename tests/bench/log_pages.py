"""A week's log of 1 GB read page by page: `python -m tests.bench.log_pages [MEGABYTES [FILES]]` (1000, 10).

The log is of an earlier manager, in rotated files. Reads pages at random places through the REST API and as an agent
reads them by cursor, then the whole log forwards, and checks every line. Limits: 2 s for a page, 32 MB more memory.
"""

import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from pmtui.client.discovery import ManagerAddress
from pmtui.client.remote_control import RemoteControl
from pmtui.mcp.logs import read_page
from tests.running import Running, running

MAX_PAGE_SECONDS, MAX_MEGABYTES = 2.0, 32.0
PAGES = 100
PAGE_LINES = 10_000
TEXT = "INFO served GET /api/items/7 in 12 ms for 203.0.113.9, cache hit, 1532 bytes"


def write_log(folder: Path, megabytes: int, files: int) -> int:
    """Write the log in lines a few milliseconds apart, and return how many there are."""
    folder.mkdir(parents=True)
    count, begin = megabytes * 1_000_000 // len(line(0, 0)), time.time() - 7 * 86400
    each = -(-count // files)
    for number in range(files):
        name = "web-stdout.log" if number == files - 1 else f"web-stdout-20260101-{number:06}.log"
        with open(folder / name, "w") as file:
            for first in range(number * each, min(count, (number + 1) * each), 1000):
                moment = begin + first * 7 * 86400 / count
                file.writelines(line(n, moment) for n in range(first, min(first + 1000, count, (number + 1) * each)))
    return count


def line(number: int, moment: float) -> str:
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(moment))}.000Z {number:09} {TEXT}\n"


def memory(manager: Running) -> float:
    """Return the megabytes that the manager holds."""
    status = Path(f"/proc/{manager.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def read_random(manager: Running, count: int) -> list[float]:
    """Return how long each page took, sorted."""
    times = list[float]()
    for _ in range(PAGES):
        before = -random.randrange(count - 100)
        began = time.perf_counter()
        status, page = manager.get(f"/api/pm/web/logs?lines=100&before={before}")
        times.append(time.perf_counter() - began)
        assert status == 200, page
        assert [int(one["text"][:9]) for one in page] == [*range(count + before - 101, count + before - 1)]
    return sorted(times)


async def read_as_agent(manager: Running, count: int) -> list[float]:
    token = manager.authorization["Authorization"].removeprefix("Bearer ")
    control = RemoteControl(lambda: ManagerAddress(manager.url, token))
    times, cursor, number = list[float](), "start", 0
    for _ in range(PAGES):
        began = time.perf_counter()
        answer = await read_page(control.logs, "web", cursor, "", "", 4000)
        times.append(time.perf_counter() - began)
        assert len(answer) <= 4000
        *lines, last = answer.splitlines()
        assert [int(one.split()[1]) for one in lines] == [*range(number, number + len(lines))]
        cursor, number = last.split()[1], number + len(lines)
    await control.close()
    return sorted(times)


def read_whole(manager: Running, count: int) -> float:
    began, after, number = time.perf_counter(), -(10**17), 0
    while number < count:
        page = json.loads(manager.fetch("GET", f"/api/pm/web/logs?lines={PAGE_LINES}&after={after}")[1])
        assert [int(one["text"][:9]) for one in page] == [*range(number, number + len(page))]
        after, number = page[-1]["seq"], number + len(page)
    return time.perf_counter() - began


def report(what: str, times: Sequence[float]) -> bool:
    print(f"{what}: {times[len(times) // 2] * 1000:.0f} ms (median), {times[-1] * 1000:.0f} ms (worst)")
    return times[-1] > MAX_PAGE_SECONDS


def main(megabytes: int = 1000, files: int = 10) -> int:
    with tempfile.TemporaryDirectory(prefix="pages-") as name:
        count = write_log(Path(name) / ".pmtui/logs", megabytes, files)
        print(f"{megabytes} MB, {count:,} lines in {files} files")
        entry = {"id": "web", "command": "sleep 600", "log": {"keep": 1000, "maxSize": "2GB"}}
        with running(Path(name), [entry]) as manager:
            manager.wait_running(["web"])
            idle = memory(manager)
            is_late = report("a page of 100 lines anywhere", read_random(manager, count))
            is_late |= report("an answer of 4,000 characters", asyncio.run(read_as_agent(manager, count)))
            small = memory(manager)
            whole = read_whole(manager, count)
            large = memory(manager)
    print(f"all in pages of {PAGE_LINES:,} lines: {whole:.0f} s, {megabytes / whole:.0f} MB/s")
    print(f"memory of the manager: {idle:.1f} MB idle, {small:.1f} MB after small pages, {large:.1f} MB after all")
    return int(is_late or small - idle > MAX_MEGABYTES)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
