"""A reader of server-sent events."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx
import msgspec

from tests.eventually import DEADLINE


def place_of(event_id: str) -> str:
    """An id without the manager that it begins with."""
    manager, _, place = event_id.rpartition(":")
    assert re.fullmatch("[0-9]+-[0-9]+", manager), event_id
    return place


class Told(NamedTuple):
    """One event; `data` is decoded."""

    id: str
    kind: str
    data: Any


class Reader:
    """The events of a stream. `place` is the current `Last-Event-ID`; `comments` counts heartbeats.

    The ids it returns are without the manager.
    """

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.lines = response.aiter_lines()
        self.place = ""
        self.comments = 0

    async def next(self) -> Told:
        """Return the next event. Raises StopAsyncIteration at the end of the stream."""
        async with asyncio.timeout(DEADLINE):
            kind, data = "message", ""
            while True:
                line = await anext(self.lines)
                if not line and data:
                    return Told(place_of(self.place), kind, msgspec.json.decode(data))
                match line.partition(": "):
                    case "", _, _:
                        self.comments += bool(line)
                    case "id", _, value:
                        self.place = value
                    case "event", _, value:
                        kind = value
                    case "data", _, value:
                        data = value

    async def take(self, count: int) -> list[Told]:
        return [await self.next() for _ in range(count)]

    async def begin(self) -> str:
        """Return the event id that the stream sends before its first event."""
        async with asyncio.timeout(DEADLINE):
            while line := await anext(self.lines):
                if line.startswith("id: "):
                    self.place = line.removeprefix("id: ")
            return place_of(self.place)

    async def ended(self) -> None:
        """Return once the server has ended the stream."""
        async with asyncio.timeout(DEADLINE):
            async for _ in self.lines:
                pass


@asynccontextmanager
async def reading(client: httpx.AsyncClient, path: str, place: str | None = None) -> AsyncIterator[Reader]:
    """Open a stream, which resumes after `place` if given."""
    headers = {} if place is None else {"Last-Event-ID": place}
    async with client.stream("GET", path, headers=headers) as response:
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Reader(response)
