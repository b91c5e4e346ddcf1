"""What the manager takes of the machine before it starts anything, so that processes cannot take the last of it."""

import asyncio
import errno
import os
import resource
import threading
from concurrent.futures import ThreadPoolExecutor

from pmtui.spawner.client import FDS_PER_WORKER, MIN_RESERVED_FDS
from pmtui.spawner.worker import limit_cores

POOL_THREADS = 4
"""Threads for blocking calls; all are started in advance."""
LIMIT_HINTS = {
    errno.EMFILE: "the limit of open files (ulimit -n)",
    errno.ENFILE: "the machine's limit of open files (fs.file-max)",
    errno.EAGAIN: "the limit of processes and threads (ulimit -u, or that of the container)",
    errno.ENOMEM: "the limit of memory",
}
"""What to raise when the machine refuses something."""


def set_limits() -> None:
    """Allow as many open files as possible, and no core dumps. Processes keep the original limits.

    Why: two pipes and two logs a process exceed the usual 1,024; a core dump holds the token and environments.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    limit_cores(0)


def require_fds() -> None:
    """Raise OSError if there are too few descriptors for the manager and one process."""
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < MIN_RESERVED_FDS + FDS_PER_WORKER:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def reserve_threads() -> None:
    """Start the threads of the running loop's executor. Raises OSError if that is impossible."""
    executor = ThreadPoolExecutor(POOL_THREADS, "pmtui")
    all_started = threading.Barrier(POOL_THREADS + 1)
    try:
        for _ in range(POOL_THREADS):
            executor.submit(all_started.wait)
    except RuntimeError:
        all_started.abort()
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from None
    all_started.wait()
    asyncio.get_running_loop().set_default_executor(executor)
