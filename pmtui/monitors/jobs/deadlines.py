"""End the runs of jobs that take too long."""

import asyncio
import time

from pmtui.control import Reason
from pmtui.supervisor import events
from pmtui.supervisor.process import Process
from pmtui.supervisor.state import ACTIVE_STATES
from pmtui.text.formatting import duration


class Deadlines:
    """Has a timer for each run with a deadline."""

    def __init__(self) -> None:
        self._timers: dict[str, tuple[int, asyncio.TimerHandle]] = {}  # with the generation of the run

    def watch(self, process: Process) -> None:
        """Begin or end the time of the present run."""
        state, deadline = process.state, process.config.deadline
        spawned_at = state.spawned_at if state.is_alive and state.status in ACTIVE_STATES else None
        known = self._timers.get(process.id)
        if known and (spawned_at is None or known[0] != state.generation):
            self._timers.pop(process.id)[1].cancel()
            known = None
        if deadline and spawned_at is not None and known is None:
            left = max(0.0, spawned_at + deadline - time.monotonic())
            timer = asyncio.get_running_loop().call_later(left, self._expire, process, state.generation, deadline)
            self._timers[process.id] = state.generation, timer

    def _expire(self, process: Process, generation: int, deadline: float) -> None:
        text = f"took longer than its deadline of {duration(deadline) if deadline >= 1 else f'{deadline:g}s'}"
        process.handle(events.Unhealthy(generation, text, Reason.DEADLINE))

    def close(self) -> None:
        for _, timer in self._timers.values():
            timer.cancel()
