"""What the manager takes of the machine before it starts anything, so that no worker can take the last of it."""

import asyncio
import errno
import os
import resource
import threading
from concurrent.futures import ThreadPoolExecutor

from pmtui.spawner.client import FDS_PER_WORKER, MIN_RESERVED_FDS

POOL_THREADS = 4
"""Threads for what would hold the loop up; all of them are there from the start."""
LIMIT_HINTS = {
    errno.EMFILE: "the limit of open files (ulimit -n)",
    errno.ENFILE: "the machine's limit of open files (fs.file-max)",
    errno.EAGAIN: "the limit of processes and threads (ulimit -u, or that of the container)",
    errno.ENOMEM: "the limit of memory",
}
"""What to raise where the machine refuses something."""


def require_fds() -> None:
    """OSError where there are too few descriptors for the manager and one worker, rather than failures later."""
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < MIN_RESERVED_FDS + FDS_PER_WORKER:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def reserve_threads() -> None:
    """Gives the running loop its threads. OSError where they cannot be had."""
    executor = ThreadPoolExecutor(POOL_THREADS, "pmtui")
    all_there = threading.Barrier(POOL_THREADS + 1)
    try:
        for _ in range(POOL_THREADS):
            executor.submit(all_there.wait)
    except RuntimeError:
        all_there.abort()
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from None
    all_there.wait()
    asyncio.get_running_loop().set_default_executor(executor)
