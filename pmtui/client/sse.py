"""Parse server-sent events from a stream of bytes."""

import re
from typing import NamedTuple

LAST_EVENT_ID_HEADER = "Last-Event-ID"
_NUMBER = re.compile(r"(^|[=:])-?[0-9]+(?=,|$)")


class ServerSentEvent(NamedTuple):
    """One event. `kind` is `message` by default; `data` is JSON."""

    kind: str
    data: bytes


class EventStreamParser:
    """Parse bytes as they arrive. `last_event_id` is where to resume."""

    def __init__(self, last_event_id: str = "") -> None:
        self.last_event_id = last_event_id
        self._buffer = b""

    def resume(self, *, elsewhere: bool = False) -> None:
        """Begin a new stream after the last event. With `elsewhere`, it is of a new manager, which counts from 0."""
        self._buffer = b""
        if elsewhere:
            self.last_event_id = _NUMBER.sub(r"\g<1>0", self.last_event_id)

    def parse(self, data: bytes) -> list[ServerSentEvent]:
        *blocks, self._buffer = (self._buffer + data).split(b"\n\n")
        return [told for block in blocks if (told := self._parse_block(block))]

    def _parse_block(self, block: bytes) -> ServerSentEvent | None:
        kind, lines = "message", []
        for line in block.split(b"\n"):
            name, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if name == b"data":
                lines.append(value)
            elif name == b"id":
                self.last_event_id = value.decode()
            elif name == b"event":
                kind = value.decode()
        return ServerSentEvent(kind, b"\n".join(lines)) if lines else None
