"""What the API's refusals mean, for every client of it."""

from typing import TypeVar

import msgspec

from pmtui.control import ConflictError, ControlError, InvalidError, NotFoundError, UnavailableError

T = TypeVar("T")
KINDS: dict[int, type[ControlError]] = {
    400: InvalidError,
    404: NotFoundError,
    409: ConflictError,
    422: InvalidError,
    503: UnavailableError,
}
DENIED = "The manager does not take this token; set PMTUI_TOKEN to the one that it was started with."


class UnreachableError(UnavailableError):
    """Nobody listens at that address."""


class Refusal(msgspec.Struct):
    """The one shape of all errors."""

    message: str


def error_of(status: int, body: bytes) -> ControlError:
    """The error that this answer stands for."""
    if status == 401:
        return ControlError(DENIED)
    try:
        message = msgspec.json.decode(body, type=Refusal).message
    except msgspec.DecodeError:
        message = f"What answers there is no manager: it says {status}."
    return KINDS.get(status, ControlError)(message)


def decoded(answer: bytes, form: type[T]) -> T:
    """The answer as a value. Raises UnavailableError where it is none of this version's."""
    try:
        return msgspec.json.decode(answer, type=form)
    except msgspec.DecodeError as error:
        raise UnavailableError(f"The manager answers in another version's words: {error}.") from None
