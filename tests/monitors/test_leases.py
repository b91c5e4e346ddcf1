"""Leases on real processes and on time."""

import subprocess

import pytest

from pmtui.control import ConflictError, RejectedError
from pmtui.monitors.leases import LeaseMonitor
from tests.eventually import eventually_async, is_alive, state_of
from tests.managed import managed, monitor_of, running, sh


def spawn(*argv: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(argv)


JOB = {"id": "job", "command": "sleep 600"}


async def test_a_process_is_removed_when_its_lease_holder_is_gone() -> None:
    holder = spawn("sleep", "600")
    async with managed() as manager:
        await manager.add(JOB, holder.pid)
        pid = (await running(manager, "job")).pid
        holder.kill()
        await eventually_async(lambda: "job" not in manager.supervisor.processes)
        assert state_of(holder.pid) == "Z"  # a zombie counts as gone
        assert not is_alive(pid)
    holder.wait()


@pytest.mark.parametrize("as_text", [False, True])
async def test_a_lease_on_a_process_that_is_gone_ends_at_once(as_text: bool) -> None:
    gone = spawn("true")
    gone.wait()
    async with managed() as manager:
        await manager.add(JOB, str(gone.pid) if as_text else gone.pid)
        await eventually_async(lambda: "job" not in manager.supervisor.processes)


async def test_a_lease_on_time_ends_unless_it_is_renewed() -> None:
    async with managed() as manager:
        await manager.add(JOB, "600s")
        await manager.renew("job")
        await running(manager, "job")
        await manager.add(JOB | {"id": "brief"}, "200ms")
        await eventually_async(lambda: "brief" not in manager.supervisor.processes)
        assert "job" in manager.supervisor.processes


async def test_only_a_lease_on_time_can_be_renewed() -> None:
    holder = spawn("sleep", "600")
    async with managed(sh("a", "sleep 600")) as manager:
        await manager.add(JOB, holder.pid)
        await manager.add(JOB | {"id": "free"})
        for name, why in (("job", "nothing to renew"), ("free", "nothing to renew"), ("a", "belongs to the config")):
            with pytest.raises(ConflictError, match=why):
                await manager.renew(name)
    holder.kill()
    holder.wait()


@pytest.mark.parametrize("lease", ["soon", 0, -1, True, 1.5, [1], "99999999999999", 1 << 40])
async def test_a_lease_that_is_neither_pid_nor_duration_adds_nothing(lease: object) -> None:
    async with managed() as manager:
        with pytest.raises(RejectedError, match="lease: expected a pid"):
            await manager.add(JOB, lease)  # type: ignore[arg-type]
        assert await manager.list() == []


async def test_a_lease_ends_with_its_process() -> None:
    holder = spawn("sleep", "600")
    async with managed() as manager:
        await manager.add(JOB, holder.pid)
        await manager.remove("job")
        await manager.add(JOB)  # the same id, without a lease
        await running(manager, "job")
        holder.kill()
        holder.wait()
        assert not monitor_of(manager, LeaseMonitor)._held
        assert "job" in manager.supervisor.processes
