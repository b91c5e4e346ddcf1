"""A terminal emulator that draws nothing itself.

Why bittty: on 80 and 160 columns it shows what tmux shows for vim, less, top, Python and Textual applications; pyte has
no alternate screen, and takes four times as long.
"""

from codecs import getincrementaldecoder
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from bittty import Board
from bittty.devices.modes import MouseProtocol

Run = tuple[str, Any]
"""Text and its style, as the library describes it."""


class _Answers:
    """What the emulator sends back to the program."""

    closed = False

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: str) -> int:
        self.data += data.encode("utf-8", "replace")
        return len(data)

    def write_bytes(self, data: bytes) -> int:
        self.data += data
        return len(data)

    def flush(self) -> None: ...

    def resize(self, rows: int, cols: int) -> None: ...

    def configure_line(self, line: object) -> None: ...

    async def read_bytes_async(self, size: int) -> bytes:
        return b""

    def close(self) -> None: ...


class Emulator:
    """Feed it output; read rows, the cursor, modes, and answers to questions that the program asks its terminal."""

    def __init__(self, columns: int, rows: int) -> None:
        self._answers = _Answers()
        self._board = Board(width=columns, height=rows)
        self._board.host.attach(self._answers)
        self._decode = getincrementaldecoder("utf-8")("replace").decode
        self._seen = 0

    def feed(self, data: bytes) -> None:
        self._board.parser.feed(self._decode(data))

    def resize(self, columns: int, rows: int) -> None:
        self._board.resize_from_frontend(columns, rows)

    @property
    def size(self) -> tuple[int, int]:
        return self._board.width, self._board.height

    def take_answers(self) -> bytes:
        """Return what the program is to read, such as the position of the cursor."""
        data, self._answers.data = self._answers.data, b""
        return data

    @property
    def has_answers(self) -> bool:
        return bool(self._answers.data)

    # the screen

    @property
    def cursor(self) -> tuple[int, int]:
        """Column and row, from 0."""
        return self._board.cursor.display_x, self._board.cursor.y

    @property
    def is_cursor_visible(self) -> bool:
        return bool(self._board.modes.cursor_visible)

    def changed_rows(self) -> Sequence[int]:
        """Return the rows that have changed since the last call."""
        page = self._board.display.page
        rows: Sequence[int] = page.dirty_rows(self._seen)
        self._seen = page.observe()
        return rows

    def runs(self, row: int) -> Iterator[Run]:
        """Yield the pieces of a row that have one style each."""
        page = self._board.display.page
        cells = page.grid[row] if row < len(page.grid) else []
        for style, run in groupby(cells, key=lambda cell: cell[0]):
            yield "".join(text for _, text in run), style

    def lines(self) -> list[str]:
        page = self._board.display.page
        return [page.get_line_text(row).rstrip() for row in range(page.height)]

    def ansi_lines(self) -> list[str]:
        page = self._board.display.page
        return [page.get_line(row, width=page.width).rstrip() for row in range(page.height)]

    @property
    def has_alternate_screen(self) -> bool:
        """Return whether a full-screen program draws, which does not draw again what it believes to be there."""
        return bool(self._board.blitter.in_alt_screen)

    # what the program wants to be told

    @property
    def wants_paste_marks(self) -> bool:
        return self._is_set("bracketed_paste")

    @property
    def wants_focus(self) -> bool:
        return self._is_set("focus_reporting")

    @property
    def wants_mouse(self) -> bool:
        return self._board.mouse.protocol is not MouseProtocol.OFF

    @property
    def has_application_cursor(self) -> bool:
        return self._is_set("cursor_application_mode")

    def report_mouse(self, column: int, row: int, button: int, kind: str, modifiers: set[str]) -> bytes:
        """Return the report of a mouse event, as the program wants it; b"" if it does not."""
        before = self.take_answers()
        self._board.input_mouse(column + 1, row + 1, button, kind, modifiers)
        report, self._answers.data = self._answers.data, before
        return report

    def _is_set(self, mode: str) -> bool:
        return bool(getattr(self._board.modes, mode))  # the library makes these attributes from a table
