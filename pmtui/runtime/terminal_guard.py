"""Restores the terminal of a program that is killed, by a process that outlives it."""

import contextlib
import marshal
import os
import socket
import termios
from collections.abc import Iterator

from pmtui.spawner.guardian import HEADER_BYTES
from pmtui.spawner.launcher import GuardianLauncher


@contextlib.contextmanager
def guarded_terminal(descriptor: int) -> Iterator[None]:
    """Let a guardian restore the modes that the terminal has now if this process vanishes within the block."""
    attributes = termios.tcgetattr(descriptor)
    guardian, link = GuardianLauncher().start()
    link.setblocking(True)
    with link:
        send(link, descriptor, "terminal", attributes)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # the guardian is gone
                send(link, descriptor, "terminal", None)
    guardian.wait()


def send(link: socket.socket, descriptor: int, *message: object) -> None:
    body = marshal.dumps(message)  # type: ignore[arg-type]
    socket.send_fds(link, [len(body).to_bytes(HEADER_BYTES, "little") + body], [os.dup(descriptor)])
