"""The processes that requests from PocketBase are passed on to."""

from collections.abc import Sequence

from pmtui.control import Status
from pmtui.manager import Manager
from pmtui.pocketbase.forwarder import Upstream


class Upstreams:
    """Looks a route up among the manager's processes, as they are at that moment."""

    def __init__(self, manager: Manager) -> None:
        self._manager = manager

    def __call__(self, route: str) -> Sequence[Upstream]:
        return [
            Upstream(process.id, port, ready=process.status is Status.RUNNING)
            for process in self._manager.supervisor.processes.values()
            if process.config.pocketbase and process.config.pocketbase.route == route
            for port in [*process.ports.values()][:1]  # the first one, as in PORT
        ]
