"""The ports and sockets of all processes, and what refers to them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from pmtui.config.model import ConfigError, ProcessConfig
from pmtui.config.ports import addresses, bind, find_address
from pmtui.config.sockets import owner_of
from pmtui.supervisor.ports import PortTable
from pmtui.supervisor.process import Process
from pmtui.supervisor.sockets import SocketTable


class Addresses:
    """Gives processes their addresses; `processes` returns all there are by id."""

    def __init__(self, data_dir: Path, processes: Callable[[], Mapping[str, Process]]) -> None:
        self.ports = PortTable(data_dir)
        self.sockets = SocketTable(self.ports)
        self._processes = processes

    def assign(self, process: Process) -> None:
        """Give the process its ports and sockets. What is taken is reported at its start."""
        process.ports = self.ports.ports_of(process.config)
        if process.config.sockets:
            with suppress(ConfigError):
                self.sockets.open(process.config)
            process.sockets = self.sockets.addresses(process.config)

    def open_sockets(self, process: Process) -> Sequence[int]:
        """Return the descriptors of its sockets. Raises ConfigError if an address is taken."""
        if not process.config.sockets:
            return ()
        descriptors = self.sockets.open(process.config)
        process.sockets = self.sockets.addresses(process.config)
        owner = owner_of(process.config)
        users = (one for one in self._processes().values() if owner_of(one.config) == owner)
        if not any(run.pid for one in users for run in one.runs):
            self.sockets.make_blocking(process.config)
        return descriptors

    def bound(self, process: Process, ports: Mapping[str, int] | None = None) -> ProcessConfig:
        """Return its config with its ports, and without references. Raises ConfigError if one has no meaning."""
        own = process.ports if ports is None else ports
        return bind(process.config, own, partial(self._address, process, own))

    def retain(self, configs: Iterable[ProcessConfig]) -> None:
        """Close the sockets that none of these has."""
        self.sockets.retain(configs)

    def _address(self, process: Process, own: Mapping[str, int], target_id: str | None, name: str) -> str:
        """Return an address of the process or of another one; with instances, of the first."""
        processes = self._processes()
        target = processes.get(target_id) or processes.get(f"{target_id}-1") if target_id else process
        ports = own if target is process else target.ports if target else {}
        found = addresses(target.config, ports, target.sockets) if target else None
        return find_address(found, target_id, name)
