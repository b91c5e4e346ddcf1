"""CPU, memory and listening ports of whole trees: one pass over the process table a second, while it is in demand."""

import asyncio
import contextlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from pmtui.spawner.listeners import listening_sockets
from pmtui.spawner.process_tree import marked_processes
from pmtui.spawner.procfs import cpu_clock, read_stat

SAMPLE_INTERVAL = 1.0
IDLE_TIMEOUT = 10.0
"""Seconds for which sampling continues after the last request."""
PORTS_INTERVAL = 3
"""Samples per scan of the sockets, which costs more than all the rest."""
MIN_SAMPLE_INTERVAL = 0.1
"""Minimum seconds between two samples, even if a new run is requested."""
MAX_REUSES = 30
"""Readings for which the memory of a process that does nothing is taken from the one before."""
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
MIN_ELAPSED = SAMPLE_INTERVAL / TICKS_PER_SECOND


class Usage(msgspec.Struct, frozen=True):
    """A tree at one moment: CPU in percent of one core since the sample before, RSS in bytes."""

    cpu: float = 0.0
    memory: int = 0
    ports: tuple[int, ...] = ()


NO_USAGE = Usage()


class ProcessReading(NamedTuple):
    """What one process uses: CPU and start in clock ticks, memory in pages; unchanged as long as `clock` is."""

    run: int
    clock: int
    cpu: int
    start: int
    resident: int


class TreeTotal(msgspec.Struct):
    """The sum over the processes of a tree; CPU in seconds, with that of children already reaped."""

    cpu: float
    memory: int
    started_at: float  # seconds after the machine's start
    pids: list[int]


class UsageReading(NamedTuple):
    """The usage of all runs at one moment of the monotonic clock."""

    moment: float
    totals: Mapping[int, TreeTotal]

    def cpu_percent(self, run: int, before: "UsageReading") -> float:
        """Return the CPU usage of a run since an earlier reading, or since its start if it is newer."""
        total, earlier = self.totals[run], before.totals.get(run)
        if earlier:
            cpu = (total.cpu - earlier.cpu) / max(self.moment - before.moment, MIN_ELAPSED)
        else:
            cpu = total.cpu / max(time.clock_gettime(time.CLOCK_BOOTTIME) - total.started_at, MIN_ELAPSED)
        return round(max(cpu, 0.0) * 100, 1)


NO_READING = UsageReading(0.0, {})


class UsageSampler:
    """Samples the runs with marks of `base` in a thread, so that the loop never waits."""

    def __init__(self, base: int) -> None:
        self._base = base
        self._usage: dict[int, Usage] = {}
        self._reading = NO_READING
        self._processes: dict[int, ProcessReading] = {}
        self._readings = 0
        self._ports: dict[int, tuple[int, ...]] = {}
        self.samples = 0
        self._requested_at = 0.0
        self._ticker: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    def usage_of(self, run: int) -> Usage:
        return self._usage.get(run, NO_USAGE)

    async def refresh(self, runs: Iterable[int]) -> None:
        """Wait for a sample of the last second that includes these runs."""
        self._requested_at = time.monotonic()
        if self._ticker is None or self._ticker.done():
            self._ticker = asyncio.create_task(self._tick())
        age = time.monotonic() - self._reading.moment
        if age > 2 * SAMPLE_INTERVAL or (age > MIN_SAMPLE_INTERVAL and not self._usage.keys() >= set(runs)):
            await self._sample_in_thread()

    async def read(self) -> UsageReading:
        """Return the usage of all runs, without ports, which cost more than everything else."""
        if time.monotonic() - self._reading.moment < SAMPLE_INTERVAL:
            return self._reading
        return await asyncio.to_thread(self._read)

    def stop(self) -> None:
        if self._ticker:
            self._ticker.cancel()

    async def _tick(self) -> None:
        while time.monotonic() - self._requested_at < IDLE_TIMEOUT:
            await asyncio.sleep(SAMPLE_INTERVAL)
            await self._sample_in_thread()

    async def _sample_in_thread(self) -> None:
        requested_at = time.monotonic()
        async with self._lock:
            if self._reading.moment < requested_at:  # no other request has sampled since
                await asyncio.to_thread(self._sample)

    def _sample(self) -> None:
        reading, before = self._read(), self._reading
        totals = reading.totals
        if self.samples % PORTS_INTERVAL == 0 or totals.keys() - self._ports.keys():
            ports = listening_ports()
            self._ports = {run: ports_of(total.pids, ports) for run, total in totals.items()}
        self.samples += 1
        self._usage = {
            run: Usage(reading.cpu_percent(run, before), total.memory, self._ports.get(run, ()))
            for run, total in totals.items()
        }
        self._reading = reading

    def _read(self) -> UsageReading:
        return UsageReading(time.monotonic(), self._totals())

    def _totals(self) -> dict[int, TreeTotal]:
        totals: dict[int, TreeTotal] = {}
        processes: dict[int, ProcessReading] = {}
        self._readings += 1
        for pid, run in marked_processes(self._base):
            if found := self._process(pid, run):
                processes[pid] = found
                started_at = found.start / TICKS_PER_SECOND
                total = totals.setdefault(run, TreeTotal(0.0, 0, started_at, []))
                total.cpu += found.cpu / TICKS_PER_SECOND
                total.memory += found.resident * PAGE_BYTES
                total.started_at = min(total.started_at, started_at)
                total.pids.append(pid)
        self._processes = processes
        return totals

    def _process(self, pid: int, run: int) -> ProcessReading | None:
        """Read the process, unless it has not run since the last reading: a manager has many that mostly wait."""
        known, clock = self._processes.get(pid), cpu_clock(pid)
        is_due = (pid + self._readings) % MAX_REUSES == 0
        if known and clock and (known.clock, known.run) == (clock, run) and not is_due:
            return known
        stat = read_stat(pid)
        return ProcessReading(run, clock, stat.cpu, stat.start, stat.resident) if stat else None


def listening_ports() -> dict[str, int]:
    """Map the inode of every listening TCP socket in this network namespace to its port."""
    return {found.inode: found.port for found in listening_sockets()}


def ports_of(pids: Iterable[int], ports: dict[str, int]) -> tuple[int, ...]:
    """Return the ports on which these processes listen, as far as their open files may be read."""
    inodes = (link[len("socket:[") : -1] for pid in pids for link in open_files(pid) if link.startswith("socket:["))
    return tuple(sorted({ports[inode] for inode in inodes if inode in ports}))


def open_files(pid: int) -> Iterator[str]:
    """Yield what the descriptors of the process refer to: none if it has ended, or belongs to another user."""
    with contextlib.suppress(OSError):
        for descriptor in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(FileNotFoundError):  # closed since it was listed
                yield os.readlink(f"/proc/{pid}/fd/{descriptor}")


def port_holder(port: int) -> str:
    """Return name and pid of the process that listens on a TCP port; empty if this user cannot see it."""
    sockets = {inode: found for inode, found in listening_ports().items() if found == port}
    for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))):
        if ports_of([pid], sockets):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/comm", errors="replace") as file:
                return f"{file.read().strip()} (pid {pid})"
    return ""
