"""A client's connection: uvicorn's HTTP/1.1 protocol with limits on bytes, time and number.

A request passes `framing` before h11 sees it, and must arrive within five seconds. Bytes sent after it and before the
end of its response are never read as a request. If there are too many connections, one is closed: of those that never
sent a whole request, or else of those that never showed the token, the one that has gone longest without being served.
"""

import logging
from asyncio import TimerHandle, Transport
from collections.abc import Sequence
from email.utils import formatdate
from enum import Enum, IntEnum, auto
from typing import Any

import h11

from pmtui.api.auth import AUTHORIZED
from pmtui.api.errors import error_body
from pmtui.api.http.framing import (
    BODY_LIMIT,
    CHUNKED,
    FORWARD_BODY_LIMIT,
    FramingError,
    body_length,
    check_start,
    is_forwarded,
)
from pmtui.api.http.uvicorn_shim import STATUS_PHRASES, H11Protocol

MAX_CONNECTIONS = 64
MAX_FORWARDED = 256
"""Connections with a request for a process, which may take minutes: they are not among MAX_CONNECTIONS."""
REQUEST_TIMEOUT = 5.0
WRITE_TIMEOUT = 30.0
"""Seconds after which a client that reads nothing is disconnected."""
LINGER_TIMEOUT = 1.0
LINGER_LIMIT = 8 << 20
PIPELINED = "Pipelining is not supported; send a request after the response to the previous one."

_LOGGER = logging.getLogger("pmtui.api")
_LOGGER.setLevel(logging.ERROR)


class _Phase(Enum):
    HEAD = auto()
    BODY = auto()
    ANSWER = auto()
    CLOSING = auto()


class _Standing(IntEnum):
    """How much a connection has shown to be a client's: the lower, the sooner it is closed for another one."""

    SILENT = 0  # has never sent a whole request
    ANONYMOUS = 1  # has never sent one with the token
    TRUSTED = 2


class Connection(H11Protocol):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.logger = _LOGGER
        self.access_log = False
        self.phase = _Phase.HEAD
        self.standing = _Standing.SILENT
        self.head = bytearray()
        self.chunked = False
        self.forwards = False
        self.body_limit = BODY_LIMIT
        self.body_left = 0
        self.discarded = 0
        self.write_timer: TimerHandle | None = None

    @property
    def is_serving(self) -> bool:
        """Return whether a request has arrived completely and its response has not been sent completely."""
        return self.phase is _Phase.ANSWER or self.transport.get_write_buffer_size() > 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.idle_since = self.loop.time()
        self.request_timer = self.loop.call_later(REQUEST_TIMEOUT, self._expire)
        if len(self._peers(forwards=False)) > MAX_CONNECTIONS:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        self.request_timer.cancel()
        if self.write_timer:
            self.write_timer.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._start_write_timer()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.write_timer:
            self.write_timer.cancel()

    def shutdown(self) -> None:
        if self.flow.write_paused:
            self.transport.abort()
        else:
            super().shutdown()

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        try:
            match self.phase:
                case _Phase.HEAD:
                    self._receive_head(data)
                case _Phase.BODY:
                    self._receive_body(data)
                case _Phase.ANSWER:
                    self.cycle.keep_alive = False
                    self._discard(data)
                case _Phase.CLOSING:
                    self._discard(data)
        except FramingError as error:
            self._refuse(error.status, str(error))

    def on_response_complete(self) -> None:
        arrived = self.phase is _Phase.ANSWER
        if arrived:
            shown = _Standing.TRUSTED if self.scope.get(AUTHORIZED) else _Standing.ANONYMOUS
            self.standing = max(self.standing, shown)
        self.idle_since = self.loop.time()
        self.phase = _Phase.HEAD if arrived else _Phase.CLOSING
        self.forwards = False
        super().on_response_complete()
        if not arrived and not self.transport.is_closing():
            self._linger()

    def timeout_keep_alive_handler(self) -> None:
        self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, msg)

    def _unsupported_upgrade_warning(self) -> None:
        """Log nothing: an unsupported upgrade is an ordinary request."""

    def _receive_head(self, data: bytes) -> None:
        seen = len(self.head)
        if not seen and self.request_timer.cancelled():
            self._start_request_timer()
        self.head += data
        end = self.head.find(b"\r\n\r\n", max(seen - 3, 0)) + 4
        check_start(self.head[: end if end > 3 else None], seen)
        if end < 4:
            return
        head, body = bytes(self.head[:end]), bytes(self.head[end:])
        self.head.clear()
        self.forwards = is_forwarded(head)
        self.body_limit = FORWARD_BODY_LIMIT if self.forwards else BODY_LIMIT
        if self.forwards and len(self._peers(forwards=True)) > MAX_FORWARDED:
            raise FramingError(503, f"{MAX_FORWARDED} requests are being passed on already; try again later.")
        length = body_length(head, self.body_limit)
        self.chunked = length == CHUNKED
        self.body_left = self.body_limit if self.chunked else length
        self._count(body)
        self.phase = _Phase.BODY
        self.server_state.default_headers = [] if self.forwards else _default_headers()
        self._forward(head + body)

    def _receive_body(self, data: bytes) -> None:
        self._count(data)
        self._forward(data)

    def _count(self, body: bytes) -> None:
        self.body_left -= len(body)
        if self.body_left >= 0:
            return
        if self.chunked:
            raise FramingError(413, f"The body is larger than {self.body_limit >> 10} KiB.")
        raise FramingError(400, PIPELINED)

    def _forward(self, data: bytes) -> None:
        super().data_received(data)
        if self.phase is not _Phase.BODY or self.conn.their_state is h11.SEND_BODY:
            return
        if self.conn.trailing_data[0]:
            raise FramingError(400, PIPELINED)
        self.request_timer.cancel()
        self.phase = _Phase.ANSWER

    def _start_write_timer(self) -> None:
        self.write_timer = self.loop.call_later(
            WRITE_TIMEOUT, self._check_write_progress, self.transport.get_write_buffer_size()
        )

    def _check_write_progress(self, before: int) -> None:
        """Close the connection if the client has read nothing since the last check."""
        if self.transport.get_write_buffer_size() < before:
            self._start_write_timer()
        else:
            self.transport.abort()

    def _refuse(self, status: int, message: str) -> None:
        """Send an error and close; to the application, the client has disconnected."""
        self.phase = _Phase.CLOSING
        begun = False
        if self.cycle is not None and not self.cycle.response_complete:
            begun = self.cycle.response_started
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if not begun:
            self.transport.write(_answer(status, message))
        self._linger()

    def _linger(self) -> None:
        """End the response, and read on for a moment: closing at once could discard the response."""
        self.flow.resume_reading()
        self.transport.write_eof()
        self.request_timer.cancel()
        self.request_timer = self.loop.call_later(LINGER_TIMEOUT, self.transport.abort)

    def _discard(self, data: bytes) -> None:
        self.discarded += len(data)
        if self.discarded > LINGER_LIMIT:
            self.transport.abort()

    def _start_request_timer(self) -> None:
        self.idle_since = self.loop.time()
        self.request_timer = self.loop.call_later(REQUEST_TIMEOUT, self._expire)

    def _expire(self) -> None:
        if self.phase is _Phase.HEAD and not self.head:
            self.transport.abort()
        else:
            self._refuse(408, f"The request did not arrive within {REQUEST_TIMEOUT:g} seconds.")

    def _peers(self, *, forwards: bool) -> list["Connection"]:
        return [other for other in self.connections if isinstance(other, Connection) and other.forwards is forwards]

    def _make_room(self) -> None:
        """Close another connection, or refuse this one if all others are served or trusted."""
        others = [other for other in self._peers(forwards=False) if other is not self]
        closing = [other for other in others if other.phase is _Phase.CLOSING]
        if len(others) - len(closing) < MAX_CONNECTIONS:
            _close_oldest(closing)
            return
        waiting = [other for other in others if not other.is_serving and other.standing is not _Standing.TRUSTED]
        if not _close_oldest([other for other in waiting if other.phase is not _Phase.CLOSING]):
            self._refuse(503, f"All {MAX_CONNECTIONS} connections are in use; try again later.")


def _close_oldest(connections: Sequence[Connection]) -> bool:
    """Close the one of the lowest standing that was not served for longest; return False if there is none."""
    if not connections:
        return False
    oldest = min(connections, key=lambda other: (other.standing, other.idle_since))
    oldest.connections.discard(oldest)
    oldest.transport.abort()
    return True


def _default_headers() -> list[tuple[bytes, bytes]]:
    return [
        (b"date", formatdate(usegmt=True).encode()),
        (b"x-content-type-options", b"nosniff"),
    ]


def _answer(status: int, message: str) -> bytes:
    body = error_body(status, message)
    head = b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n"
    challenge = b'www-authenticate: Bearer realm="pmtui"\r\n' if status == 401 else b""
    return head % (status, STATUS_PHRASES[status], len(body)) + challenge + b"\r\n" + body
