"""The token of the API: generated or checked for a manager, read for a client. Imports only the standard library."""

import errno
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pmtui.runtime.files import PRIVATE_MODE, write_atomic

TOKEN_VARIABLE = "PMTUI_TOKEN"
TOKEN_NAME = "token"
MAX_TOKEN_LENGTH = 4096


class TokenError(Exception):
    """No token can be trusted; the message says why and what to do."""


class OpenHostError(TokenError):
    """The API would be open to the network with a token that its user did not choose."""


class Token(NamedTuple):
    value: str
    is_generated: bool

    def __repr__(self) -> str:
        return f"Token(is_generated={self.is_generated})"


def load_token(directory: Path, environ: Mapping[str, str]) -> Token:
    """Return the token in PMTUI_TOKEN, or else the one in `directory`, generated if missing. Raises TokenError."""
    if own := environ.get(TOKEN_VARIABLE):
        return Token(_checked(own, f"the environment variable {TOKEN_VARIABLE}"), is_generated=False)
    path = directory / TOKEN_NAME
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = _read(path)
        if not text:
            _generate(path)
            text = _read(path)
    except OSError as error:
        raise TokenError(
            f"cannot read or create {path}: {error.strerror or error}; set {TOKEN_VARIABLE} instead"
        ) from error
    return Token(_checked(text, str(path)), is_generated=True)


def read_token(directory: Path) -> str:
    """Return the token that a manager has generated; empty if there is none that can be trusted."""
    try:
        return _read(directory / TOKEN_NAME)
    except (OSError, TokenError):
        return ""


def require_own_token(host: str, token: Token) -> None:
    """Raise OpenHostError if other machines can connect and the user did not set the token."""
    if token.is_generated and not is_loopback(host):
        raise OpenHostError(
            f"--host {host} opens the API to the network; set {TOKEN_VARIABLE} to a secret of your own, "
            f"such as {TOKEN_VARIABLE}=$(openssl rand -hex 32)"
        )


def is_loopback(host: str) -> bool:
    from ipaddress import ip_address  # late: a client does not need it

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _checked(text: str, origin: str) -> str:
    if len(text) > MAX_TOKEN_LENGTH or not all("!" <= character <= "~" for character in text):
        raise TokenError(
            f"the token in {origin} must be at most {MAX_TOKEN_LENGTH} visible ASCII characters without spaces"
        )
    return text


def _read(path: Path) -> str:
    """Return the token in the file, empty if there is none. Makes the file private if others can read it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise TokenError(f"{path} is a symbolic link; remove it to have a new token generated") from error
    try:
        _secure(descriptor, path)
        return os.read(descriptor, MAX_TOKEN_LENGTH + 2).decode("latin-1").strip()
    finally:
        os.close(descriptor)


def _secure(descriptor: int, path: Path) -> None:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise TokenError(f"{path} is not a regular file; remove it to have a new token generated")
    if os.geteuid() not in (0, status.st_uid):
        raise TokenError(f"{path} belongs to another user; remove it to have a new token generated")
    if status.st_mode & 0o077:
        os.fchmod(descriptor, PRIVATE_MODE)


def _generate(path: Path) -> None:
    import secrets  # late: a client does not need it

    write_atomic(path, secrets.token_urlsafe(32) + "\n")
