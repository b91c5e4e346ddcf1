"""CPU, memory and listening ports of whole trees: one pass over the process table a second, while somebody asks."""

import asyncio
import contextlib
import os
import time
from collections.abc import Iterable

import msgspec

from pmtui.spawner.process_tree import marked_processes

SAMPLE_INTERVAL = 1.0
IDLE_TIMEOUT = 10.0
"""Seconds after the last question for which sampling goes on."""
PORTS_INTERVAL = 3
"""Samples between two looks at the sockets, which cost more than all the rest."""
MIN_SAMPLE_INTERVAL = 0.1
"""Seconds between two samples at least, where a new run is asked for."""
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
LISTEN_STATE = "0A"


class Usage(msgspec.Struct, frozen=True):
    """A tree at one moment: CPU in percent of one core since the sample before, RSS in bytes."""

    cpu: float = 0.0
    memory: int = 0
    ports: tuple[int, ...] = ()


NO_USAGE = Usage()


class TreeTotal(msgspec.Struct):
    """What the processes of a tree add up to; CPU in seconds, with that of children already reaped."""

    cpu: float
    memory: int
    started_at: float  # seconds after the machine's start
    pids: list[int]


class UsageSampler:
    """Samples the runs that carry marks of that base, in a thread, so that the loop is not held up."""

    def __init__(self, base: int) -> None:
        self._base = base
        self._usage: dict[int, Usage] = {}
        self._cpu: dict[int, float] = {}
        self._ports: dict[int, tuple[int, ...]] = {}
        self._sampled_at = 0.0
        self.samples = 0
        self._requested_at = 0.0
        self._ticker: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    def usage_of(self, run: int) -> Usage:
        """What the last sample says of the run."""
        return self._usage.get(run, NO_USAGE)

    async def refresh(self, runs: Iterable[int]) -> None:
        """Somebody asks about these runs: returns when a sample of the last second knows them."""
        self._requested_at = time.monotonic()
        if self._ticker is None or self._ticker.done():
            self._ticker = asyncio.create_task(self._tick())
        age = time.monotonic() - self._sampled_at
        if age > 2 * SAMPLE_INTERVAL or (age > MIN_SAMPLE_INTERVAL and not self._usage.keys() >= set(runs)):
            await self._sample_in_thread()

    def stop(self) -> None:
        if self._ticker:
            self._ticker.cancel()

    async def _tick(self) -> None:
        while time.monotonic() - self._requested_at < IDLE_TIMEOUT:
            await asyncio.sleep(SAMPLE_INTERVAL)
            await self._sample_in_thread()

    async def _sample_in_thread(self) -> None:
        asked = time.monotonic()
        async with self._lock:
            if self._sampled_at < asked:  # nobody else has done it meanwhile
                await asyncio.to_thread(self._sample)

    def _sample(self) -> None:
        now = time.monotonic()
        totals = self._totals()
        if self.samples % PORTS_INTERVAL == 0 or totals.keys() - self._ports.keys():
            ports = listening_ports()
            self._ports = {run: ports_of(total.pids, ports) for run, total in totals.items()}
        self.samples += 1
        elapsed = now - self._sampled_at
        uptime = time.clock_gettime(time.CLOCK_BOOTTIME)
        usage = {}
        for run, total in totals.items():
            if run in self._cpu:
                cpu = (total.cpu - self._cpu[run]) / elapsed
            else:  # the first sample tells the average since the start
                cpu = total.cpu / max(uptime - total.started_at, SAMPLE_INTERVAL / TICKS_PER_SECOND)
            usage[run] = Usage(round(max(cpu, 0.0) * 100, 1), total.memory, self._ports.get(run, ()))
        self._usage, self._cpu, self._sampled_at = usage, {run: total.cpu for run, total in totals.items()}, now

    def _totals(self) -> dict[int, TreeTotal]:
        totals: dict[int, TreeTotal] = {}
        for pid, run in marked_processes(self._base):
            try:
                with open(f"/proc/{pid}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            cpu = sum(map(int, fields[11:15])) / TICKS_PER_SECOND
            memory, born = int(fields[21]) * PAGE_BYTES, int(fields[19]) / TICKS_PER_SECOND
            total = totals.setdefault(run, TreeTotal(0.0, 0, born, []))
            total.cpu += cpu
            total.memory += memory
            total.started_at = min(total.started_at, born)
            total.pids.append(pid)
        return totals


def listening_ports() -> dict[str, int]:
    """The inode of every listening TCP socket of this network, and its port."""
    found: dict[str, int] = {}
    for table in ("tcp", "tcp6"):
        try:
            with open(f"/proc/self/net/{table}") as file:
                rows = [line.split() for line in file.readlines()[1:]]
        except OSError:  # a kernel without IPv6
            continue
        found |= {row[9]: int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == LISTEN_STATE}
    return found


def ports_of(pids: Iterable[int], ports: dict[str, int]) -> tuple[int, ...]:
    """Those of the ports that these processes listen on, as far as their open files may be read."""
    found = set()
    for pid in pids:
        try:
            for descriptor in os.listdir(f"/proc/{pid}/fd"):
                link = os.readlink(f"/proc/{pid}/fd/{descriptor}")
                if link.startswith("socket:[") and link[8:-1] in ports:
                    found.add(ports[link[8:-1]])
        except OSError:  # it has ended, or is not ours to look into
            continue
    return tuple(sorted(found))


def port_holder(port: int) -> str:
    """Return name and pid of the process that listens on a TCP port; empty if this user cannot see it."""
    sockets = {inode: found for inode, found in listening_ports().items() if found == port}
    for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))):
        if ports_of([pid], sockets):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/comm", errors="replace") as file:
                return f"{file.read().strip()} (pid {pid})"
    return ""
