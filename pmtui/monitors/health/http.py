"""One HTTP request and the status of its answer: all that health checks and webhooks need."""

import asyncio
import ssl
from urllib.parse import quote, urlsplit

import h11
import msgspec

LINGER_TIMEOUT = 1.0
"""Seconds for which a server may go on sending a body that nobody reads: one that is cut off tells its log of it."""
LOOPBACK_ADDRESSES = ("127.0.0.1", "::1")


class ResponseError(Exception):
    """What came was no HTTP, or nothing."""


class Request(msgspec.Struct, frozen=True):
    """What is asked of a server, and where that is."""

    host: str
    port: int
    secure: bool
    headers: list[tuple[str, str]]
    target: str
    method: str = "GET"
    body: bytes = b""


def get(url: str) -> Request:
    """Raises ValueError for a URL that cannot be asked."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    secure = parts.scheme.lower() == "https"
    shown = f"[{host}]" if ":" in host else host.encode("idna").decode()
    headers = [
        ("host", f"{shown}:{parts.port}" if parts.port else shown),
        ("user-agent", "pmtui"),
        ("accept", "*/*"),
        ("connection", "close"),
    ]
    target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = quote(parts.query, safe="/%:@!$&'()*+,;=~-._?")
    return Request(
        host, parts.port or (443 if secure else 80), secure, headers, f"{target}?{query}" if query else target
    )


def post(url: str, body: bytes) -> Request:
    """The same with JSON to deliver."""
    asked = get(url)
    headers = [*asked.headers, ("content-type", "application/json"), ("content-length", str(len(body)))]
    return msgspec.structs.replace(asked, method="POST", headers=headers, body=body)


async def connect(protocol: asyncio.Protocol, host: str, port: int, secure: bool = False) -> None:
    """Connects; `localhost` is both loopbacks, without asking a resolver. Raises OSError."""
    loop = asyncio.get_running_loop()
    context = ssl.create_default_context() if secure else None
    addresses = LOOPBACK_ADDRESSES if host == "localhost" and not secure else (host,)
    for address in addresses:
        try:
            await loop.create_connection(lambda: protocol, address, port, ssl=context)
            return
        except OSError:
            if address == addresses[-1]:
                raise


async def fetch_status(request: Request) -> int:
    """The status of the answer; redirects are not followed. Raises AnswerError and OSError."""
    answer = _ResponseProtocol(request)
    try:
        await connect(answer, request.host, request.port, request.secure)
        return await answer.status
    finally:
        answer.release()


class _ResponseProtocol(asyncio.Protocol):
    def __init__(self, request: Request) -> None:
        self.status: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._request = request
        self._parser = h11.Connection(h11.CLIENT)
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        asked = self._request
        head = h11.Request(method=asked.method, target=asked.target, headers=asked.headers)
        for event in (head, h11.Data(data=asked.body), h11.EndOfMessage()):
            transport.write(self._parser.send(event) or b"")

    def data_received(self, data: bytes) -> None:
        if not self.status.done():
            self._parser.receive_data(data)
            self._read()

    def eof_received(self) -> None:
        if not self.status.done():
            self._parser.receive_data(b"")
            self._read()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if not self.status.done():
            self.status.set_exception(error or ResponseError("the connection was closed without an answer"))

    def release(self) -> None:
        """Nobody waits any more: the server may end its answer, but not take for ever."""
        self.status.cancel()
        if self._transport:
            asyncio.get_running_loop().call_later(LINGER_TIMEOUT if self.status.done() else 0, self._abort)

    def _read(self) -> None:
        try:
            event = self._parser.next_event()
            while isinstance(event, h11.InformationalResponse):
                event = self._parser.next_event()
        except h11.RemoteProtocolError:
            self.status.set_exception(ResponseError("the answer is not HTTP"))
            return
        if isinstance(event, h11.Response):
            self.status.set_result(event.status_code)
        elif isinstance(event, h11.ConnectionClosed):
            self.status.set_exception(ResponseError("the connection was closed without an answer"))

    def _abort(self) -> None:
        if self._transport:
            self._transport.abort()
