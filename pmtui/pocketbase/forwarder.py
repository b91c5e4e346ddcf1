"""Requests that the hook passes on to a process: to a ready one only, and without following its redirects."""

import asyncio
import random
from collections.abc import Iterable, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from pmtui.api.auth import Receive, Send
from pmtui.api.errors import error_body
from pmtui.api.http.framing import FORWARD_BODY_LIMIT, FORWARD_PREFIX

if TYPE_CHECKING:
    import httpx

FORWARD_TIMEOUT = 120.0
CONNECT_TIMEOUT = 5.0
RETRY_AFTER = "2"
HOP_BY_HOP = {
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te",
    b"trailer", b"transfer-encoding", b"upgrade",
}  # fmt: skip
OWN_HEADERS = {b"host", b"content-length", b"authorization"}
OWN_PREFIX = b"x-pmtui-"

Headers = Sequence[tuple[bytes, bytes]]


class Upstream(msgspec.Struct, frozen=True):
    """A process that a route leads to: its port, and whether it takes requests now."""

    id: str
    port: int
    ready: bool


class Reply(msgspec.Struct, frozen=True):
    """What the client of PocketBase is to get."""

    status: int
    headers: Headers
    body: bytes


class Directory(Protocol):
    def __call__(self, route: str) -> Sequence[Upstream]:
        """The processes behind a route."""


class Forwarder:
    """An ASGI application behind the API's authentication.

    The status of its reply is in the header X-Pmtui-Status: PocketBase's client would follow a redirect.
    """

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._client: httpx.AsyncClient | None = None

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        headers: Headers = scope["headers"]
        route = next((value for name, value in headers if name == b"x-pmtui-route"), b"").decode("latin-1")
        upstreams = self._directory(route)
        ready = [upstream for upstream in upstreams if upstream.ready]
        if not upstreams:
            reply = error(404, f"No process has the route '{route}' any more; restart PocketBase.")
        elif not ready:
            names = ", ".join(upstream.id for upstream in upstreams)
            reply = error(503, f"Process '{names}' is not ready.", (b"retry-after", RETRY_AFTER.encode()))
        else:
            reply = await self._forward(random.choice(ready), scope, await read_body(receive))
        own = [(b"x-pmtui-status", str(reply.status).encode()), (b"content-length", str(len(reply.body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": [*reply.headers, *own]})
        await send({"type": "http.response.body", "body": reply.body})

    async def close(self) -> None:
        if self._client:
            await self._client.aclose()

    async def _forward(self, upstream: Upstream, scope: MutableMapping[str, Any], body: bytes) -> Reply:
        import httpx

        if self._client is None:
            timeout = httpx.Timeout(None, connect=CONNECT_TIMEOUT)
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)  # a restart breaks kept ones
            self._client = httpx.AsyncClient(timeout=timeout, limits=limits, trust_env=False)
        path = scope["raw_path"].removeprefix(FORWARD_PREFIX.rstrip(b"/"))
        target = path + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        host = f"127.0.0.1:{upstream.port}".encode()
        request = httpx.Request(
            scope["method"],
            httpx.URL(f"http://127.0.0.1:{upstream.port}", raw_path=target),
            headers=[(b"host", host), *client_headers(scope["headers"]), *body_length(scope["method"], body)],
            content=body,
        )
        try:
            async with asyncio.timeout(FORWARD_TIMEOUT):
                return await self._exchange(self._client, request, upstream.id)
        except (TimeoutError, httpx.TimeoutException):
            return error(504, f"Process '{upstream.id}' did not answer within {FORWARD_TIMEOUT:g} seconds.")
        except httpx.HTTPError as failure:
            return error(502, f"Process '{upstream.id}' does not answer: {failure}.")

    async def _exchange(self, client: "httpx.AsyncClient", request: "httpx.Request", process_id: str) -> Reply:
        response = await client.send(request, stream=True)
        try:
            if response.headers.get("content-type", "").startswith("text/event-stream"):
                return error(501, f"PocketBase cannot pass on a stream; connect to {request.url} or use a proxy.")
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > FORWARD_BODY_LIMIT:
                    return error(502, f"Process '{process_id}' sent more than {FORWARD_BODY_LIMIT >> 20} MB.")
            return Reply(response.status_code, end_to_end(response.headers.raw), bytes(body))
        finally:
            await response.aclose()


def end_to_end(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers that are not about one connection."""
    headers = [(name.lower(), value) for name, value in headers]
    listed = {word.strip() for name, value in headers if name == b"connection" for word in value.lower().split(b",")}
    dropped = HOP_BY_HOP | OWN_HEADERS | listed
    return [(name, value) for name, value in headers if name not in dropped and not name.startswith(OWN_PREFIX)]


def client_headers(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """What the client sent; its Origin has another name on the way, for the API takes requests of no foreign page."""
    origins = [(b"origin", value) for name, value in headers if name == b"x-pmtui-origin"]
    return end_to_end(headers) + origins


def body_length(method: str, body: bytes) -> list[tuple[bytes, bytes]]:
    return [(b"content-length", str(len(body)).encode())] if body or method in ("POST", "PUT", "PATCH") else []


async def read_body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


def error(status: int, message: str, *headers: tuple[bytes, bytes]) -> Reply:
    return Reply(status, [(b"content-type", b"application/json"), *headers], error_body(status, message))
