"""Which processes descend from which, and which belong to a run of a worker; standard library only.

What a run has started is known by a mark: the soft RLIMIT_RTTIME of its processes is a number that no other run has.
The limit concerns real-time scheduling alone and lies centuries away, but it is inherited over fork, exec, setsid,
a double fork and an emptied environment, and processes of the same user may read it.
"""

import contextlib
import ctypes
import os
import resource
import signal
from collections.abc import Callable, Iterable, Iterator

PR_SET_CHILD_SUBREAPER = 36
MAX_RUNS = 1 << 20
"""Marks of one manager lie in `range(base, base + RUNS)`; the base itself is its guardian's."""


def become_subreaper() -> None:
    """Descendants whose parent ends become children of this process; raises OSError on a kernel before 3.4."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER) failed")


def mark_of(pid: int) -> int:
    """The mark that the process carries; 0 where it is gone."""
    try:
        return resource.prlimit(pid, resource.RLIMIT_RTTIME)[0]
    except PermissionError:  # it has become another user or group, but everybody may read this
        return mark_in_limits(pid)
    except (OSError, ValueError):
        return 0


def mark_in_limits(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/limits", "rb") as file:
            line = next(line for line in file if line.startswith(b"Max realtime timeout"))
        return int(line.split()[3])
    except (OSError, StopIteration, ValueError):  # gone, or unlimited
        return 0


def marked_processes(base: int) -> Iterator[tuple[int, int]]:
    """Every process on this machine that carries a mark of that base: its pid, and its run (0: the guardian)."""
    for name in os.listdir("/proc"):
        if name.isdigit() and 0 <= (run := mark_of(int(name)) - base) < MAX_RUNS:
            yield int(name), run


def children(pid: int) -> list[int]:
    """The process's children, ended but unreaped ones included; complete where `pid` is the caller itself."""
    found: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", "rb") as file:
                found += map(int, file.read().split())
    except OSError:  # it has ended meanwhile
        pass
    return found


def descendants(roots: Iterable[int]) -> list[int]:
    """The roots and all that descends from them, parents before children."""
    found = list(roots)
    for pid in found:
        found += children(pid)
    return found


def parent_of(pid: int) -> int:
    """The parent's pid, 0 where the process is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[1])
    except (OSError, ValueError):
        return 0


def is_alive(pid: int) -> bool:
    """Whether the process still runs; one that has ended and waits to be reaped does not."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] not in b"ZX"
    except OSError:
        return False


def is_descendant(pid: int) -> bool:
    """Whether the process descends from the caller."""
    me = os.getpid()
    while pid > 1:
        pid = parent_of(pid)
        if pid == me:
            return True
    return False


def start_ticks(pid: int) -> int:
    """When the process began, in ticks since the machine did; with the pid, nobody else's name."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[19])
    except (OSError, ValueError):
        return 0


def group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except OSError:
        return 0


def name_of(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/comm", "rb") as file:
            return file.read().decode("utf-8", "replace").strip()
    except OSError:
        return "?"


def signal_group(leader: int, number: int) -> None:
    """Signals the processes of the group that may be signalled; none is no error."""
    with contextlib.suppress(PermissionError, ProcessLookupError):  # all have become other users, or have ended
        os.killpg(leader, number)


def send_signal(pid: int, number: int, is_meant: Callable[[int], bool]) -> bool:
    """Signals the process if `is_meant(pid)` still holds while its number cannot be given to another one."""
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if not is_meant(pid):
            return False
        signal.pidfd_send_signal(handle, number)
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
