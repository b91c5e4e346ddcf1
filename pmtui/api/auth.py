"""Authentication: check Host, Origin and token before anything else is done with a request."""

import hmac
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Collection, Iterable, MutableMapping
from typing import Any, Protocol

from pmtui.api.errors import error_body
from pmtui.api.http.framing import FORWARD_PREFIX

AUTHORIZED = "pmtui.authorized"
"""Key in the scope of a request with the right token."""

TOKEN_NEEDED = "A valid token is required; send 'Authorization: Bearer TOKEN'."

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


class TokenChecker(Protocol):
    """Knows tokens other than the manager's own."""

    async def __call__(self, token: bytes) -> str:
        """Why the token is refused; empty if it is good."""


class AuthMiddleware:
    """Pass a request on if its Host, Origin and token are right. Until then no body is read."""

    def __init__(
        self,
        app: Application,
        token: str,
        host: str,
        port: int,
        open_paths: Collection[bytes],
        others: TokenChecker | None = None,
    ) -> None:
        self.app = app
        self.open_paths = open_paths
        self.others = others
        self.token = token.encode()
        self.port = port
        self.any_address = host in ("0.0.0.0", "::")
        self.names = frozenset(_names(host))

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        host = [value for name, value in headers if name == b"host"]
        if len(host) != 1 or not self.is_ours(host[0]):
            await _answer(send, 403, "The Host header does not name this server; use the address it was started with.")
        elif any(name == b"origin" and value != b"http://" + host[0] for name, value in headers):
            await _answer(send, 403, "Requests from another origin are not allowed.")
        elif self.is_authorized(headers):
            scope[AUTHORIZED] = True
            await self.app(scope, receive, send)
        elif scope["raw_path"] in self.open_paths:
            await self.app(scope, receive, send)
        elif self.others is None or scope["raw_path"].startswith(FORWARD_PREFIX):
            await _answer(send, 401, TOKEN_NEEDED, _CHALLENGE)
        elif refusal := await self.others(bearer_token(headers)):
            await _answer(send, 401, refusal, _CHALLENGE)
        else:
            scope[AUTHORIZED] = True
            await self.app(scope, receive, send)

    def is_ours(self, host: bytes) -> bool:
        """Return whether a Host header names this server. A page that uses DNS rebinding sends another name."""
        text, ending = host.decode("latin-1").lower(), f":{self.port}"
        if text.endswith(ending):
            return self._is_name(text.removesuffix(ending))
        return self.port == 80 and self._is_name(text)

    def is_authorized(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Return whether the only Authorization header holds the token, in a time that does not depend on it."""
        return hmac.compare_digest(bearer_token(headers), self.token)

    def _is_name(self, name: str) -> bool:
        return name in self.names or (self.any_address and _is_address(name))


def bearer_token(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The token in the one Authorization header; empty if there is none, or more than one."""
    values = [value for name, value in headers if name == b"authorization"]
    if len(values) != 1:
        return b""
    scheme, _, token = values[0].partition(b" ")
    return token.strip(b" ") if scheme.lower() == b"bearer" else b""


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
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": [*own, *headers]})
    await send({"type": "http.response.body", "body": body})
