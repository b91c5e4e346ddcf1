"""Splits the bytes of one pipe into whole lines."""

from collections.abc import Callable

MAX_LINE_BYTES = 64 << 10
"""Bytes after which a line is cut and continued as the next one."""


class LineSplitter:
    """Takes the bytes of one stream of one run, and passes on whole lines, as many at once as there are.

    `on_lines(data, is_cut)` gets lines with their newlines; or, if `is_cut`, a part of a line that is too long, without
    one. `on_partial` gets the unfinished line after each read that leaves one.
    """

    def __init__(
        self,
        on_lines: Callable[[bytes, bool], None],
        has_room: Callable[[], bool],
        on_partial: Callable[[bytes], None] = lambda data: None,
    ) -> None:
        self._on_lines = on_lines
        self._on_partial = on_partial
        self._partial = b""
        self.has_room = has_room

    def feed(self, data: bytes) -> bool:
        if self._is_too_long(data):
            data = self._cut(self._partial + data)
            self._partial = b""
        if end := data.rfind(b"\n") + 1:
            lines = b"".join((self._partial, memoryview(data)[:end]))
            self._partial = data[end:]
            self._on_lines(lines, False)
        else:
            self._partial += data
        if self._partial:
            self._on_partial(self._partial)
        return self.has_room()

    def feed_eof(self) -> None:
        """Pass on an unfinished last line."""
        if self._partial:
            self._on_lines(self._partial + b"\n", False)
            self._partial = b""

    def _is_too_long(self, data: bytes) -> bool:
        """Return whether a line in `data`, or the one it continues, has to be cut."""
        begin = -len(self._partial)
        while len(data) - begin > MAX_LINE_BYTES:
            begin = data.rfind(b"\n", max(begin, 0), begin + MAX_LINE_BYTES + 1) + 1
            if not begin:
                return True
        return False

    def _cut(self, data: bytes) -> bytes:
        """Pass on everything up to the last line that is too long, and return the rest."""
        done = begin = 0
        while len(data) - begin > MAX_LINE_BYTES:
            if newline := data.rfind(b"\n", begin, begin + MAX_LINE_BYTES + 1) + 1:
                begin = newline
                continue
            if done < begin:
                self._on_lines(data[done:begin], False)
            done = begin + cut_at(data[begin : begin + MAX_LINE_BYTES])
            self._on_lines(data[begin:done], True)
            begin = done
        return data[done:]


def cut_at(data: bytes) -> int:
    """Return the end of the data, or the beginning of a UTF-8 character that is split there."""
    for back in range(1, 4):
        if (byte := data[-back]) & 0xC0 != 0x80:
            size = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
            return len(data) - back if size > back else len(data)
    return len(data)
