"""Format log lines for a terminal, a pipe or a program that reads JSON, with those that are not finished yet."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

import msgspec

from pmtui.cli.output import Output, fit
from pmtui.control import LogLine, RawLogLine, Stream
from pmtui.text.sanitize import keep_colors, last_state

_CLEAR_ROW = "\r\x1b[K"
Key = tuple[str, Stream]


class LineFormat(Protocol):
    """Formats lines. It is called with everything that is written, in order."""

    def format(self, lines: Iterable[LogLine]) -> bytes: ...

    def finish(self) -> bytes:
        """Return what ends the output."""


class JsonLines:
    """One object per line. Unfinished lines have `"partial": true`."""

    def format(self, lines: Iterable[LogLine]) -> bytes:
        return b"".join(msgspec.json.encode(line) + b"\n" for line in lines)

    def finish(self) -> bytes:
        return b""


class RawLines:
    """The bytes as they were written. An unfinished line is continued, or redrawn as a progress bar redraws itself."""

    def __init__(self, has_times: bool, has_names: bool) -> None:
        self._has_times, self._has_names = has_times, has_names
        self._open: tuple[str, Stream, int] | None = None  # whose line is at the end of the output
        self._written = b""  # of that line

    def format(self, lines: Iterable[LogLine]) -> bytes:
        return b"".join(self._format(line) for line in lines if isinstance(line, RawLogLine))

    def finish(self) -> bytes:
        return b"\n" if self._open else b""

    def _format(self, line: RawLogLine) -> bytes:
        key = line.id, line.stream, line.run
        text = self._rest(line.data) if self._open == key else self.finish() + self._head(line) + line.data
        is_open = line.partial or line.cut
        self._open = key if is_open else None
        self._written = line.data if line.partial else b""
        return text if is_open else text + b"\n"

    def _rest(self, data: bytes) -> bytes:
        if data.startswith(self._written):
            return data[len(self._written) :]
        return b"\r" + last_state(data)

    def _head(self, line: RawLogLine) -> bytes:
        time = f"{line.time} " if self._has_times else ""
        name = f"[{line.id}] " if self._has_names else ""
        return f"{time}{name}".encode()


class RowHead:
    """Begins each line on a terminal: local time, id in its color, and a mark for stderr. Longer ids are cut."""

    def __init__(self, output: Output, name_width: int) -> None:
        self._output = output
        self._name_width = name_width

    def format(self, time: str, process_id: str, stream: str | None) -> str:
        name = self.name(process_id)
        name = self._output.name(process_id, name) + "  " if name else ""
        mark = self._output.paint(self.mark(stream), "warn") if stream == "stderr" else self.mark(stream)
        return f"{self._output.paint(time, 'dim')} {name}{mark}"

    def format_plain(self, time: str, process_id: str, stream: str | None) -> str:
        name = self.name(process_id)
        return f"{time} {name + '  ' if name else ''}{self.mark(stream)}"

    def name(self, process_id: str) -> str:
        return process_id[: self._name_width].ljust(self._name_width) if self._name_width else ""

    def mark(self, stream: str | None) -> str:
        return self._output.glyphs.stderr if stream == "stderr" else " "


class TerminalLines:
    """Local time, id, a mark for stderr, and the text without harmful control characters.

    The newest unfinished line is the last row, which later output replaces.
    """

    def __init__(self, output: Output, width: int) -> None:
        self._output = output
        self._head = RowHead(output, width)
        self._partials: dict[Key, RawLogLine] = {}
        self._has_row = False

    def format(self, lines: Iterable[LogLine]) -> bytes:
        text = _CLEAR_ROW if self._has_row else ""
        for line in lines:
            if not isinstance(line, RawLogLine):
                continue
            self._partials.pop((line.id, line.stream), None)
            if line.partial:
                self._partials[line.id, line.stream] = line
            else:
                text += self._row(line) + "\n"
        self._has_row = bool(self._partials) and self._output.can_move
        if self._has_row:
            text += self._partial_row(next(reversed(self._partials.values())))
        return text.encode(errors="replace")

    def finish(self) -> bytes:
        return b"\n" if self._has_row else b""

    def _row(self, line: RawLogLine) -> str:
        text = keep_colors(line.data) if self._output.has_colors else line.text
        if "\x1b" in text:
            text += "\x1b[0m"
        return self._head.format(local_time(line.time), line.id, line.stream) + text

    def _partial_row(self, line: RawLogLine) -> str:
        head = self._head.format_plain(local_time(line.time), line.id, line.stream)
        width = self._output.width and self._output.width - 1  # in the last column, terminals wrap
        return self._output.paint(fit(head + line.text, width, self._output.glyphs.ellipsis), "dim")


def local_time(time: str) -> str:
    """Return the local time of day; blanks if the line has no time."""
    if not time:
        return " " * 12
    return clock_time(datetime.fromisoformat(time))


def clock_time(moment: datetime) -> str:
    moment = moment.astimezone()
    return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03}"
