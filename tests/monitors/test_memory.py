"""Memory limits, with real trees."""

import re
import sys

from pmtui.control import Reason, Status
from tests.eventually import eventually_async
from tests.managed import managed, running, sh, until

GREEDY = f"{sys.executable} -c 'import time; hoard = b\"x\" * (100 << 20); time.sleep(600)' & wait"


async def test_a_tree_that_uses_too_much_memory_is_restarted() -> None:
    async with managed(sh("a", GREEDY, max_memory=60 << 20, backoff=0.01)) as manager:
        again = await until(manager, lambda now: now.restart_count)
        assert again.restart_reason is Reason.MEMORY
        starts = [event.reason for event in await manager.history("a") if event.to is Status.STARTING]
        found = re.fullmatch(r"memory: uses (\d+) MB, more than its maxMemory of 60 MB", starts[1])
        assert found
        assert 60 <= int(found[1]) < 200  # it is still growing if the machine is slow


async def test_processes_within_their_limit_or_without_one_are_left_alone() -> None:
    configs = sh("a", GREEDY, max_memory=1 << 30), sh("b", GREEDY)
    async with managed(*configs) as manager:
        await running(manager)
        before = manager.supervisor.sampler.samples
        await eventually_async(lambda: manager.supervisor.sampler.samples >= before + 4)
        assert [now.restart_count for now in await manager.list()] == [0, 0]


async def test_without_a_limit_nothing_is_sampled() -> None:
    async with managed(sh("a", "sleep 600")) as manager:
        await manager.wait("a", frozenset({Status.RUNNING}))
        assert manager.supervisor.sampler.samples == 0
        await until(manager, lambda now: now.memory > 0)  # the program may not have been executed yet
