"""Prepares each run of a process: its number, its addresses, and what is executed."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping

from pmtui.config.model import Settings
from pmtui.control import Reason
from pmtui.spawner.client import Spawner
from pmtui.spawner.process_tree import MAX_RUNS
from pmtui.supervisor.addresses import Addresses
from pmtui.supervisor.launch import PreparedLaunch, prepare, with_sockets
from pmtui.supervisor.process import Process

logger = logging.getLogger(__name__)


class Launcher:
    """Prepares runs, counts restarts, and warns once of what may make a run fail."""

    def __init__(
        self,
        spawner: Spawner,
        addresses: Addresses,
        environment: Mapping[str, str],
        settings: Callable[[], Settings],
    ) -> None:
        self.restarts: Counter[tuple[str, Reason]] = Counter()
        self.notify_variables: Callable[[Process], Mapping[str, str]] = lambda process: {}
        self._spawner, self._addresses, self._environment = spawner, addresses, environment
        self._settings = settings
        self._warned: set[tuple[str, str]] = set()

    def prepare(self, process: Process) -> tuple[int, PreparedLaunch]:
        """Return the number of the run and what to execute. Raises ConfigError."""
        process.ports = self._addresses.ports.claim(process.config)
        return self._prepare(process, process.ports, process.state.restart_reason)

    def prepare_second(self, process: Process) -> tuple[int, PreparedLaunch, Mapping[str, int]]:
        """As `prepare`, for a run beside the main one; also return its ports."""
        second = process.state.second
        ports = self._addresses.ports.beside(process.config, process.ports)
        return *self._prepare(process, ports, second.reason if second else None), ports

    def _prepare(self, process: Process, ports: Mapping[str, int], reason: Reason | None) -> tuple[int, PreparedLaunch]:
        if reason:
            self.restarts[process.id, reason] += 1
        run = self._spawner.new_run()
        name = f"{self._spawner.base // MAX_RUNS:x}-{run}"
        sockets = self._addresses.open_sockets(process)
        config, extra = self._addresses.bound(process, ports), self.notify_variables(process)
        prepared = prepare(config, self._settings(), self._environment, name, process.fetched, extra)
        self._warn(process, prepared)
        return run, with_sockets(prepared, sockets)

    def _warn(self, process: Process, prepared: PreparedLaunch) -> None:
        for warning in filter(None, [*prepared.warnings, prepared.hint]):
            if (process.id, warning) not in self._warned:
                self._warned.add((process.id, warning))
                logger.warning("%s: %s", process.id, warning)
