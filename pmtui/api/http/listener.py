"""The socket of the API, opened before the processes start, so that a port conflict is reported first."""

import errno
import socket
from dataclasses import dataclass
from typing import Any

DEFAULT_PORT = 9615
BACKLOG = 1024


class ListenError(Exception):
    """The host and port cannot be used; the message says why and what to do."""


class PortTakenError(ListenError):
    """Another program listens on the port; the message names it if the system shows it."""


@dataclass(frozen=True)
class Listener:
    """A listening socket: clients that connect early wait until they are served."""

    host: str
    port: int
    socket: socket.socket

    @property
    def url(self) -> str:
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"


def listen(host: str, port: int | None) -> Listener:
    """Listen on a port (0: any free one). None means DEFAULT_PORT, or a free one if that is taken."""
    if port is not None and not 0 <= port <= 65535:
        raise ListenError(f"invalid port {port}; choose 1 to 65535, or 0 for a free one")
    try:
        return _listen(host, DEFAULT_PORT if port is None else port)
    except PortTakenError:
        if port is not None:
            raise
    return _listen(host, 0)


def _listen(host: str, port: int) -> Listener:
    family, address = _resolve(host, port)
    # asyncio sets TCP_NODELAY only if the protocol is given; without it, small writes wait up to 40 ms.
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
            raise PortTakenError(f"port {port} is in use by {_holder(port)}; stop it or choose another port") from error
        raise ListenError(
            f"cannot listen on {host} port {port}: {error.strerror}; choose another host or port"
        ) from error
    return Listener(host, listening.getsockname()[1], listening)


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, tuple[Any, ...]]:
    """Return the first address of a host, preferably IPv4."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ListenError(f"cannot resolve host {host!r} ({error}); use 127.0.0.1 or a name of this machine") from error
    family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return family, address


def _holder(port: int) -> str:
    from pmtui.spawner.usage import port_holder  # late: only needed if the port is taken

    return port_holder(port) or "a program of another user (sudo ss -ltnp shows it)"
