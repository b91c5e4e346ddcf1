"""Changes of status: the history of one process, and a stream of all."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.requests import Request
from starlette.responses import Response

from pmtui.api.parameters import last_event_id, segment
from pmtui.api.responses import as_json
from pmtui.api.sse import StreamRegistry, encode_event
from pmtui.control import ManagerControl


class EventRoutes:
    def __init__(self, control: ManagerControl, streams: StreamRegistry) -> None:
        self.control = control
        self.streams = streams

    async def events(self, request: Request) -> Response:
        return as_json(await self.control.history(segment(request, "id")))

    async def stream_events(self, request: Request) -> Response:
        last, place = await self.control.last_event(), last_event_id(request)
        if place is None:
            place = last
        elif place > last:  # sent by an earlier manager
            place = 0
        return self.streams.respond(str(place), self._frames(place))

    async def _frames(self, place: int) -> AsyncGenerator[bytes, None]:
        async with aclosing(self.control.replay(place)) as events:
            async for event in events:
                if missed := event.seq - place - 1:
                    yield encode_event({"events": missed}, kind="missed")
                place = event.seq
                yield encode_event(event, place=str(place))
