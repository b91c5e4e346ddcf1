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
        supervisor.notify_variables = self.variables
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
            if sender and (process := self._owner(sender)):
                self._take(process, data)
            else:
                logger.debug("a notification of pid %d is ignored: it belongs to no process", sender)

    def _owner(self, pid: int) -> Process | None:
        """Return the process in whose tree the pid is."""
        run = mark_of(pid) - self.supervisor.spawner.base
        leaders = {one.pid: one for one in self.supervisor.processes.values() if one.pid}
        for process in self.supervisor.processes.values():
            if process.run == run and process.has_tree:
                return process
        while pid > 1 and pid not in leaders:  # where marks are not available
            pid = parent_of(pid)
        return leaders.get(pid)

    def _take(self, process: Process, data: bytes) -> None:
        lines = [line for line in data.decode(errors="replace").split("\n") if self._is_own(process, line)]
        before = process.notice.status
        process.notice.take(lines)
        if process.notice.status != before or any(line.startswith(("STOPPING", "MAINPID")) for line in lines):
            self.supervisor.process_changed(process)

    def _is_own(self, process: Process, line: str) -> bool:
        """Refuse a main process that is not in the tree."""
        name, _, value = line.partition("=")
        return name != "MAINPID" or (value.isdecimal() and self._owner(int(value)) is process)


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
