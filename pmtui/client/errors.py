"""What the API's refusals mean, for every client of it."""

from typing import TypeVar

import msgspec

from pmtui.control import ConflictError, ControlError, InvalidError, NotFoundError, UnavailableError

T = TypeVar("T")
ERRORS_BY_STATUS: dict[int, type[ControlError]] = {
    400: InvalidError,
    404: NotFoundError,
    409: ConflictError,
    422: InvalidError,
    503: UnavailableError,
}
TOKEN_REFUSED = "The manager does not take this token; set PMTUI_TOKEN to the one that it was started with."


class UnreachableError(UnavailableError):
    """Nobody listens at that address."""


class ErrorResponse(msgspec.Struct):
    """The one shape of all errors."""

    message: str


def error_from_response(status: int, body: bytes) -> ControlError:
    """The error that this answer stands for."""
    if status == 401:
        return ControlError(TOKEN_REFUSED)
    try:
        message = msgspec.json.decode(body, type=ErrorResponse).message
    except msgspec.DecodeError:
        message = f"What answers there is no manager: it says {status}."
    return ERRORS_BY_STATUS.get(status, ControlError)(message)


def decode_response(answer: bytes, form: type[T]) -> T:
    """The answer as a value. Raises UnavailableError where it is none of this version's."""
    try:
        return msgspec.json.decode(answer, type=form)
    except msgspec.DecodeError as error:
        raise UnavailableError(f"The manager answers in another version's words: {error}.") from None
