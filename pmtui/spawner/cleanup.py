"""Ends and reaps what a guardian has left behind."""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence

from pmtui.spawner.process_tree import descendants, marked_processes, send_signal
from pmtui.spawner.procfs import children, is_alive, parent_of

EXIT_TIMEOUT = 10.0


async def kill_marked(base: int) -> Sequence[int]:
    """Kill every process with a mark of `base`. Return those that still run after EXIT_TIMEOUT seconds."""
    loop, seen = asyncio.get_running_loop(), set[int]()
    deadline = loop.time() + EXIT_TIMEOUT
    while (found := [pid for pid, _ in marked_processes(base) if is_alive(pid)]) and loop.time() < deadline:
        seen.update(found)
        for pid in descendants(found):
            send_signal(pid, signal.SIGKILL, lambda pid: pid in found or parent_of(pid) in seen)
        await asyncio.sleep(0.002)
    return found


def reap_adopted() -> None:
    """Reap the zombies that this process has inherited: unlike its own children they have another session."""
    for pid in children(os.getpid()):
        with contextlib.suppress(ChildProcessError, ProcessLookupError):
            if os.getsid(pid) != os.getsid(0) and not is_alive(pid):
                os.waitpid(pid, os.WNOHANG)


async def wait_exit(process: subprocess.Popen[bytes]) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    handle = os.pidfd_open(process.pid)
    loop.add_reader(handle, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)
    process.poll()
