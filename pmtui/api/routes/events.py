"""Changes of status: the history of one process and its runs, and a stream of all."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.requests import Request
from starlette.responses import Response

from pmtui.api.parameters import last_event_id, manager_id, number, segment
from pmtui.api.responses import as_json
from pmtui.api.sse import StreamRegistry, encode_event
from pmtui.control import MAX_EVENTS, InvalidError, ManagerControl

EVER = "1970-01-01T00:00:00Z"


class EventRoutes:
    def __init__(self, control: ManagerControl, streams: StreamRegistry) -> None:
        self.control = control
        self.streams = streams

    async def events(self, request: Request) -> Response:
        process_id, parameters = segment(request, "id"), request.query_params
        if not any(parameters.get(name) for name in ("since", "until", "limit")):
            return as_json(await self.control.history(process_id))
        since = parameters.get("since") or EVER
        limit = number(parameters.get("limit", str(MAX_EVENTS)), "limit")
        if not 0 <= limit <= MAX_EVENTS:
            raise InvalidError(f"limit is a number from 0 to {MAX_EVENTS}, not '{limit}'.")
        return as_json(await self.control.past_events(process_id, since, parameters.get("until", ""), limit))

    async def history(self, request: Request) -> Response:
        process_id, parameters = segment(request, "id"), request.query_params
        points = number(parameters.get("points", "300"), "points")
        since, until = parameters.get("since") or "1h", parameters.get("until", "")
        return as_json(await self.control.usage_history(process_id, since, until, points))

    async def runs(self, request: Request) -> Response:
        return as_json(await self.control.runs(segment(request, "id")))

    async def stream_events(self, request: Request) -> Response:
        manager = manager_id(await self.control.about())
        last, place = await self.control.last_event(), last_event_id(request, manager)
        if place is None:
            place = last
        elif place > last:  # sent by an earlier manager
            place = 0
        return self.streams.respond(f"{manager}:{place}", self._frames(place, manager))

    async def _frames(self, place: int, manager: str) -> AsyncGenerator[bytes, None]:
        async with aclosing(self.control.replay(place)) as events:
            async for event in events:
                if missed := event.seq - place - 1:
                    yield encode_event({"events": missed}, kind="missed")
                place = event.seq
                yield encode_event(event, place=f"{manager}:{place}")
