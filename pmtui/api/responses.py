"""How results and errors become responses."""

import json
from collections.abc import Iterable, Mapping

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from pmtui.api.errors import error_body
from pmtui.control import (
    ConflictError,
    InvalidError,
    LogLine,
    NotFoundError,
    UnavailableError,
)

JSON = "application/json"
_STATUS_CODES = {NotFoundError: 404, ConflictError: 409, InvalidError: 400, UnavailableError: 503}


class Done(msgspec.Struct):
    """What was done, and to which process."""

    message: str
    id: str


def encode_json(value: object) -> bytes:
    """Any struct or plain value as JSON; a lone surrogate (a path that is not UTF-8) becomes a question mark."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(value), ensure_ascii=False).encode(errors="replace")


def as_json(value: object) -> Response:
    return Response(encode_json(value), media_type=JSON)


def as_text(lines: Iterable[LogLine]) -> Response:
    """Log lines as their files have them."""
    return Response("".join(f"{line.time} {line.text}\n" for line in lines), media_type="text/plain")


def done(message: str, process_id: str) -> Response:
    return as_json(Done(message, process_id))


async def on_http_error(request: Request, error: Exception) -> Response:
    """What routing refuses, and what `HTTPException` says elsewhere."""
    assert isinstance(error, HTTPException)
    match error.status_code:
        case 404:
            message = f"There is nothing at {request.scope['path']}."
        case 405:
            message = f"{request.method} is not allowed here."
        case _:
            message = error.detail
    return _error(error.status_code, message, error.headers)


async def on_control_error(request: Request, error: Exception) -> Response:
    status = next((code for kind, code in _STATUS_CODES.items() if isinstance(error, kind)), 500)
    return _error(status, str(error))


async def on_disconnect(request: Request, error: Exception) -> Response:
    """Nobody is there any more: this answer is dropped by the server."""
    return Response()


async def on_internal_error(request: Request, error: Exception) -> Response:
    """A fault of ours: the server logs its traceback, the client learns nothing of it."""
    return _error(500, "The manager met an error of its own; its log tells more.")


def _error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return Response(error_body(status, message), status, {**(headers or {}), "connection": "close"}, JSON)
