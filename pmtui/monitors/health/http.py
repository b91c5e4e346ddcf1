"""Send one HTTP request and read the status of the response: all that health checks and webhooks need."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from urllib.parse import quote, urlsplit

import h11
import msgspec

from pmtui.monitors.health.tls import tls_context

LINGER_TIMEOUT = 1.0
"""Seconds a server may go on sending a body that is not read. Why: it would log a cut connection as an error."""
TLS_ALERT = b"\x15\x03"
"""The first bytes of what a TLS server answers to anything but TLS."""
LOOPBACK_ADDRESSES = ("127.0.0.1", "::1")


Inspect = Callable[[asyncio.BaseTransport], Awaitable[None]]


class ResponseError(Exception):
    """The response is not HTTP, or empty."""


class Request(msgspec.Struct, frozen=True):
    host: str
    port: int
    secure: bool
    verify: bool  # of the certificate
    headers: list[tuple[str, str]]
    target: str
    method: str = "GET"
    body: bytes = b""


def get(url: str, verify: bool = True) -> Request:
    """Build a GET request. Raises ValueError if the URL is invalid."""
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
        host,
        parts.port or (443 if secure else 80),
        secure,
        verify,
        headers,
        f"{target}?{query}" if query else target,
    )


def post(url: str, body: bytes) -> Request:
    """Build a POST request with JSON. Raises ValueError if the URL is invalid."""
    request = get(url)
    headers = [*request.headers, ("content-type", "application/json"), ("content-length", str(len(body)))]
    return msgspec.structs.replace(request, method="POST", headers=headers, body=body)


async def connect(
    protocol: asyncio.Protocol, host: str, port: int, tls: ssl.SSLContext | None = None
) -> asyncio.BaseTransport:
    """Connect; `localhost` means both loopback addresses, without a resolver. Raises OSError."""
    loop = asyncio.get_running_loop()
    name = host if tls else None
    addresses = LOOPBACK_ADDRESSES if host == "localhost" else (host,)
    for address in addresses:
        try:
            transport, _ = await loop.create_connection(lambda: protocol, address, port, ssl=tls, server_hostname=name)
            return transport
        except ssl.SSLError:
            raise
        except OSError:
            if address == addresses[-1]:
                raise
    raise AssertionError("there is at least one address")


async def fetch_status(request: Request, inspect: Inspect | None = None) -> int:
    """Return the status of the response; redirects are not followed. Raises ResponseError and OSError.

    `inspect` sees the connection, and may raise its own error.
    """
    response = _ResponseProtocol(request)
    try:
        tls = tls_context(request.verify) if request.secure else None
        transport = await connect(response, request.host, request.port, tls)
        if inspect:
            await inspect(transport)
        return await response.status
    finally:
        response.release()


class _ResponseProtocol(asyncio.Protocol):
    def __init__(self, request: Request) -> None:
        self.status: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._request = request
        self._parser = h11.Connection(h11.CLIENT)
        self._has_response = False
        self._is_tls_alert = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        request = self._request
        head = h11.Request(method=request.method, target=request.target, headers=request.headers)
        for event in (head, h11.Data(data=request.body), h11.EndOfMessage()):
            transport.write(self._parser.send(event) or b"")

    def data_received(self, data: bytes) -> None:
        if not self.status.done():
            self._has_response = True
            self._is_tls_alert |= data.startswith(TLS_ALERT)
            self._parser.receive_data(data)
            self._read()

    def eof_received(self) -> None:
        if not self.status.done() and self._has_response:
            self._parser.receive_data(b"")
            self._read()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if not self.status.done():
            self.status.set_exception(error or ResponseError("the connection was closed without a response"))

    def release(self) -> None:
        """Let the server finish its response for a moment, then disconnect."""
        self.status.cancel()
        if self._transport:
            asyncio.get_running_loop().call_later(LINGER_TIMEOUT if self.status.done() else 0, self._abort)

    def _read(self) -> None:
        try:
            event = self._parser.next_event()
            while isinstance(event, h11.InformationalResponse):
                event = self._parser.next_event()
        except h11.RemoteProtocolError:
            text = "the server speaks TLS: use https" if self._is_tls_alert else "the response is not HTTP"
            self.status.set_exception(ResponseError(text))
            return
        if isinstance(event, h11.Response):
            self.status.set_result(event.status_code)
        elif isinstance(event, h11.ConnectionClosed):
            self.status.set_exception(ResponseError("the connection was closed without a response"))

    def _abort(self) -> None:
        if self._transport:
            self._transport.abort()
