"""Turn results and errors into responses."""

import json
from collections.abc import Iterable, Mapping

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from pmtui.api.errors import error_body
from pmtui.control import (
    ConflictError,
    ControlError,
    InvalidError,
    LogLine,
    NotFoundError,
    RejectedError,
    UnavailableError,
)

JSON = "application/json"
_STATUS_CODES = {
    NotFoundError: 404,
    ConflictError: 409,
    RejectedError: 422,  # before InvalidError, of which it is a kind
    InvalidError: 400,
    UnavailableError: 503,
}


class Done(msgspec.Struct):
    """The result of an operation on a process."""

    message: str
    id: str


def encode_json(value: object) -> bytes:
    """Encode a struct or plain value. A lone surrogate (from a path that is not UTF-8) becomes a question mark."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(value), ensure_ascii=False).encode(errors="replace")


def as_json(value: object, status: int = 200) -> Response:
    return Response(encode_json(value), status, media_type=JSON)


def as_text(lines: Iterable[LogLine]) -> Response:
    return Response("".join(f"{line.time} {line.text}\n" for line in lines), media_type="text/plain")


def done(message: str, process_id: str) -> Response:
    return as_json(Done(message, process_id))


async def on_http_error(request: Request, error: Exception) -> Response:
    """Answer errors of routing, and every other HTTPException."""
    assert isinstance(error, HTTPException)
    match error.status_code:
        case 404:
            message = f"No route matches {request.scope['path']}."
        case 405:
            message = f"{request.method} is not allowed for {request.scope['path']}."
        case _:
            message = error.detail
    return _error(error.status_code, message, error.headers)


async def on_control_error(request: Request, error: Exception) -> Response:
    status = next((code for kind, code in _STATUS_CODES.items() if isinstance(error, kind)), 500)
    return _error(status, str(error), data=error.data if isinstance(error, ControlError) else None)


async def on_disconnect(request: Request, error: Exception) -> Response:
    """Return a response that the server drops, as the client is gone."""
    return Response()


async def on_internal_error(request: Request, error: Exception) -> Response:
    """Hide the error from the client; the server logs its traceback."""
    return _error(500, "Internal error; see the manager's log.")


def _error(
    status: int, message: str, headers: Mapping[str, str] | None = None, data: dict[str, int] | None = None
) -> Response:
    return Response(error_body(status, message, data), status, {**(headers or {}), "connection": "close"}, JSON)
