"""The socket of the API, taken before the processes start so that a port conflict is told first."""

import errno
import socket
from dataclasses import dataclass
from typing import Any

DEFAULT_PORT = 9615
BACKLOG = 1024


class ListenError(Exception):
    """There can be no server on that host and port; the message says why and what to do."""


class PortTakenError(ListenError):
    """Somebody else listens on that port; the message names the program where the system tells it."""


@dataclass(frozen=True)
class Listener:
    """A socket that already listens: clients that come early wait until they are served."""

    host: str
    port: int
    socket: socket.socket

    @property
    def url(self) -> str:
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"


def listen(host: str, port: int | None) -> Listener:
    """Listens on that port (0: a free one); None takes 9615, or a free one when that is taken."""
    if port is not None and not 0 <= port <= 65535:
        raise ListenError(f"port {port} does not exist; choose one from 1 to 65535, or 0 for a free one")
    try:
        return _listen(host, DEFAULT_PORT if port is None else port)
    except PortTakenError:
        if port is not None:
            raise
    return _listen(host, 0)


def _listen(host: str, port: int) -> Listener:
    family, address = _resolve(host, port)
    # asyncio turns Nagle's delay of 40 ms off only where the socket says that it is TCP.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listening.bind(address)
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTakenError(f"port {port} is taken by {_holder(port)}; stop it or choose another port") from error
        raise ListenError(f"cannot listen on {host} port {port}: {error.strerror}; choose another") from error
    return Listener(host, listening.getsockname()[1], listening)


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, tuple[Any, ...]]:
    """The first address of a name, IPv4 before IPv6."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ListenError(f"host {host!r} has no address ({error}); use 127.0.0.1 or a name of this machine") from error
    family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return family, address


def _holder(port: int) -> str:
    from pmtui.spawner.usage import port_holder  # late: only needed if the port is taken

    return port_holder(port) or "a program that this user may not see (sudo ss -ltnp shows it)"
