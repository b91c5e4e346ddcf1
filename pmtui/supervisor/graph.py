"""Who needs whom, as people want to see it."""

from collections.abc import Mapping

from pmtui.control import Edge, Graph, Node
from pmtui.supervisor.dependencies import stop_order, unmet_condition
from pmtui.supervisor.process import Process
from pmtui.supervisor.snapshot import describe


def build_graph(processes: Mapping[str, Process]) -> Graph:
    """The dependencies among the processes as they are at this moment."""
    order = stop_order({process.id: process.config for process in processes.values()})
    return Graph(
        nodes=[Node(id=one.id, status=one.status, reason=describe(one)) for one in processes.values()],
        edges=[edge for process in processes.values() for edge in _edges(process, processes)],
        order=order[::-1],
    )


def _edges(process: Process, processes: Mapping[str, Process]) -> list[Edge]:
    found = []
    for target_id, condition in process.config.depends_on.items():
        if target := processes.get(target_id):
            hindrance = unmet_condition(target, condition)
            found.append(
                Edge(
                    from_=process.id,
                    to=target_id,
                    condition=condition or ("healthy" if target.config.health else "started"),
                    met=hindrance is None,
                    why=hindrance.reason if hindrance else "",
                    forever=hindrance is not None and hindrance.permanent,
                )
            )
    return found
