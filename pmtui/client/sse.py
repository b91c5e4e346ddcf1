"""Server-sent events: what a stream of bytes tells."""

import re
from typing import NamedTuple

HEADER = "Last-Event-ID"
_NUMBER = re.compile(r"(^|=)-?[0-9]+(?=,|$)")


class Told(NamedTuple):
    """One event; `kind` is `message` where the server says nothing else. `data` is JSON."""

    kind: str
    data: bytes


class Events:
    """Takes bytes as they come. `place` is where to go on after all that was given."""

    def __init__(self, place: str = "") -> None:
        self.place = place
        self._rest = b""

    def resume(self, *, elsewhere: bool = False) -> None:
        """A new stream begins behind what was taken; `elsewhere`: of another manager, whose numbers begin anew."""
        self._rest = b""
        if elsewhere:
            self.place = _NUMBER.sub(r"\g<1>0", self.place)

    def feed(self, data: bytes) -> list[Told]:
        """The events that are complete now."""
        *blocks, self._rest = (self._rest + data).split(b"\n\n")
        return [told for block in blocks if (told := self._read(block))]

    def _read(self, block: bytes) -> Told | None:
        kind, lines = "message", []
        for line in block.split(b"\n"):
            name, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if name == b"data":
                lines.append(value)
            elif name == b"id":
                self.place = value.decode()
            elif name == b"event":
                kind = value.decode()
        return Told(kind, b"\n".join(lines)) if lines else None
