"""A manager with real processes, and functions that wait for them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pytest

from pmtui import Manager, ProcessConfig
from pmtui.config.model import Settings
from pmtui.control import Snapshot, Status
from pmtui.monitors.monitor import Monitor
from tests.eventually import DEADLINE, eventually_awaited, is_alive

RUNNING = frozenset({Status.RUNNING})
STOPPED = frozenset({Status.STOPPED})
SLEEP = "sleep 600"
M = TypeVar("M", bound=Monitor)
STUBBORN = "trap '' TERM; echo ready; while :; do sleep 0.1; done"


def sh(process_id: str, line: str, **fields: Any) -> ProcessConfig:
    """Configure a shell command that is neither killed nor taken for healthy only because the machine is slow."""
    given: dict[str, Any] = {"id": process_id, "command": line, "shell": True}
    patience = {"stop_timeout": DEADLINE, "healthy_after": DEADLINE}
    return ProcessConfig(**given | patience | fields)


@asynccontextmanager
async def managed(*configs: ProcessConfig, settings: Settings | None = None, **options: Any) -> AsyncIterator[Manager]:
    """Run a manager with these processes; end them all at the end. A slow machine is nothing it warns of."""
    manager = Manager(settings, **options)
    for config in configs:
        manager.register(config)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pmtui.supervisor.state_machine.KILL_TIMEOUT", DEADLINE)
        patch.setattr("pmtui.spawner.client.EXIT_TIMEOUT", DEADLINE)
        running = asyncio.create_task(manager.run())
        try:
            await asyncio.sleep(0)
            yield manager
        finally:
            manager.shutdown()
            await asyncio.wait_for(running, DEADLINE)
        assert not is_alive(manager.supervisor.spawner.guardian_pid)


def monitor_of(manager: Manager, kind: type[M]) -> M:
    return next(monitor for monitor in manager.supervisor.observers if isinstance(monitor, kind))


async def row(manager: Manager, process_id: str = "a") -> Snapshot:
    return next(row for row in await manager.list() if row.id == process_id)


async def until(manager: Manager, is_so: Callable[[Snapshot], object], process_id: str = "a") -> Snapshot:
    async def found() -> Snapshot | None:
        now = await row(manager, process_id)
        return now if is_so(now) else None

    snapshot = await eventually_awaited(found)
    assert snapshot
    return snapshot


async def running(manager: Manager, process_id: str = "a") -> Snapshot:
    return await asyncio.wait_for(manager.wait(process_id, RUNNING), DEADLINE)


async def ready(manager: Manager, process_id: str = "a") -> int:
    """Wait until the process has printed something; return its pid."""
    await eventually_awaited(lambda: manager.logs(process_id))
    return (await row(manager, process_id)).pid


async def texts(manager: Manager, process_id: str = "a") -> list[str]:
    return [line.text for line in await manager.logs(process_id)]
