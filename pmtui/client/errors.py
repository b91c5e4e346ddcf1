"""Turn error responses of the API back into the errors of `Control`."""

from typing import Any, TypeVar

import msgspec

from pmtui.client.sse import ServerSentEvent
from pmtui.control import (
    ConflictError,
    ControlError,
    InvalidError,
    NotFoundError,
    TerminalEvent,
    TerminalOutput,
    TerminalSize,
    UnavailableError,
)

T = TypeVar("T")
ERRORS_BY_STATUS: dict[int, type[ControlError]] = {
    400: InvalidError,
    404: NotFoundError,
    409: ConflictError,
    422: InvalidError,
    503: UnavailableError,
}
TOKEN_INVALID = "The token contains characters that a header cannot carry; check PMTUI_TOKEN."
TOKEN_REFUSED = "The manager rejected the token; set PMTUI_TOKEN to the one it was started with."


class UnreachableError(UnavailableError):
    """Nothing listens at the address."""


class ErrorResponse(msgspec.Struct):
    message: str
    data: dict[str, Any] = {}


def error_from_response(status: int, body: bytes) -> ControlError:
    if status == 401:
        return ControlError(TOKEN_REFUSED)
    try:
        answer = msgspec.json.decode(body, type=ErrorResponse)
        message, data = answer.message, answer.data
    except msgspec.DecodeError:
        message = f"The server is not a pmtui manager; it answered with status {status}."
        data = {}
    return ERRORS_BY_STATUS.get(status, ControlError)(message, data)


def decode_terminal_event(event: ServerSentEvent) -> TerminalEvent:
    if event.kind == "size":
        return decode_response(event.data, TerminalSize)
    return decode_response(event.data, TerminalOutput)


def decode_response(answer: bytes, form: type[T]) -> T:
    """Decode a response. Raises UnavailableError if it does not have the expected form."""
    try:
        return msgspec.json.decode(answer, type=form)
    except msgspec.DecodeError as error:
        raise UnavailableError(
            f"The response does not fit this version of pmtui ({error}); use the manager's version."
        ) from None
