"""The one shape in which every error is answered."""

import msgspec


def error_body(status: int, message: str) -> bytes:
    """`{"status": 404, "message": "Process 'x' not found.", "data": {}}`."""
    return msgspec.json.encode({"status": status, "message": message, "data": {}})
