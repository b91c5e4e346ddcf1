"""Escape sequences that matter to a viewer who joins late: modes to keep, and questions not to answer."""

import re

_MODE = re.compile(rb"\x1b\[\?([0-9;]+)([hl])|\x1b([=>])|\x1bc")
_QUESTION = re.compile(
    rb"\x1b\[[>=?]?[0-9;]*(?:c|n)|\x1b\[>[0-9]*q|\x1b\[\??[0-9;]*\$p|\x1b\[\?u|\x1b\[[0-9;]*t|"
    rb"\x1b\][0-9]+(?:;[0-9]+)?;\?(?:\x07|\x1b\\)|\x1bP[+$][qr][^\x1b]*\x1b\\|\x05"
)


ON_BY_DEFAULT = (b"7", b"25")
"""Wrapping, and the cursor."""


class TerminalModes:
    """The modes that output has set, such as the alternate screen and mouse reports."""

    def __init__(self) -> None:
        self._modes: dict[bytes, bytes] = {}

    def feed(self, data: bytes) -> None:
        for found in _MODE.finditer(data):
            if found[0] == b"\x1bc":  # a full reset
                self._modes.clear()
            elif found[3]:
                self._modes[b"keypad"] = found[0]
            else:
                for number in found[1].split(b";"):
                    self._modes.pop(number, None)  # the latest comes last
                    self._modes[number] = b"\x1b[?%s%s" % (number, found[2])

    def replay(self) -> bytes:
        """Return what sets the same modes again."""
        return b"".join(self._modes.values())

    @property
    def has_alternate_screen(self) -> bool:
        return self._modes.get(b"1049", b"").endswith(b"h")

    def undo(self) -> bytes:
        """Return what sets all of them back to their defaults."""
        numbers = [number for number in self._modes if number != b"keypad"]
        defaults = (b"h" if number in ON_BY_DEFAULT else b"l" for number in numbers)
        found = b"".join(b"\x1b[?%s%s" % pair for pair in zip(numbers, defaults, strict=True))
        return found + (b"\x1b>" if b"keypad" in self._modes else b"")


def without_questions(data: bytes) -> bytes:
    """Remove what a terminal would answer: of old output, the answers would be typed into the process now."""
    return _QUESTION.sub(b"", data)
