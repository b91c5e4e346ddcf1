"""The ports of all processes: fixed ones are checked at each start, free ones are chosen once and kept."""

import logging
import os
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from pmtui.config.model import ConfigError, ProcessConfig
from pmtui.config.ports import declared_ports
from pmtui.spawner.listeners import is_taken

logger = logging.getLogger(__name__)
AUTO_PORTS = range(20_000, 32_768)
"""Where free ports are chosen. Why: above, Linux uses them for outgoing connections."""
SECOND = "~"
"""Marks the name of the port that a process has in turn with its first one."""
FILE_NAME = "ports.json"


class PortFile(msgspec.Struct):
    """What is kept: ports by name by process. `folder` tells a copy of the data directory from the original."""

    folder: str
    ports: dict[str, dict[str, int]]


class PortTable:
    """Gives every process its ports, and keeps those that it chose in the data directory."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE_NAME
        self._folder = os.path.realpath(directory)
        self._chosen: dict[str, dict[str, int]] | None = None  # None: not read yet
        self._fixed: set[int] = set()

    def assign(self, configs: Iterable[ProcessConfig]) -> None:
        """Choose the ports that these processes leave to pmtui, unless they have been chosen before."""
        declared = {config.id: ports for config in configs if (ports := declared_ports(config))}
        self._fixed |= {port for ports in declared.values() for port in ports.values() if port != "auto"}
        missing = [
            (process_id, name)
            for process_id, ports in declared.items()
            for name, port in ports.items()
            if port == "auto" and self._kept(process_id).get(name, 0) in (0, *self._fixed)
        ]
        used = self._used() if missing else set()
        for process_id, name in missing:
            used.add(self._choose(process_id, name, used))
        if missing:
            self._save()

    def ports_of(self, config: ProcessConfig) -> Mapping[str, int]:
        """Return the ports of a process by name; they have been assigned."""
        return {
            name: self._kept(config.id)[name] if port == "auto" else port
            for name, port in declared_ports(config).items()
        }

    def claim(self, config: ProcessConfig) -> Mapping[str, int]:
        """Return the ports for a start, none of which is taken. Raises ConfigError if a fixed one is."""
        for name, port in declared_ports(config).items():
            if port == "auto":
                self.move_if_taken(config.id, name)
            elif is_taken(port):
                raise ConfigError(_taken_error(port, config, name))
        return self.ports_of(config)

    def beside(self, config: ProcessConfig, current: Mapping[str, int]) -> Mapping[str, int]:
        """Return the ports of a run beside the one that has `current`: other ones where they are chosen, kept too."""
        found: dict[str, int] = {}
        for name, port in declared_ports(config).items():
            found[name] = current.get(name, 0) if port == "auto" else port
            if port == "auto":
                names = (name, f"{name}{SECOND}")
                other = next(one for one in names if self.kept(config.id, one) != current.get(name))
                found[name] = self.move_if_taken(config.id, other)
        return found

    def kept(self, process_id: str, name: str) -> int:
        """Return a port that this process is to keep, chosen now if it is not yet."""
        if not self._kept(process_id).get(name):
            self._choose(process_id, name, self._used())
            self._save()
        return self._kept(process_id)[name]

    def move_if_taken(self, process_id: str, name: str) -> int:
        """Return the port that was chosen, or another one if something else listens on it."""
        port = now = self.kept(process_id, name)
        if is_taken(port):
            self._choose(process_id, name, self._used())
            self._save()
            now = self._kept(process_id)[name]
            logger.warning("%s: port %d is taken by another program; it gets %d from now on", process_id, port, now)
        return now

    def _used(self) -> set[int]:
        return self._fixed | {port for ports in self._all.values() for port in ports.values()}

    def _choose(self, process_id: str, name: str, used: set[int]) -> int:
        # Why a hash: two copies of a project begin at different ports, even if neither runs yet.
        first = zlib.crc32(f"{self._folder}\0{process_id}\0{name}".encode()) % len(AUTO_PORTS)
        order = (AUTO_PORTS[(first + step) % len(AUTO_PORTS)] for step in range(len(AUTO_PORTS)))
        port = next((port for port in order if port not in used and not is_taken(port)), AUTO_PORTS[first])
        self._kept(process_id)[name] = port
        return port

    def _kept(self, process_id: str) -> dict[str, int]:
        return self._all.setdefault(process_id, {})

    @property
    def _all(self) -> dict[str, dict[str, int]]:
        if self._chosen is None:
            self._chosen = self._load()
        return self._chosen

    def _load(self) -> dict[str, dict[str, int]]:
        try:
            kept = msgspec.json.decode(self._path.read_bytes(), type=PortFile)
        except (OSError, msgspec.DecodeError):
            return {}
        return kept.ports if kept.folder == self._folder else {}

    def _save(self) -> None:
        beside = self._path.with_suffix(".new")
        chosen = {process_id: ports for process_id, ports in self._all.items() if ports}
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            beside.write_bytes(msgspec.json.encode(PortFile(self._folder, chosen)))
            beside.replace(self._path)
        except OSError as error:
            logger.warning("%s: %s; chosen ports are lost with the manager", self._path, error.strerror)


def _taken_error(port: int, config: ProcessConfig, name: str) -> str:
    from pmtui.spawner.usage import port_holder  # late: most runs never need it

    holder = port_holder(port) or "a program of another user"
    field = "port" if config.port == port else f"ports.{name}"
    return f"port {port} is taken by {holder}: stop that, or choose another port ({field} of {config.id})"
