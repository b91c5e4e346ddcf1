"""Remove ad-hoc processes whose lease ends: another process is gone, or the lease was not renewed in time."""

import asyncio
import contextlib
import os
import re
from collections.abc import Callable

import msgspec

from pmtui.control import ConflictError, RejectedError, UnavailableError
from pmtui.monitors.monitor import Monitor
from pmtui.supervisor import events
from pmtui.supervisor.process import Process
from pmtui.supervisor.supervisor import Supervisor
from pmtui.text.units import parse_duration

Lease = int | str
"""A pid, or a duration such as `5m`."""
MAX_PID = 1 << 22


class _Held(msgspec.Struct):
    """A lease in force: `end` releases what watches it, `renew` is None for one on a pid."""

    process: Process
    end: Callable[[], object]
    renew: Callable[[], None] | None = None


class LeaseMonitor(Monitor):
    """Watches pids by pidfds, so that a reused pid is not mistaken for the original."""

    def __init__(self, supervisor: Supervisor) -> None:
        super().__init__(supervisor)
        self._held: dict[str, _Held] = {}

    def grant(self, lease: Lease, add: Callable[[], Process]) -> Process:
        """Add a process with a lease. Raises RejectedError if that is neither a pid nor a duration."""
        holder = parse_lease(lease)
        if isinstance(holder, float):
            process = add()
            self._watch_time(process, holder)
            return process
        with contextlib.ExitStack() as cleanup:
            descriptor = open_pid(holder)
            if descriptor is not None:
                cleanup.callback(os.close, descriptor)
            process = add()
            cleanup.pop_all()
        if descriptor is None:
            self._expire(process, f"pid {holder} is gone")
        else:
            self._watch_pid(process, holder, descriptor)
        return process

    def renew(self, process: Process) -> None:
        """Begin the time of the lease again. Raises ConflictError if it has none."""
        held = self._held.get(process.id)
        if held is None or held.renew is None:
            raise ConflictError(f"Process '{process.id}' has no lease on time, so there is nothing to renew.")
        held.renew()

    def processes_changed(self) -> None:
        for process_id, held in [*self._held.items()]:
            if self.supervisor.processes.get(process_id) is not held.process:
                self._release(process_id)

    async def close(self) -> None:
        for process_id in [*self._held]:
            self._release(process_id)

    def _watch_pid(self, process: Process, pid: int, descriptor: int) -> None:
        loop = asyncio.get_running_loop()

        def release() -> None:
            loop.remove_reader(descriptor)
            os.close(descriptor)

        self._held[process.id] = _Held(process, release)
        loop.add_reader(descriptor, self._expire, process, f"pid {pid} is gone")

    def _watch_time(self, process: Process, seconds: float) -> None:
        text = f"not renewed for {seconds:g} s"
        timer = asyncio.get_running_loop().call_later(seconds, self._expire, process, text)

        def renew() -> None:
            timer.cancel()
            self._watch_time(process, seconds)

        self._held[process.id] = _Held(process, timer.cancel, renew)

    def _expire(self, process: Process, why: str) -> None:
        self._release(process.id)
        process.handle(events.Remove(f"its lease has ended: {why}"))

    def _release(self, process_id: str) -> None:
        if held := self._held.pop(process_id, None):
            held.end()


def parse_lease(lease: object) -> int | float:
    """Return a pid as an int, or a duration in seconds as a float. Raises RejectedError."""
    if isinstance(lease, str) and re.fullmatch("[0-9]{1,10}", lease):
        lease = int(lease)
    if isinstance(lease, int) and not isinstance(lease, bool) and 0 < lease <= MAX_PID:
        return lease
    with contextlib.suppress(ValueError):
        if isinstance(lease, str):
            return float(parse_duration(lease))
    raise RejectedError('lease: expected a pid, or a duration such as "30s" or "5m"')


def open_pid(pid: int) -> int | None:
    """Return a descriptor that becomes readable when the process ends; None if there is no such process."""
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    except OSError as error:
        raise UnavailableError(f"The lease on pid {pid} cannot be watched: {error.strerror}.") from None
