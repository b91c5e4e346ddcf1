"""Whether a process may start: how what it depends on is doing."""

from collections.abc import Mapping

import msgspec

from pmtui.config.model import Condition, ProcessConfig
from pmtui.control import Status
from pmtui.supervisor.process import Process


class Blocker(msgspec.Struct, frozen=True):
    """What keeps a process from starting; `forever`: it cannot go away by itself."""

    reason: str
    permanent: bool = False


def find_blocker(process: Process, processes: Mapping[str, Process]) -> Blocker | None:
    """The first thing that stands in the way of the process's start; one that stands there for ever comes first."""
    found = []
    for target_id, condition in process.config.depends_on.items():
        target = processes.get(target_id)
        if target is None:
            found.append(Blocker(f"depends on '{target_id}', which does not exist", permanent=True))
        elif hindrance := unmet_condition(target, condition):
            found.append(hindrance)
    return min(found, key=lambda one: not one.permanent, default=None)


def unmet_condition(target: Process, condition: Condition | None) -> Blocker | None:
    """What the target lacks for that condition."""
    condition = condition or ("healthy" if target.config.health else "started")
    state, status = target.state, target.status
    if status is Status.FAILED:
        return Blocker(f"{target.id} has failed: {state.detail}", permanent=True)
    match condition:
        case "started":
            met = status in (Status.RUNNING, Status.COMPLETED) or (status is Status.STARTING and state.is_alive)
        case "healthy":
            met = status is Status.RUNNING
        case "completed":
            met = status is Status.COMPLETED
        case "succeeded":
            met = status is Status.COMPLETED and state.exit is not None and succeeded(target)
            if status is Status.COMPLETED and not met:
                return Blocker(f"{target.id} did not succeed: {state.detail}", permanent=True)
    return None if met else Blocker(f"waits for {target.id} ({condition}): it is {status}")


def succeeded(target: Process) -> bool:
    return target.state.exit is not None and target.state.exit.code in target.policy.success_exit_codes


def stop_order(configs: Mapping[str, ProcessConfig]) -> list[list[str]]:
    """Ids in the order in which they can be stopped: nothing depends on the first level but what is stopped with it."""
    left = dict(configs)
    found: list[list[str]] = []
    while left:
        needed = {target for config in left.values() for target in config.depends_on}
        level = [process_id for process_id in left if process_id not in needed] or [*left]  # a cycle cannot be ordered
        found.append(level)
        for process_id in level:
            del left[process_id]
    return found


def transitive_dependencies(process_id: str, configs: Mapping[str, ProcessConfig]) -> list[str]:
    """The ids that the process depends on, directly or not, farthest first."""
    found: dict[str, None] = {}

    def visit(current: str) -> None:
        for target in configs[current].depends_on:
            if target in configs and target not in found and target != process_id:
                visit(target)
                found[target] = None

    visit(process_id)
    return [*found]
