"""Which processes descend from which, and which belong to a run; standard library only.

Every run has a mark: a soft RLIMIT_RTTIME that no other run has. The limit concerns real-time scheduling only and is
centuries away. It is inherited through fork, exec, setsid, a double fork and an emptied environment, and processes of
the same user may read it.
"""

import contextlib
import ctypes
import os
import resource
import signal
from collections.abc import Callable, Iterable, Iterator

from pmtui.spawner.procfs import children, parent_of

PR_SET_CHILD_SUBREAPER = 36
MAX_RUNS = 1 << 20
"""The marks of a manager are in `range(base, base + MAX_RUNS)`; `base` itself is its guardian's."""


def become_subreaper() -> None:
    """Adopt descendants whose parent ends. Raises OSError on a kernel before 3.4."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER) failed")


def mark_of(pid: int) -> int:
    """Return the mark of the process, or 0 if it is gone."""
    try:
        return resource.prlimit(pid, resource.RLIMIT_RTTIME)[0]
    except PermissionError:  # it has changed its user or group; this file is readable for all
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
    """Yield pid and run of every process on this machine with a mark of `base`; the guardian's run is 0."""
    for name in os.listdir("/proc"):
        if name.isdigit() and 0 <= (run := mark_of(int(name)) - base) < MAX_RUNS:
            yield int(name), run


def descendants(roots: Iterable[int]) -> list[int]:
    """Return the roots and all their descendants, parents before children."""
    found = list(roots)
    for pid in found:
        found += children(pid)
    return found


def is_descendant(pid: int) -> bool:
    me = os.getpid()
    while pid > 1:
        pid = parent_of(pid)
        if pid == me:
            return True
    return False


def group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except OSError:
        return 0


def signal_group(leader: int, number: int) -> None:
    """Signal every process of the group that may be signalled, if any."""
    with contextlib.suppress(PermissionError, ProcessLookupError):  # all have changed their user, or have ended
        os.killpg(leader, number)


def send_signal(pid: int, number: int, is_target: Callable[[int], bool]) -> bool:
    """Signal the process if `is_target(pid)` is still true, which is checked while its pid cannot be reused."""
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if not is_target(pid):
            return False
        signal.pidfd_send_signal(handle, number)
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
