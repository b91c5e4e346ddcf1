"""Listening sockets of processes: how they are written, and what is passed on with them."""

import ipaddress
import os
import re
from typing import Literal

import msgspec

from pmtui.config.model import ProcessConfig

FIRST_FD = 3
"""Number of the first socket that a process gets, as with systemd."""
LOOPBACK = "127.0.0.1"
_TCP = re.compile(r"(?:\[([^\]]+)\]|([^\[\]:]+)):([0-9]{1,5})")


class SocketAddress(msgspec.Struct, frozen=True):
    """A TCP address, or the absolute path of a Unix socket."""

    host: str = ""
    port: int | Literal["auto"] = 0
    path: str = ""

    def __str__(self) -> str:
        if self.path:
            return self.path
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it; empty for a Unix socket."""
        if self.path:
            return ""
        host = {"0.0.0.0": LOOPBACK, "::": "::1"}.get(self.host, self.host)
        return f"http://{msgspec.structs.replace(self, host=host)}"

    def overlaps(self, other: "SocketAddress") -> bool:
        """Whether both cannot be bound at once."""
        if self.path or other.path or "auto" in (self.port, other.port):
            return bool(self.path) and self.path == other.path
        hosts = {self.host, other.host}
        are_both_ipv4 = not any(":" in host for host in hosts)
        covers = len(hosts) == 1 or "::" in hosts or ("0.0.0.0" in hosts and are_both_ipv4)
        return self.port == other.port and covers


def parse_socket(written: int | str, folder: str) -> SocketAddress:
    """Return the address; paths start at `folder`. Raises ValueError if it is none."""
    if isinstance(written, int) and not isinstance(written, bool) and 1 <= written <= 65535:
        return SocketAddress(LOOPBACK, written)
    if written == "auto":
        return SocketAddress(LOOPBACK, "auto")
    if isinstance(written, str) and written.startswith("unix:") and len(written) > len("unix:"):
        path = os.path.expanduser(written.removeprefix("unix:"))
        return SocketAddress(path=os.path.normpath(os.path.join(folder, path)))
    if isinstance(written, str) and (found := _TCP.fullmatch(written)):
        host = LOOPBACK if found[2] == "localhost" else found[1] or found[2]
        address = ipaddress.ip_address(host)  # raises ValueError
        if (address.version == 6) == bool(found[1]) and 1 <= int(found[3]) <= 65535:
            return SocketAddress(str(address), int(found[3]))
    raise ValueError('expected a port, "127.0.0.1:8000", "[::1]:8000", "unix:PATH" or "auto"')


def declared_sockets(config: ProcessConfig) -> dict[str, SocketAddress]:
    """Return the addresses by name, in the order in which they are passed on."""
    folder = config.folder or config.cwd
    return {name: parse_socket(written, folder) for name, written in config.sockets.items()}


def owner_of(config: ProcessConfig) -> str:
    """Return the id that all instances of a process share, and with it their sockets."""
    return config.id if config.instance is None else config.id.rpartition("-")[0]


def descriptor_of(config: ProcessConfig, name: str) -> int:
    return FIRST_FD + [*config.sockets].index(name)
