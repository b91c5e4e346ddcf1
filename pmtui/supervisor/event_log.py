"""Recent events, for any number of readers, each at its own pace."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from itertools import islice

from pmtui.control import ProcessEvent
from pmtui.supervisor.process import Process
from pmtui.supervisor.snapshot import describe
from pmtui.text.timestamps import now_ms, rfc3339

MAX_EVENTS = 1000


class EventLog:
    """Keeps the last events. A reader holds only its position, so a slow one costs nothing.

    A reader sees a gap in `seq` if events were dropped before it read them.
    """

    def __init__(self) -> None:
        self.last = 0  # seq of the newest event
        self._events: deque[ProcessEvent] = deque(maxlen=MAX_EVENTS)
        self._readers: set[asyncio.Event] = set()

    def record(self, process: Process) -> None:
        """Append what has changed since the last event of the process, if that is worth an event."""
        before, state = process.last_published, process.state
        if (before.status, before.generation) == (state.status, state.generation) or state.is_cleaning_up:
            return
        event = ProcessEvent(
            seq=self.last + 1,
            id=process.id,
            from_=before.status,
            to=process.status,
            reason=describe(process),
            time=rfc3339(now_ms()),
        )
        process.last_published = state
        process.events.append(event)
        self.append(event)

    def append(self, event: ProcessEvent) -> None:
        self.last = event.seq
        self._events.append(event)
        for arrived in self._readers:
            arrived.set()

    def subscribe(self, after: int | None = None) -> AsyncGenerator[ProcessEvent, None]:
        """Yield the events after that number, and all future ones; None means from now on.

        A number not yet reached comes from an earlier manager, so all events of this one are yielded.
        """
        if after is None:
            after = self.last
        return self._follow(after if after <= self.last else 0)

    async def _follow(self, position: int) -> AsyncGenerator[ProcessEvent, None]:
        arrived = asyncio.Event()
        self._readers.add(arrived)
        try:
            while True:
                arrived.clear()
                for event in self._events_after(position):
                    position = event.seq
                    yield event
                if position == self.last:
                    await arrived.wait()
        finally:
            self._readers.discard(arrived)

    def _events_after(self, position: int) -> list[ProcessEvent]:
        first = self.last - len(self._events)
        return [*islice(self._events, max(position - first, 0), None)]
