"""What the dashboard knows at one moment, and where it learns it from."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import time

from pmtui.control import About, Console, ControlError, Snapshot, Status

PERIOD = 1.0
"""Seconds between two looks when nothing happens."""
AT_ONCE = 20
"""Processes whose last words are asked for in one look."""
ENDED_BADLY = (Status.CRASHED, Status.FAILED)
CLOSEST = 0.1
"""Seconds at least between two looks, however much happens."""


@dataclass(frozen=True)
class Facts:
    """One look at the manager. `gone` says why it could not be asked; then the rest is what was known before.

    `words` are the last ones of each process that has just ended badly.
    """

    snapshots: Sequence[Snapshot] = ()
    about: About | None = None
    now: float = 0.0
    gone: str = ""
    cpu: Sequence[float] = ()
    words: Mapping[str, str] = field(default_factory=dict)

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
        self._words: dict[tuple[str, int, int], str] = {}

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
            self.facts = Facts(snapshots, about, self._clock(), "", cpu, await self._last_words(snapshots))
        self._tell(self.facts)

    async def _last_words(self, snapshots: Sequence[Snapshot]) -> Mapping[str, str]:
        """Asked for once after each bad end; where many ended, the rest waits for the next look."""
        ended = {(row.id, row.restart_count, row.failures) for row in snapshots if row.status in ENDED_BADLY}
        self._words = {key: words for key, words in self._words.items() if key in ended}
        for key in [*(ended - self._words.keys())][:AT_ONCE]:
            with contextlib.suppress(ControlError):
                exits = (await self._control.get(key[0])).exits
                lines = [line.strip() for line in exits[-1].lines if line.strip()] if exits else []
                self._words[key] = lines[-1] if lines else ""
        return {process_id: words for (process_id, _, _), words in self._words.items()}

    async def _listen(self) -> None:
        while True:
            with contextlib.suppress(ControlError):
                async for _ in self._control.events():
                    self._stirred.set()
            await asyncio.sleep(PERIOD)
