"""Authentication: the middleware that checks Host, Origin and token before anything else."""

import hmac
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from pmtui.api.errors import error_body

OPEN_PATHS = frozenset({b"/api/health"})

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


class AuthMiddleware:
    """Lets a request through to the application when Host, Origin and token are right; reads no body before."""

    def __init__(self, app: Application, token: str, host: str, port: int) -> None:
        self.app = app
        self.token = token.encode()
        self.port = port
        self.any_address = host in ("0.0.0.0", "::")
        self.names = frozenset(_names(host))

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        host = [value for name, value in headers if name == b"host"]
        if len(host) != 1 or not self.is_ours(host[0]):
            await _answer(send, 403, "This Host is not one of this server's; use the address that it was started with.")
        elif any(name == b"origin" and value != b"http://" + host[0] for name, value in headers):
            await _answer(send, 403, "Requests from pages of another origin are refused.")
        elif scope["raw_path"] in OPEN_PATHS or self.is_authorized(headers):
            await self.app(scope, receive, send)
        else:
            await _answer(send, 401, "A valid token is needed: 'Authorization: Bearer TOKEN'.", _CHALLENGE)

    def is_ours(self, host: bytes) -> bool:
        """Whether a Host header names this server: a page that rebinds its name to our address sends another."""
        text, ending = host.decode("latin-1").lower(), f":{self.port}"
        if text.endswith(ending):
            return self._is_name(text.removesuffix(ending))
        return self.port == 80 and self._is_name(text)

    def is_authorized(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Whether there is exactly one Authorization header, and it has the token; takes the same time for any."""
        values = [value for name, value in headers if name == b"authorization"]
        if len(values) != 1:
            return False
        scheme, _, token = values[0].partition(b" ")
        return hmac.compare_digest(token.strip(b" "), self.token) and scheme.lower() == b"bearer"

    def _is_name(self, name: str) -> bool:
        return name in self.names or (self.any_address and _is_address(name))


def _names(host: str) -> Iterable[str]:
    yield from ("localhost", "127.0.0.1", "[::1]")
    yield f"[{host.lower()}]" if ":" in host else host.lower()
    if host in ("0.0.0.0", "::"):
        yield socket.gethostname().lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


_CHALLENGE = (b"www-authenticate", b'Bearer realm="pmtui"')


async def _answer(send: Send, status: int, message: str, *headers: tuple[bytes, bytes]) -> None:
    body = error_body(status, message)
    own = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": [*own, *headers]})
    await send({"type": "http.response.body", "body": body})
