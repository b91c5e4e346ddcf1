"""What happened lately, for any number of readers, each at its own pace."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from itertools import islice

from pmtui.control import ProcessEvent

MAX_EVENTS = 1000


class EventLog:
    """The manager's last events. A reader holds no more than its place, so a slow one costs nothing.

    What leaves the journal before a reader took it is a gap in the numbers that it sees.
    """

    def __init__(self) -> None:
        self.last = 0  # number of the newest event
        self._events: deque[ProcessEvent] = deque(maxlen=MAX_EVENTS)
        self._readers: set[asyncio.Event] = set()

    def append(self, event: ProcessEvent) -> None:
        self.last = event.seq
        self._events.append(event)
        for come in self._readers:
            come.set()

    def subscribe(self, after: int | None = None) -> AsyncGenerator[ProcessEvent, None]:
        """The events behind that number (None: from this call on) and all to come.

        A number that has not been reached is of a former manager: all of this one's are given.
        """
        if after is None:
            after = self.last
        return self._follow(after if after <= self.last else 0)

    async def _follow(self, place: int) -> AsyncGenerator[ProcessEvent, None]:
        come = asyncio.Event()
        self._readers.add(come)
        try:
            while True:
                come.clear()
                for event in self._events_after(place):
                    place = event.seq
                    yield event
                if place == self.last:
                    await come.wait()
        finally:
            self._readers.discard(come)

    def _events_after(self, place: int) -> list[ProcessEvent]:
        first = self.last - len(self._events)
        return [*islice(self._events, max(place - first, 0), None)]
