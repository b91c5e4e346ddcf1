"""What a process depends on: whether it may start, in which order to stop, and the graph for people."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial

import msgspec

from pmtui.config.condition import Condition
from pmtui.config.model import ProcessConfig
from pmtui.control import Edge, Graph, Node, Requester, Status
from pmtui.supervisor.events import Start
from pmtui.supervisor.process import Process
from pmtui.supervisor.snapshot import describe


class Blocker(msgspec.Struct, frozen=True):
    """What keeps a process from starting; `permanent` if it cannot resolve itself."""

    target: str
    reason: str
    permanent: bool = False


def find_blocker(process: Process, processes: Mapping[str, Process]) -> Blocker | None:
    """Return the first unmet dependency: a permanent one before one that only the user can start, and before others."""
    found = []
    for target_id, condition in process.config.depends_on.items():
        target = processes.get(target_id)
        if target is None:
            found.append(Blocker(target_id, f"depends on '{target_id}', which does not exist", permanent=True))
        elif blocker := unmet_condition(target, condition):
            found.append(blocker)
    return min(found, key=partial(_hope, processes), default=None)


def _hope(processes: Mapping[str, Process], blocker: Blocker) -> int:
    """Return 0 if the dependency can never be met, 1 if only the user can help, else 2."""
    return 0 if blocker.permanent else 2 if processes[blocker.target].state.should_run else 1


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
        return Blocker(target.id, f"{target.id} {how}: {target.last_error or state.detail}", permanent=True)
    if status is Status.COMPLETED:
        text = f"{target.id} is not {condition}: it has completed and is not started again"
        return Blocker(target.id, text, permanent=True)
    return Blocker(target.id, f"waits for {target.id} ({condition}): it is {status}")


def root_blocker(process: Process, processes: Mapping[str, Process]) -> Process:
    """Return the process at the end of the chain of those that wait for each other; itself if it waits for none."""
    seen = set[str]()  # processes that were registered by a program may depend on each other
    while process.status is Status.WAITING and process.id not in seen:
        seen.add(process.id)
        process = processes.get(process.blocked_by or "", process)
    return process


def dependents_to_run(processes: Mapping[str, Process]) -> dict[str, list[str]]:
    """Map each process to those that depend on it and are to run, if there are any."""
    found: dict[str, list[str]] = {}
    for process in processes.values():
        if process.state.should_run:
            for target in process.config.depends_on:
                found.setdefault(target, []).append(process.id)
    return found


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


def start_dependencies(ids: Iterable[str], processes: Mapping[str, Process]) -> None:
    """Start what these processes depend on."""
    configs = {process.id: process.config for process in processes.values()}
    for process_id in ids:
        for dependency in transitive_dependencies(process_id, configs):
            processes[dependency].handle(Start(Requester.DEPENDENT, process_id))


def start_new_dependencies(ids: Iterable[str], processes: Mapping[str, Process]) -> None:
    """For those that should run, start the dependencies that have never run, and so were not stopped by the user."""
    configs = {process.id: process.config for process in processes.values()}
    for process_id in ids:
        if processes[process_id].state.should_run:
            for dependency in transitive_dependencies(process_id, configs):
                if not processes[dependency].state.starts:
                    processes[dependency].handle(Start(Requester.DEPENDENT, process_id))
