"""Server-sent events: responses that last until the client disconnects or the server closes."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pmtui.api.errors import error_body
from pmtui.api.responses import encode_json
from pmtui.control import ControlError, UnavailableError

HEARTBEAT_INTERVAL = 15.0
"""Seconds of silence after which a comment is sent, so that the client knows the stream is alive."""
MAX_STREAMS = 32
"""Half of all connections, so that the other half remains for other requests."""
MAX_BUFFERED_BYTES = 64 << 10
"""Bytes that wait for one client; more is read from the source only after it has taken them."""
IDLE_DELAY = 0.005
"""Seconds for which all streams pause after one has filled its buffer, so that a flood does not occupy the loop."""
_RETRY = b"retry: 1000\n"  # milliseconds until a client reconnects


class StreamRegistry:
    """The open streams."""

    def __init__(self) -> None:
        self._open: set[EventStream] = set()
        self._turn = asyncio.Lock()

    def respond(self, begin: str, frames: AsyncGenerator[bytes, None]) -> Response:
        """Return a stream of these frames; `begin` is its event id until the first frame.

        Raises UnavailableError if there are too many streams.
        """
        if len(self._open) >= MAX_STREAMS:
            raise UnavailableError(f"All {MAX_STREAMS} streams are in use; try again later.")
        stream = EventStream(begin, frames, self._turn, self._open.discard)
        self._open.add(stream)
        return stream

    def close(self) -> None:
        for stream in self._open:
            stream.stop()


class EventStream(Response):
    """One stream. It reads from its source no faster than the client reads from it."""

    media_type = "text/event-stream"

    def __init__(
        self, begin: str, frames: AsyncGenerator[bytes, None], turn: asyncio.Lock, on_end: Callable[[Any], None]
    ) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._frames = frames
        self._turn = turn
        self._on_end = on_end
        self._waiting = bytearray(_RETRY + b"id: %s\n\n" % begin.encode())
        self._has_data, self._has_room = asyncio.Event(), asyncio.Event()
        self._has_data.set()
        self._is_closed = False

    def stop(self) -> None:
        self._is_closed = True
        self._has_data.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        tasks = [asyncio.create_task(task) for task in (self._read_frames(), self._watch_disconnect(receive))]
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            while not self._is_closed and scope["method"] != "HEAD":
                await send({"type": "http.response.body", "body": await self._next_chunk(), "more_body": True})
            await send({"type": "http.response.body", "body": bytes(self._waiting)})
        finally:
            self._on_end(self)
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def _next_chunk(self) -> bytes:
        """Return the buffered bytes as soon as there are any, or a heartbeat."""
        try:
            async with asyncio.timeout(HEARTBEAT_INTERVAL):
                await self._has_data.wait()
        except TimeoutError:
            return b": heartbeat\n\n"
        self._has_data.clear()
        self._has_room.set()
        taken, self._waiting = bytes(self._waiting), bytearray()
        return taken

    async def _read_frames(self) -> None:
        try:
            async with aclosing(self._frames) as frames:
                async for frame in frames:
                    self._waiting += frame
                    self._has_data.set()
                    if len(self._waiting) > MAX_BUFFERED_BYTES:
                        await self._yield_turn()
        except ControlError as error:
            self._waiting += b"event: error\ndata: %s\n\n" % error_body(400, str(error))
        finally:
            self.stop()

    async def _yield_turn(self) -> None:
        async with self._turn:
            await asyncio.sleep(IDLE_DELAY)
        while len(self._waiting) > MAX_BUFFERED_BYTES:
            self._has_room.clear()
            await self._has_room.wait()

    async def _watch_disconnect(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.stop()


def encode_event(value: object, place: str = "", kind: str = "") -> bytes:
    """Encode one event; `place` is its id, from which a client can resume."""
    head = (f"event: {kind}\n" if kind else "") + (f"id: {place}\n" if place else "")
    return b"%sdata: %s\n\n" % (head.encode(), encode_json(value))
