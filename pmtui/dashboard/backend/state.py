"""What the dashboard knows at one moment, and where it learns it from."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import time

from pmtui.control import About, Console, ControlError, Snapshot

PERIOD = 1.0
"""Seconds between two looks when nothing happens."""
CLOSEST = 0.1
"""Seconds at least between two looks, however much happens."""


@dataclass(frozen=True)
class Facts:
    """One look at the manager. `gone` says why it could not be asked; then the rest is what was known before."""

    snapshots: Sequence[Snapshot] = ()
    about: About | None = None
    now: float = 0.0
    gone: str = ""
    cpu: Sequence[float] = ()

    @property
    def memory(self) -> int:
        """Bytes of all processes together."""
        return sum(row.memory for row in self.snapshots)


class Feed:
    """Looks at the manager once a second, and sooner after an event; hands each look to `tell`."""

    def __init__(self, control: Console, tell: Callable[[Facts], None], clock: Callable[[], float] = time) -> None:
        self.facts = Facts()
        self._control, self._tell, self._clock = control, tell, clock
        self._stirred = asyncio.Event()

    def stir(self) -> None:
        """Something may have changed: look soon."""
        self._stirred.set()

    async def run(self) -> None:
        """Looks, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            while True:
                await self.look()
                await asyncio.sleep(CLOSEST)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stirred.wait(), PERIOD - CLOSEST)
                self._stirred.clear()

    async def look(self) -> None:
        before = self.facts
        try:
            snapshots = await self._control.list()
            about = await self._control.about()
        except ControlError as error:
            self.facts = replace(before, now=self._clock(), gone=str(error))
        else:
            cpu = [*before.cpu[-19:], sum(row.cpu for row in snapshots)]
            self.facts = Facts(snapshots, about, self._clock(), "", cpu)
        self._tell(self.facts)

    async def _listen(self) -> None:
        while True:
            with contextlib.suppress(ControlError):
                async for _ in self._control.events():
                    self._stirred.set()
            await asyncio.sleep(PERIOD)
