"""The JSON body of every error."""

from typing import Any

import msgspec


class ErrorAnswer(msgspec.Struct):
    """`{"status": 404, "message": "Process 'x' not found.", "data": {}}`."""

    status: int
    message: str
    data: dict[str, Any] = {}


def error_body(status: int, message: str, data: dict[str, Any] | None = None) -> bytes:
    return msgspec.json.encode(ErrorAnswer(status, message, data or {}))
