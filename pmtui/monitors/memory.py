"""Restart processes that use more memory than they may."""

import asyncio

from pmtui.control import Reason
from pmtui.monitors.monitor import Monitor
from pmtui.spawner.usage import SAMPLE_INTERVAL
from pmtui.supervisor import events
from pmtui.supervisor.process import Process
from pmtui.supervisor.state import ACTIVE_STATES
from pmtui.supervisor.supervisor import Supervisor
from pmtui.text import formatting

MIN_SAMPLES_ABOVE_LIMIT = 2
"""Consecutive samples above the limit, so that a short peak does not count."""


class MemoryMonitor(Monitor):
    """Samples the memory of whole trees, as long as a process with a limit runs."""

    def __init__(self, supervisor: Supervisor) -> None:
        super().__init__(supervisor)
        self._limited: dict[str, Process] = {}
        self._above: dict[str, tuple[int, int]] = {}  # generation, and consecutive samples above the limit
        self._task: asyncio.Task[None] | None = None

    def process_changed(self, process: Process) -> None:
        state = process.state
        if process.config.max_memory and state.is_alive and state.status in ACTIVE_STATES:
            self._limited[process.id] = process
            if self._task is None:
                self._task = asyncio.create_task(self._sample(), name="memory limits")
        else:
            self._limited.pop(process.id, None)

    async def close(self) -> None:
        if self._task:
            self._task.cancel()

    async def _sample(self) -> None:
        sampler, seen = self.supervisor.sampler, -1
        while self._limited:
            await sampler.refresh([process.run for process in self._limited.values()])
            if sampler.samples != seen:
                seen = sampler.samples
                for process in [*self._limited.values()]:
                    self._check_limit(process)
            await asyncio.sleep(SAMPLE_INTERVAL)
        self._task = None

    def _check_limit(self, process: Process) -> None:
        memory, limit = self.supervisor.sampler.usage_of(process.run).memory, process.config.max_memory or 0
        generation = process.state.generation
        before, count = self._above.pop(process.id, (generation, 0))
        if memory <= limit:
            return
        count = count + 1 if before == generation else 1
        self._above[process.id] = generation, count
        if count >= MIN_SAMPLES_ABOVE_LIMIT:
            del self._above[process.id]
            why = f"uses {formatting.memory(memory)}, more than its maxMemory of {formatting.memory(limit)}"
            process.handle(events.Unhealthy(generation, why, Reason.MEMORY))
