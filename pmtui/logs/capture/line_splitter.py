"""From the bytes of one pipe to whole lines."""

from collections.abc import Callable

MAX_LINE_BYTES = 64 << 10
"""Bytes after which a line is cut, and goes on as the next one."""
CUT_MARKER = b" [cut, goes on below]\n"


class LineSplitter:
    """Takes the bytes of one stream of one run and gives whole lines on, as many at once as there are.

    `take(data, mark)` gets them with the newline of each; of a line that is cut it gets a part without one, and the
    mark to end it with. `may_come` says whether there is room for more.
    """

    def __init__(self, take: Callable[[bytes, bytes], None], may_come: Callable[[], bool]) -> None:
        self._on_lines = take
        self._partial = b""
        self.has_room = may_come

    def feed(self, data: bytes) -> bool:
        """Takes it in any case. False: the next should wait until `may_come`."""
        if self._is_too_long(data):
            data = self._cut(self._partial + data)
            self._partial = b""
        if end := data.rfind(b"\n") + 1:
            lines = b"".join((self._partial, memoryview(data)[:end]))
            self._partial = data[end:]
            self._on_lines(lines, b"")
        else:
            self._partial += data
        return self.has_room()

    def feed_eof(self) -> None:
        """There is no more: what is left is a line too."""
        if self._partial:
            self._on_lines(self._partial + b"\n", b"")
            self._partial = b""

    def _is_too_long(self, data: bytes) -> bool:
        """Whether a line in it, or the one it goes on with, has to be cut."""
        begin = -len(self._partial)
        while len(data) - begin > MAX_LINE_BYTES:
            begin = data.rfind(b"\n", max(begin, 0), begin + MAX_LINE_BYTES + 1) + 1
            if not begin:
                return True
        return False

    def _cut(self, data: bytes) -> bytes:
        """Gives on all up to the last line that is too long, and returns what follows."""
        given = begin = 0
        while len(data) - begin > MAX_LINE_BYTES:
            if newline := data.rfind(b"\n", begin, begin + MAX_LINE_BYTES + 1) + 1:
                begin = newline
                continue
            if given < begin:
                self._on_lines(data[given:begin], b"")
            given = begin + cut_at(data[begin : begin + MAX_LINE_BYTES])
            self._on_lines(data[begin:given], CUT_MARKER)
            begin = given
        return data[given:]


def cut_at(data: bytes) -> int:
    """Where to cut what is too long: at its end, or before the UTF-8 character that is split there."""
    for back in range(1, 4):
        if (byte := data[-back]) & 0xC0 != 0x80:
            size = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
            return len(data) - back if size > back else len(data)
    return len(data)
