"""The processes that requests from PocketBase are passed on to."""

from collections.abc import Sequence

from pmtui.config.model import ProcessConfig
from pmtui.control import Status
from pmtui.manager import Manager
from pmtui.pocketbase.forwarder import Upstream


class Upstreams:
    """Looks a route up among the manager's processes, as they are at that moment."""

    def __init__(self, manager: Manager) -> None:
        self._manager = manager

    async def __call__(self, route: str) -> Sequence[Upstream]:
        found = []
        for process in self._manager.supervisor.processes.values():
            if not process.config.pocketbase or process.config.pocketbase.route != route:
                continue
            port = declared_port(process.config) or await self._seen_port(process.id)
            found.append(Upstream(process.id, port, ready=process.status is Status.RUNNING and port > 0))
        return found

    async def _seen_port(self, process_id: str) -> int:
        ports = (await self._manager.get(process_id)).ports
        return ports[0] if ports else 0


def declared_port(config: ProcessConfig) -> int:
    port = getattr(config, "port", None)
    return port if isinstance(port, int) else 0
