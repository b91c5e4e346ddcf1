"""Whether a local port is served by the tree of a run, or by another program."""

import contextlib
import os
import pwd
from collections.abc import Iterable, Iterator

from pmtui.spawner.listeners import ListeningSocket, sockets_behind
from pmtui.spawner.process_tree import marked_processes
from pmtui.spawner.procfs import name_of

FORWARDERS = frozenset({"docker-proxy", "rootlessport", "rootlesskit", "slirp4netns", "pasta", "pasta.avx2"})
"""Programs that listen on behalf of a container, whose engine may have started them elsewhere."""


class PortOwner:
    """Names the stranger that serves a port instead of a run. `base` and `run` are its mark."""

    def __init__(self, base: int, run: int) -> None:
        self._base, self._run = base, run
        self._known: tuple[str, str] | None = None  # a descriptor of the tree, and the socket it refers to

    def is_known(self) -> bool:
        """Return whether the tree still holds the socket found last, which is quick to find out."""
        if self._known is None:
            return False
        with contextlib.suppress(OSError):
            return os.readlink(self._known[0]) == self._known[1]
        return False

    def find_stranger(self, address: str, port: int) -> str:
        """Return the program that serves the port, such as `python3 (pid 4711)`; empty if it is the run, or unknown."""
        sockets = sockets_behind(address, port)
        links = {f"socket:[{one.inode}]" for one in sockets}
        tree = {pid for pid, run in marked_processes(self._base) if run == self._run}
        is_readable = True
        for pid in tree:
            try:
                self._known = next(((path, link) for path, link in open_sockets(pid) if link in links), None)
            except PermissionError:  # it has changed its user
                is_readable = False
            if self._known:
                return ""
        if not sockets or not tree:
            return ""
        if found := holder_of(links, tree):
            pid, name = found
            return "" if name in FORWARDERS or pid == os.getpid() else f"{name} (pid {pid})"
        return "" if not is_readable or is_forwarded(port) else foreign_program(sockets[0])


def open_sockets(pid: int) -> Iterator[tuple[str, str]]:
    """Yield path and target of each descriptor that is a socket. Raises PermissionError."""
    directory = f"/proc/{pid}/fd"
    try:
        names = os.listdir(directory)
    except (FileNotFoundError, ProcessLookupError):
        return
    for name in names:
        path = f"{directory}/{name}"
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if (link := os.readlink(path)).startswith("socket:["):
                yield path, link


def holder_of(links: set[str], tree: Iterable[int]) -> tuple[int, str] | None:
    """Return pid and name of the first process outside the tree that has one of these sockets, if it may be seen."""
    for pid in sorted(map(int, filter(str.isdecimal, os.listdir("/proc")))):
        if pid not in tree:
            with contextlib.suppress(PermissionError):
                if any(link in links for _, link in open_sockets(pid)):
                    return pid, name_of(pid)
    return None


def is_forwarded(port: int) -> bool:
    """Return whether a docker-proxy of another user serves the port: its command line can be read."""
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().split(b"\0")
            if words[0].endswith(b"docker-proxy") and str(port).encode() in words:
                return True
    return False


def foreign_program(socket: ListeningSocket) -> str:
    try:
        return f"a program of user {pwd.getpwuid(socket.user).pw_name}"
    except KeyError:
        return f"a program of user {socket.user}"
