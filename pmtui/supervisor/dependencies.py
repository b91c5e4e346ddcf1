"""What a process depends on: whether it may start, in which order to stop, and the graph for people."""

from collections.abc import Mapping
from contextlib import suppress

import msgspec

from pmtui.config.model import Condition, ProcessConfig
from pmtui.control import Edge, Graph, Node, Status
from pmtui.supervisor.process import Process
from pmtui.supervisor.snapshot import describe


class Blocker(msgspec.Struct, frozen=True):
    """What keeps a process from starting; `permanent` if it cannot resolve itself."""

    reason: str
    permanent: bool = False


def find_blocker(process: Process, processes: Mapping[str, Process]) -> Blocker | None:
    """Return the first unmet dependency, a permanent one before all others."""
    found = []
    for target_id, condition in process.config.depends_on.items():
        target = processes.get(target_id)
        if target is None:
            found.append(Blocker(f"depends on '{target_id}', which does not exist", permanent=True))
        elif blocker := unmet_condition(target, condition):
            found.append(blocker)
    return min(found, key=lambda blocker: not blocker.permanent, default=None)


def unmet_condition(target: Process, condition: Condition | None) -> Blocker | None:
    condition = condition or default_condition(target)
    state, status = target.state, target.status
    is_up = status is Status.RUNNING
    match condition:
        case "started":
            met = is_up or status is Status.COMPLETED or (status is Status.STARTING and state.is_alive)
        case "healthy":
            met = is_up or (status is Status.COMPLETED and target.config.health is None)
        case "completed":
            met = state.has_ended
        case "succeeded":
            met = state.has_succeeded
    if met:
        return None
    if status is Status.FAILED:
        how = "did not succeed" if condition == "succeeded" else "has failed"
        return Blocker(f"{target.id} {how}: {target.last_error or state.detail}", permanent=True)
    if status is Status.COMPLETED:
        return Blocker(f"{target.id} is not {condition}: it has completed and is not started again", permanent=True)
    return Blocker(f"waits for {target.id} ({condition}): it is {status}")


def default_condition(target: Process) -> Condition:
    return "healthy" if target.config.health else "started"


def stop_order(configs: Mapping[str, ProcessConfig]) -> list[list[str]]:
    """Group ids into levels to stop one after the other: dependents come before what they depend on.

    Processes in a cycle, and what they depend on, form the last level.
    """
    from graphlib import CycleError, TopologicalSorter

    sorter = TopologicalSorter[str]()
    for process_id, config in configs.items():
        sorter.add(process_id)
        for target in config.depends_on.keys() & configs.keys():
            sorter.add(target, process_id)
    with suppress(CycleError):
        sorter.prepare()
    levels, left = list[list[str]](), [*configs]
    while ready := {*sorter.get_ready()}:
        sorter.done(*ready)
        levels.append([process_id for process_id in left if process_id in ready])
        left = [process_id for process_id in left if process_id not in ready]
    return [*levels, left] if left else levels


def transitive_dependencies(process_id: str, configs: Mapping[str, ProcessConfig]) -> list[str]:
    """Return the ids of direct and indirect dependencies, each after its own dependencies."""
    found: dict[str, None] = {}

    def visit(current: str) -> None:
        for target in configs[current].depends_on:
            if target in configs and target not in found and target != process_id:
                visit(target)
                found[target] = None

    visit(process_id)
    return [*found]


def build_graph(processes: Mapping[str, Process]) -> Graph:
    order = stop_order({process.id: process.config for process in processes.values()})
    return Graph(
        nodes=[Node(id=one.id, status=one.status, reason=describe(one)) for one in processes.values()],
        edges=[
            _edge(process, processes[target_id], condition)
            for process in processes.values()
            for target_id, condition in process.config.depends_on.items()
            if target_id in processes
        ],
        order=order[::-1],
    )


def _edge(process: Process, target: Process, condition: Condition | None) -> Edge:
    blocker = unmet_condition(target, condition)
    return Edge(
        from_=process.id,
        to=target.id,
        condition=condition or default_condition(target),
        met=blocker is None,
        why=blocker.reason if blocker else "",
        forever=blocker is not None and blocker.permanent,
    )
