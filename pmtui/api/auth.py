"""Who may ask: the token, and the guard that looks at Host, Origin and token before anything else is done."""

import contextlib
import errno
import hmac
import ipaddress
import os
import secrets
import socket
import stat
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pmtui.api.errors import error_body

TOKEN_VARIABLE = "PMTUI_TOKEN"
OPEN_PATHS = frozenset({b"/api/health"})
MAX_TOKEN_LENGTH = 4096

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


class TokenError(Exception):
    """There is no token that can be trusted; the message says why and what to do."""


class OpenHostError(TokenError):
    """The API would be open to the network with a token that its user did not choose."""


@dataclass(frozen=True)
class Token:
    """What a client has to know. `made` tells that it was made by the manager rather than set by its user."""

    value: str = field(repr=False)
    is_generated: bool


def load_token(data_folder: Path, environment: Mapping[str, str]) -> Token:
    """The user's own token from `PMTUI_TOKEN`, else the one in the file `token`, which is made if there is none."""
    if own := environment.get(TOKEN_VARIABLE):
        return Token(_checked(own, f"the environment variable {TOKEN_VARIABLE}"), is_generated=False)
    path = data_folder / "token"
    try:
        data_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = _read(path)
        if not text:
            _create(path)
            text = _read(path)
    except OSError as error:
        raise TokenError(f"cannot read or make {path}: {error.strerror or error}; or set {TOKEN_VARIABLE}") from error
    return Token(_checked(text, str(path)), is_generated=True)


def require_own_token(host: str, token: Token) -> None:
    """Raises OpenHostError when others than this machine can connect and the token is not the user's own."""
    if token.is_generated and not is_loopback(host):
        raise OpenHostError(
            f"--host {host} opens the API to the network: set {TOKEN_VARIABLE} to a secret of your own, "
            f"such as {TOKEN_VARIABLE}=$(openssl rand -hex 32)"
        )


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine reach a server on that host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _checked(text: str, origin: str) -> str:
    if len(text) > MAX_TOKEN_LENGTH or not all("!" <= character <= "~" for character in text):
        raise TokenError(
            f"the token in {origin} must be at most {MAX_TOKEN_LENGTH} visible ASCII characters, no blanks"
        )
    return text


def _read(path: Path) -> str:
    """The token in that file, empty when there is none; takes from others the right to read it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise TokenError(f"{path} is a symbolic link; remove it, and a new token is made") from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise TokenError(f"{path} is not a regular file; remove it, and a new token is made")
        if os.geteuid() not in (0, status.st_uid):
            raise TokenError(f"{path} belongs to another user; remove it, and a new token is made")
        if status.st_mode & 0o077:
            os.fchmod(descriptor, 0o600)
        return os.read(descriptor, MAX_TOKEN_LENGTH + 2).decode("latin-1").strip()
    finally:
        os.close(descriptor)


def _create(path: Path) -> None:
    """Puts a new token there in one step: a reader sees all of it or none."""
    draft = path.with_name(f"token.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
        os.replace(draft, path)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise


class AuthMiddleware:
    """Lets a request through to the application when Host, Origin and token are right; reads no body before."""

    def __init__(self, app: Application, token: Token, host: str, port: int) -> None:
        self.app = app
        self.token = token.value.encode()
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
