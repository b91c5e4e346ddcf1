"""Listening sockets that the manager binds and holds, so that no connection is refused while a process restarts."""

import contextlib
import errno
import os
import socket
import stat
import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from pmtui.config.model import ConfigError, ProcessConfig
from pmtui.config.sockets import SocketAddress, declared_sockets, owner_of
from pmtui.spawner.procfs import name_of
from pmtui.supervisor.ports import PortTable

BACKLOG = 4096
"""Connections that wait while a process restarts; the kernel may allow fewer."""
SOCKET_MODE = 0o660
_PEER = struct.Struct("3i")


class HeldSocket:
    """A listening socket. `identity` tells the file of a Unix socket from a later one of the same name."""

    def __init__(self, wanted: SocketAddress, address: SocketAddress, bound: socket.socket) -> None:
        self.wanted = wanted
        self.address = address
        self.socket = bound
        self.identity = _identity(address.path)

    def close(self) -> None:
        self.socket.close()
        if self.address.path and _identity(self.address.path) == self.identity:
            with contextlib.suppress(OSError):
                os.unlink(self.address.path)


class SocketTable:
    """Holds the sockets of all processes; the instances of a process share theirs."""

    def __init__(self, ports: PortTable) -> None:
        self._ports = ports
        self._held: dict[tuple[str, str], HeldSocket] = {}

    def open(self, config: ProcessConfig) -> Sequence[int]:
        """Bind what is not held yet, and return all descriptors. Raises ConfigError if an address is taken."""
        owner = owner_of(config)
        for name, wanted in declared_sockets(config).items():
            held = self._held.get((owner, name))
            if held is None or held.wanted != wanted:
                if held:
                    held.close()
                    del self._held[owner, name]
                self._held[owner, name] = self._bind(owner, name, wanted, config)
        return [self._held[owner, name].socket.fileno() for name in config.sockets]

    def addresses(self, config: ProcessConfig) -> Mapping[str, SocketAddress]:
        """Return the addresses by name, with the ports that were chosen."""
        owner, found = owner_of(config), {}
        for name, wanted in declared_sockets(config).items():
            held = self._held.get((owner, name))
            found[name] = held.address if held and held.wanted == wanted else self._with_port(owner, name, wanted)
        return found

    def make_blocking(self, config: ProcessConfig) -> None:
        """Undo what an earlier run has set on the shared sockets."""
        for name in config.sockets:
            self._held[owner_of(config), name].socket.setblocking(True)

    def retain(self, configs: Iterable[ProcessConfig]) -> None:
        """Release everything that these processes do not have."""
        wanted = {(owner_of(config), name) for config in configs for name in config.sockets}
        for key in self._held.keys() - wanted:
            self._held.pop(key).close()

    def _with_port(self, owner: str, name: str, wanted: SocketAddress) -> SocketAddress:
        return replace(wanted, port=self._ports.kept(owner, f"sockets.{name}")) if wanted.port == "auto" else wanted

    def _bind(self, owner: str, name: str, wanted: SocketAddress, config: ProcessConfig) -> HeldSocket:
        address, field = self._with_port(owner, name, wanted), f"sockets.{name} of {config.id}"
        if wanted.port == "auto":
            address = replace(address, port=self._ports.move_if_taken(owner, f"sockets.{name}"))
        try:
            bound = _bind_unix(address.path, config) if address.path else _bind_tcp(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise ConfigError(f"{address} is taken by {_holder(address)}: stop that first ({field})") from None
            raise ConfigError(f"{address} cannot be bound: {error.strerror or error} ({field})") from None
        return HeldSocket(wanted, address, bound)


def _bind_tcp(address: SocketAddress) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in address.host else socket.AF_INET)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((address.host, address.port))
        bound.listen(BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound


def _bind_unix(path: str, config: ProcessConfig) -> socket.socket:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    _remove_stale(path)
    bound = socket.socket(socket.AF_UNIX)
    try:
        bound.bind(path)
        os.chmod(path, SOCKET_MODE & ~_umask(config))
        bound.listen(BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound


def _remove_stale(path: str) -> None:
    """Remove a socket that nothing listens on. Raises OSError if something does, or if it is another kind of file."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise FileExistsError(errno.EEXIST, "it is a file, not a socket; it is left alone")
    if _peer_of(path) is not None:
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
    os.unlink(path)


def _peer_of(path: str) -> int | None:
    """Return the pid that listens on a Unix socket, 0 if it cannot be known, None if nothing listens."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return None
        except OSError:
            return 0
        return int(_PEER.unpack(probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))[0])


def _holder(address: SocketAddress) -> str:
    if address.path:
        pid = _peer_of(address.path)
        return f"{name_of(pid)} (pid {pid})" if pid else "another program"
    from pmtui.spawner.usage import port_holder  # late: most runs never need it

    return port_holder(int(address.port)) or "a program of another user"


def _umask(config: ProcessConfig) -> int:
    """Return the umask of the process. Why from a file: reading the manager's own any other way would change it."""
    if config.umask is not None:
        return config.umask
    with open("/proc/self/status") as file:
        return next((int(line.split()[1], 8) for line in file if line.startswith("Umask:")), 0o022)


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
