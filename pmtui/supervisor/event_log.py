"""What happened lately, for any number of readers, each at its own pace."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from itertools import islice

from pmtui.control import Event

EVENTS_KEPT = 1000


class Journal:
    """The manager's last events. A reader holds no more than its place, so a slow one costs nothing.

    What leaves the journal before a reader took it is a gap in the numbers that it sees.
    """

    def __init__(self) -> None:
        self.last = 0  # number of the newest event
        self._events: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self._readers: set[asyncio.Event] = set()

    def add(self, event: Event) -> None:
        self.last = event.seq
        self._events.append(event)
        for come in self._readers:
            come.set()

    def read(self, after: int | None = None) -> AsyncGenerator[Event, None]:
        """The events behind that number (None: from this call on) and all to come.

        A number that has not been reached is of a former manager: all of this one's are given.
        """
        if after is None:
            after = self.last
        return self._read(after if after <= self.last else 0)

    async def _read(self, place: int) -> AsyncGenerator[Event, None]:
        come = asyncio.Event()
        self._readers.add(come)
        try:
            while True:
                come.clear()
                for event in self._behind(place):
                    place = event.seq
                    yield event
                if place == self.last:
                    await come.wait()
        finally:
            self._readers.discard(come)

    def _behind(self, place: int) -> list[Event]:
        first = self.last - len(self._events)
        return [*islice(self._events, max(place - first, 0), None)]
