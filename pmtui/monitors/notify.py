"""Receive what processes say by sd_notify: ready, alive, stopping, and what they are doing."""

import asyncio
import contextlib
import logging
import os
import socket
import struct
from collections.abc import Sequence

from pmtui.monitors.monitor import Monitor
from pmtui.spawner.process_tree import mark_of
from pmtui.spawner.procfs import parent_of
from pmtui.supervisor.process import Process
from pmtui.supervisor.run import Run
from pmtui.supervisor.supervisor import Supervisor

logger = logging.getLogger(__name__)
MAX_MESSAGE_BYTES = 4096
MAX_MESSAGES = 100
"""Messages read in one turn of the loop."""
MAX_FDS = 16
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid


class NotifyMonitor(Monitor):
    """Owns the socket, which exists from the first start of a process that is to notify.

    Its address is an abstract one, so that a process of another user reaches it; the kernel says who sends.
    """

    def __init__(self, supervisor: Supervisor) -> None:
        super().__init__(supervisor)
        supervisor.launcher.notify_variables = self.variables
        self._socket: socket.socket | None = None
        self._address = f"pmtui-{os.getpid()}-{os.urandom(8).hex()}"

    def variables(self, process: Process) -> dict[str, str]:
        """Return the environment by which a process learns where to notify, and how often."""
        health = process.config.health
        if health is None or not health.notify:
            return {}
        if self._socket is None:
            self._socket = self._open()
        return {"NOTIFY_SOCKET": f"@{self._address}", "WATCHDOG_USEC": str(round(health.interval * 1e6))}

    async def close(self) -> None:
        if self._socket:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()

    def _open(self) -> socket.socket:
        opened = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        opened.setblocking(False)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        opened.bind(f"\0{self._address}")
        asyncio.get_running_loop().add_reader(opened, self._receive)
        return opened

    def _receive(self) -> None:
        assert self._socket
        room = socket.CMSG_SPACE(_CREDENTIALS.size) + socket.CMSG_SPACE(4 * MAX_FDS)
        for _ in range(MAX_MESSAGES):
            try:
                data, ancillary, _, _ = self._socket.recvmsg(MAX_MESSAGE_BYTES, room)
            except OSError:  # nothing is left
                return
            sender = _sender(ancillary)
            if sender and (owner := self._owner(sender)):
                self._take(*owner, data)
            else:
                logger.debug("a notification of pid %d is ignored: it belongs to no process", sender)

    def _owner(self, pid: int) -> tuple[Process, Run] | None:
        """Return the run in whose tree the pid is."""
        number = mark_of(pid) - self.supervisor.spawner.base
        leaders: dict[int, tuple[Process, Run]] = {}
        for process in self.supervisor.processes.values():
            for run in process.runs:
                if run.number == number > 0:
                    return process, run
                leaders |= {run.pid: (process, run)} if run.pid else {}
        while pid > 1 and pid not in leaders:  # where marks are not available
            pid = parent_of(pid)
        return leaders.get(pid)

    def _take(self, process: Process, run: Run, data: bytes) -> None:
        lines = [line for line in data.decode(errors="replace").split("\n") if self._is_own(run, line)]
        before = run.notice.status
        run.notice.take(lines)
        if run.notice.status != before or any(line.startswith(("STOPPING", "MAINPID")) for line in lines):
            self.supervisor.process_changed(process)

    def _is_own(self, run: Run, line: str) -> bool:
        """Refuse a main process that is not in the tree."""
        name, _, value = line.partition("=")
        if name != "MAINPID":
            return True
        owner = self._owner(int(value)) if value.isdecimal() else None
        return owner is not None and owner[1] is run


def _sender(ancillary: Sequence[tuple[int, int, bytes]]) -> int:
    """Return the pid that the kernel vouches for, 0 if there is none; close descriptors that came along."""
    pid = 0
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
            pid = _CREDENTIALS.unpack(data[: _CREDENTIALS.size])[0]
        elif (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            for (descriptor,) in struct.iter_unpack("i", data[: len(data) - len(data) % 4]):
                with contextlib.suppress(OSError):
                    os.close(descriptor)
    return pid
