"""What /proc says of a process; standard library only, for the guardian uses it too."""

import os
import time

_CPU_CLOCK = 2  # of a whole process: CPUCLOCK_SCHED in the kernel


class ProcessStat:
    """Fields of /proc/PID/stat. CPU time and start are in clock ticks, memory is in pages."""

    __slots__ = ("arguments", "cpu", "parent", "resident", "start", "state")

    def __init__(self, fields: list[bytes]) -> None:
        self.state = fields[0]
        self.parent = int(fields[1])
        self.cpu = sum(map(int, fields[11:15]))  # with that of children already reaped
        self.start = int(fields[19])  # after the machine's
        self.resident = int(fields[21])
        self.arguments = int(fields[45]), int(fields[46])  # addresses of the command line, in the process itself

    @property
    def is_zombie(self) -> bool:
        return self.state in b"ZX"


def read_stat(pid: int) -> ProcessStat | None:
    """Return None if the process is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return ProcessStat(file.read().rpartition(b")")[2].split())
    except OSError:
        return None


def cpu_clock(pid: int) -> int:
    """Return the CPU time of the process in nanoseconds, which costs a tenth of its stat; 0 if it is gone."""
    try:
        return time.clock_gettime_ns(~pid << 3 | _CPU_CLOCK)
    except OSError:
        return 0


def is_alive(pid: int) -> bool:
    stat = read_stat(pid)
    return stat is not None and not stat.is_zombie


def parent_of(pid: int) -> int:
    """Return the parent's pid, or 0 if the process is gone."""
    stat = read_stat(pid)
    return stat.parent if stat else 0


def start_ticks(pid: int) -> int:
    """Return when the process started. With the pid it identifies the process; 0 if it is gone."""
    stat = read_stat(pid)
    return stat.start if stat else 0


def name_of(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/comm", "rb") as file:
            return file.read().decode("utf-8", "replace").strip()
    except OSError:
        return "?"


def children(pid: int) -> list[int]:
    """Return the children, zombies included. The list is complete only if `pid` is the caller."""
    found: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", "rb") as file:
                found += map(int, file.read().split())
    except OSError:  # it has ended
        pass
    return found


def boot_id() -> str:
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


def process_identity(pid: int) -> dict[str, object]:
    """Return what no other process ever shares, across reboots too; empty if the process does not run."""
    stat = read_stat(pid)
    return {} if stat is None or stat.is_zombie else {"pid": pid, "startTicks": stat.start, "boot": boot_id()}
