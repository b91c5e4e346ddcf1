"""Which TCP ports are taken on this machine, and by which sockets."""

import contextlib
import errno
import socket
import sys
from typing import NamedTuple

LISTEN_STATE = "0A"


def is_taken(port: int) -> bool:
    """Whether something listens on the port at 127.0.0.1, 0.0.0.0 or ::."""
    return not _can_bind(port) and any(found.port == port and found.address in _LOCAL for found in listening_sockets())


def _can_bind(port: int) -> bool:
    """Whether the port is certainly free, which is quick to find out; connections that linger do not matter."""
    for family, address in ((socket.AF_INET6, "::"), (socket.AF_INET, "0.0.0.0")):
        try:
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)  # covers IPv4 too
                probe.bind((address, port))
                return True
        except OSError as error:
            if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                return False
    return False


class ListeningSocket(NamedTuple):
    """A row of the kernel's tables: `address` is as it stands there."""

    address: str
    port: int
    user: int
    inode: str


def listening_sockets() -> list[ListeningSocket]:
    """Return every listening TCP socket in this network namespace."""
    found = []
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError), open(f"/proc/self/net/{table}") as file:  # a kernel without IPv6
            for row in file.readlines()[1:]:
                words = row.split()
                if words[3] == LISTEN_STATE:
                    address, _, port = words[1].rpartition(":")
                    found.append(ListeningSocket(address, int(port, 16), int(words[7]), words[9]))
    return found


def sockets_behind(address: str, port: int) -> list[ListeningSocket]:
    """Return the sockets that a connection to the address may reach: the kernel prefers the one bound to it."""
    address = address.partition("%")[0]  # the interface of a link-local address
    order = [[address], ["::"]]
    if ":" not in address:
        order = [[address, f"::ffff:{address}"], ["0.0.0.0"], ["::", "::ffff:0.0.0.0"]]
    found = [one for one in listening_sockets() if one.port == port]
    for names in order:
        bound = {_as_in_table(socket.AF_INET6 if ":" in name else socket.AF_INET, name) for name in names}
        if matching := [one for one in found if one.address in bound]:
            return matching
    return []


def _as_in_table(family: int, address: str) -> str:
    packed = socket.inet_pton(family, address)
    words = [int.from_bytes(packed[at : at + 4], sys.byteorder) for at in range(0, len(packed), 4)]
    return "".join(f"{word:08X}" for word in words)


_LOCAL = {
    _as_in_table(socket.AF_INET, "127.0.0.1"),
    _as_in_table(socket.AF_INET, "0.0.0.0"),
    _as_in_table(socket.AF_INET6, "::"),
    _as_in_table(socket.AF_INET6, "::ffff:127.0.0.1"),
}
