"""Output of processes: the last lines, the files, and streams."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from typing import cast
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response

from pmtui.api.parameters import (
    choice,
    flag,
    last_event_id,
    last_event_ids,
    log_query,
    manager_id,
    number,
    patterns,
    segment,
)
from pmtui.api.responses import as_json, as_text, done
from pmtui.api.sse import StreamRegistry, encode_event
from pmtui.control import (
    ConflictError,
    DroppedLines,
    LogLine,
    LogStream,
    ManagerControl,
    PageQuery,
    TerminalEvent,
    TerminalSize,
)


class LogRoutes:
    def __init__(self, control: ManagerControl, streams: StreamRegistry) -> None:
        self.control = control
        self.streams = streams

    async def logs(self, request: Request) -> Response:
        process_id, query = segment(request, "id"), cast("PageQuery", log_query(request))
        form = choice(request.query_params.get("format", "json"), ("json", "text"), "format")
        if value := request.query_params.get("after"):
            query["after"] = number(value, "after")
        kept = await self.control.logs(process_id, **query)
        return as_json(kept) if form == "json" else as_text(kept)

    async def log_files(self, request: Request) -> Response:
        return as_json(await self.control.log_files(segment(request, "id")))

    async def stream_logs(self, request: Request) -> Response:
        process_id = segment(request, "id")
        await self.control.history(process_id)  # raises NotFoundError: a pattern is not an id
        if flag(request, "raw", default=False):
            viewer = request.query_params.get("viewer") or uuid4().hex
            with suppress(ConflictError):  # it has no terminal: its raw output is that of each line
                return self.streams.respond("", _terminal_frames(await self.control.terminal(process_id, viewer)))
        manager = manager_id(await self.control.about())
        place = last_event_id(request, manager)
        after = {} if place is None else {process_id: place}
        return await self._follow(request, [process_id], after, manager, "{seq}")

    async def stream_logs_of_many(self, request: Request) -> Response:
        manager = manager_id(await self.control.about())
        after = last_event_ids(request, manager)
        return await self._follow(request, patterns(request), after, manager, "{id}={seq}")

    async def clear_logs(self, request: Request) -> Response:
        process_id = segment(request, "id")
        await request.body()
        await self.control.clear_logs(process_id)
        return done("Logs cleared", process_id)

    async def _follow(
        self, request: Request, chosen: Sequence[str], after: Mapping[str, int], manager: str, words: str
    ) -> Response:
        following = await self.control.follow_logs(chosen, after, **log_query(request))
        places = _StreamPositions(following.after, manager, words)
        return self.streams.respond(str(places), _frames(following, places))


class _StreamPositions:
    """How far a stream has come with each of its processes, as an event id."""

    def __init__(self, places: Mapping[str, int], manager: str, words: str) -> None:
        self._manager = manager
        self._words = words
        self._parts = {process_id: words.format(id=process_id, seq=seq) for process_id, seq in places.items()}

    def __str__(self) -> str:
        return f"{self._manager}:{','.join(self._parts.values())}"

    def advance(self, line: LogLine) -> str:
        self._parts[line.id] = self._words.format(id=line.id, seq=line.seq)
        return str(self)


async def _terminal_frames(terminal: AsyncGenerator[TerminalEvent, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(terminal) as events:
        async for event in events:
            yield encode_event(event, kind="size" if isinstance(event, TerminalSize) else "")


async def _frames(following: LogStream, places: _StreamPositions) -> AsyncGenerator[bytes, None]:
    async with aclosing(following.lines) as lines:
        async for line in lines:
            if isinstance(line, DroppedLines):
                yield encode_event(line, kind="missed")
            elif line.partial:
                yield encode_event(line)  # without an id: it is sent again when the client comes back
            else:
                yield encode_event(line, place=places.advance(line))
