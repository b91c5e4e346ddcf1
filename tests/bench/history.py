"""What the history of 100 processes costs: `python -m tests.bench.history`. Exit code 1 if a figure is above its limit.

A day of samples is written as a manager would do it, with CPU and memory that change all the time: the worst case.
"""

import random
import sys
import tempfile
import time
from pathlib import Path

from pmtui.history.columns import STEP, Sample
from pmtui.history.database import file_bytes
from pmtui.history.records import EventRecord, RunEnd, Tick
from pmtui.history.store import HistoryStore
from tests.bench.heart import Table, cpu_seconds, pss, sleepers
from tests.running import running

COUNT = 100
DAY = 24 * 3600
START = 1_790_000_000 // DAY * DAY
NAMES = [f"p{number:03}" for number in range(COUNT)]


def tick(moment: int, chance: random.Random, memory: list[int]) -> Tick:
    samples = {}
    for number, name in enumerate(NAMES):
        memory[number] += chance.randrange(-64, 65) * 4096
        cpu = max(0.0, round(chance.gauss(20, 8), 1))
        samples[name] = Sample(cpu, abs(memory[number]), round(chance.uniform(0.5, 40), 1))
    return Tick(moment, samples)


def measure_day(table: Table, store: HistoryStore, clock: list[float]) -> None:
    """Writes a day of samples, and an end of a run of each process an hour."""
    chance = random.Random(1)
    memory = [chance.randrange(50 << 20, 500 << 20) for _ in NAMES]
    spent = slowest = 0.0
    for moment in range(START, START + DAY, STEP):
        clock[0] = moment
        records = [tick(moment, chance, memory)]
        ends = [ended(name, moment) for name in NAMES] if moment % 3600 == 1800 else []
        began, wall = time.thread_time(), time.perf_counter()
        store.write([*records, *ends])
        spent += time.thread_time() - began
        slowest = max(slowest, time.perf_counter() - wall)
    table.row("writing, a second of history: CPU", spent / DAY * 1000, 0.3, "ms/s")
    table.row("slowest write (an hour is packed)", slowest * 1000, 2000, "ms")


def ended(name: str, moment: int) -> EventRecord:
    words = tuple(f"line {number} of what it said before it ended" for number in range(20))
    return EventRecord(name, moment * 1000, 1, "running", "crashed", "exit 1", RunEnd(1, None, words))


def measure_reading(table: Table, store: HistoryStore) -> None:
    until = (START + DAY) * 1000
    for name, hours, points in (("an hour", 1, 300), ("a day", 24, 300), ("a day", 24, 10_000)):
        taken = []
        for process_id in NAMES[:20]:
            began = time.thread_time()
            series = store.series(process_id, until - hours * 3_600_000, until, points)
            store.events(process_id, until - hours * 3_600_000, until, 1000)
            taken.append((time.thread_time() - began) * 1000)
            assert None not in series.cpu
        table.row(f"reading {name}, {points} points: CPU", sorted(taken)[10], 30, "ms")


def idle(folder: Path, history: bool) -> tuple[float, float]:
    """CPU in ms/s and memory in MB of a manager with 100 processes that do nothing, and of its guardian."""
    settings = {} if history else {"history": False}
    with running(folder, {"settings": settings, "processes": sleepers(COUNT)}) as manager:
        manager.wait_running([f"p{COUNT - 1:03}"])
        pids = [manager.pid, manager.guardian]
        time.sleep(12)  # usage is sampled for ten seconds after the last request
        before = sum(map(cpu_seconds, pids))
        time.sleep(40)
        return (sum(map(cpu_seconds, pids)) - before) / 40 * 1000, sum(map(pss, pids))


def measure_idle(table: Table, folder: Path) -> None:
    for name in ("without", "with"):
        (folder / name).mkdir()
    (cpu, memory), (more_cpu, more_memory) = idle(folder / "without", False), idle(folder / "with", True)
    print(f"{'  without history':52} {cpu:9.2f} ms/s  {memory:9.2f} MB")
    table.row("idle with 100: CPU more than without", more_cpu - cpu, 1, "ms/s")
    table.row("idle with 100: memory more than without", more_memory - memory, 3, "MB")


def main() -> int:
    table = Table()
    clock = [0.0]
    with tempfile.TemporaryDirectory(prefix="history-") as name:
        path = Path(name) / "history.db"
        store = HistoryStore(path, max_size=64 << 20, keep=30 * DAY, clock=lambda: clock[0])
        measure_day(table, store, clock)
        measure_reading(table, store)
        table.row("a day on disk, with the write-ahead log", file_bytes(path) / (1 << 20), 30, "MB")
        store.close()
        measure_idle(table, Path(name))
    return 1 if table.failed else 0


if __name__ == "__main__":
    sys.exit(main())
