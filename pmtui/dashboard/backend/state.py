"""What the dashboard knows at one moment, and how it learns it."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import time

from pmtui.control import Control, ControlError, ManagerInfo, Snapshot

POLL_INTERVAL = 1.0
"""Seconds between two polls while nothing happens."""
MIN_POLL_INTERVAL = 0.1
"""Seconds between two polls, at least, however much happens."""


@dataclass(frozen=True)
class DashboardState:
    """The result of one poll. If `connection_error` is set, the rest is from the last successful poll."""

    snapshots: Sequence[Snapshot] = ()
    about: ManagerInfo | None = None
    now: float = 0.0
    connection_error: str = ""
    cpu: Sequence[float] = ()

    @property
    def memory(self) -> int:
        """Return the bytes used by all processes together."""
        return sum(row.memory for row in self.snapshots)


class StatePoller:
    """Poll the manager once a second, and sooner after an event."""

    def __init__(
        self, control: Control, tell: Callable[[DashboardState], None], clock: Callable[[], float] = time
    ) -> None:
        self.state = DashboardState()
        self._control, self._on_state, self._clock = control, tell, clock
        self._poll_requested = asyncio.Event()

    def poll_soon(self) -> None:
        self._poll_requested.set()

    async def run(self) -> None:
        """Poll until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            while True:
                await self.poll()
                await asyncio.sleep(MIN_POLL_INTERVAL)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._poll_requested.wait(), POLL_INTERVAL - MIN_POLL_INTERVAL)
                self._poll_requested.clear()

    async def poll(self) -> None:
        before = self.state
        try:
            snapshots = await self._control.list()
            about = await self._control.about()
        except ControlError as error:
            self.state = replace(before, now=self._clock(), connection_error=str(error))
        else:
            cpu = [*before.cpu[-19:], sum(row.cpu for row in snapshots)]
            self.state = DashboardState(snapshots, about, self._clock(), "", cpu)
        self._on_state(self.state)

    async def _listen(self) -> None:
        while True:
            with contextlib.suppress(ControlError):
                async for _ in self._control.events():
                    self._poll_requested.set()
            await asyncio.sleep(POLL_INTERVAL)
