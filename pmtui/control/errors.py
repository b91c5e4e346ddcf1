"""Why an operation failed."""


class ControlError(Exception):
    """An operation failed; the message says why and what to do. `data` is for programs."""

    def __init__(self, message: str, data: dict[str, int] | None = None) -> None:
        super().__init__(message)
        self.data = data or {}


class NotFoundError(ControlError):
    """No process has that id."""


class ConflictError(ControlError):
    """The state of the process does not allow the operation, or it failed while a caller waited."""


class InvalidError(ControlError):
    """A parameter is invalid, such as an unknown signal or a broken pattern."""


class RejectedError(InvalidError):
    """A process that was to be added has errors; the message lists all of them."""


class UnavailableError(ControlError):
    """The manager is shutting down, or cannot be reached."""
