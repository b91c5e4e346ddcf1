"""Which TCP ports are taken on this machine."""

import contextlib
import errno
import socket
import sys

LISTEN_STATE = "0A"


def is_taken(port: int) -> bool:
    """Whether something listens on the port at 127.0.0.1, 0.0.0.0 or ::."""
    return not _can_bind(port) and any(
        number == port and address in _LOCAL for address, number in _listening_addresses()
    )


def _can_bind(port: int) -> bool:
    """Whether the port is certainly free, which is quick to find out; connections that linger do not matter."""
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::")):
        try:
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind((address, port))
        except OSError as error:
            if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                return False
    return True


def _listening_addresses() -> list[tuple[str, int]]:
    """Return the address, as the kernel's table has it, and the port of every listening socket."""
    found = []
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError), open(f"/proc/self/net/{table}") as file:  # a kernel without IPv6
            for row in file.readlines()[1:]:
                words = row.split()
                if words[3] == LISTEN_STATE:
                    address, _, port = words[1].rpartition(":")
                    found.append((address, int(port, 16)))
    return found


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
