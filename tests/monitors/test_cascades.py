"""Restarts that follow those of a dependency: transitive, in order, once, and only if asked for."""

import pytest

from pmtui.config.model import Condition, ProcessConfig
from pmtui.control import Snapshot, Status
from pmtui.manager import Manager
from pmtui.supervisor import events
from pmtui.supervisor.process import Process
from tests.managed import STOPPED, managed, row, running, sh, until


def after(process_id: str, *targets: str, restart: bool = True, line: str = "exec sleep 600") -> ProcessConfig:
    """Configure a process that depends on the targets, and is restarted after them."""
    conditions: dict[str, Condition | None] = dict.fromkeys(targets)
    return sh(process_id, line, depends_on=conditions, restart_after=[*targets] if restart else [])


async def all_running(manager: Manager) -> None:
    for process_id in manager.supervisor.processes:
        await running(manager, process_id)


async def settled(manager: Manager, process_id: str, restarts: int) -> Snapshot:
    return await until(manager, lambda now: now.status is Status.RUNNING and now.restart_count == restarts, process_id)


async def test_dependents_restart_once_and_in_order_if_they_ask_for_it() -> None:
    configs = [
        after("root"),
        after("left", "root"),
        after("right", "root"),
        after("top", "left", "right", "root"),
        after("other", "root", restart=False),
    ]
    async with managed(*configs) as manager:
        await all_running(manager)
        await manager.restart("root")
        top = await settled(manager, "top", 1)
        assert top.restart_reason == "dependency"
        assert [(now.id, now.restart_count) for now in await manager.list()] == [
            ("root", 1),
            ("left", 1),
            ("right", 1),
            ("top", 1),
            ("other", 0),
        ]
        starts = {name: one.state.spawned_at or 0.0 for name, one in manager.supervisor.processes.items()}
        assert starts["root"] < min(starts["left"], starts["right"])
        assert max(starts["left"], starts["right"]) < starts["top"]
        await manager.restart("root")
        await settled(manager, "top", 2)
        assert (await row(manager, "left")).restart_count == 2


async def test_a_crash_is_followed_too() -> None:
    async with managed(after("root"), after("leaf", "root")) as manager:
        await all_running(manager)
        await manager.signal("root", "KILL")
        assert (await settled(manager, "leaf", 1)).restart_reason == "dependency"


async def test_a_stop_and_a_start_are_not_a_restart() -> None:
    async with managed(after("root"), after("leaf", "root")) as manager:
        await all_running(manager)
        await manager.stop("root")
        await manager.wait("root", STOPPED)
        await manager.start("root")
        await running(manager, "root")
        await manager.restart("root")  # this one is followed
        await settled(manager, "leaf", 1)
        assert (await row(manager, "root")).restart_count == 2


async def test_a_start_before_anything_has_looked_at_the_stop_is_no_restart_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with managed(after("root"), after("leaf", "root")) as manager:
        await all_running(manager)
        supervisor = manager.supervisor
        root, publish = supervisor.processes["root"], supervisor.process_changed

        def changed(process: Process) -> None:
            publish(process)
            if process is root and root.status is Status.STOPPED:
                monkeypatch.undo()
                root.handle(events.Start())

        monkeypatch.setattr(supervisor, "process_changed", changed)
        await manager.stop("root")
        await until(manager, lambda now: now.status is Status.RUNNING and now.restart_count == 1, "root")
        await manager.restart("root")  # this one is followed
        await settled(manager, "leaf", 1)
        assert (await row(manager, "root")).restart_count == 2


async def test_a_dependent_that_was_stopped_stays_stopped() -> None:
    async with managed(after("root"), after("leaf", "root"), after("near", "root")) as manager:
        await all_running(manager)
        await manager.stop("leaf")
        await manager.wait("leaf", STOPPED)
        await manager.restart("root")
        await settled(manager, "near", 1)
        assert (await row(manager, "leaf")).status is Status.STOPPED


async def test_dependents_restarted_together_with_their_dependency_restart_once() -> None:
    async with managed(after("root"), after("leaf", "root")) as manager:
        await all_running(manager)
        await manager.bulk("restart", ["root", "leaf"])
        await settled(manager, "root", 1)
        await settled(manager, "leaf", 1)
        await manager.restart("root")
        await settled(manager, "leaf", 2)


async def test_a_dependent_is_not_restarted_while_another_dependency_is_stopped() -> None:
    async with managed(after("a"), after("b"), after("leaf", "a", "b")) as manager:
        await all_running(manager)
        await manager.stop("b")
        await manager.wait("b", STOPPED)
        await manager.restart("a")
        await settled(manager, "a", 1)
        assert (await row(manager, "leaf")).restart_count == 0
        await manager.start("b")
        await settled(manager, "leaf", 1)
