"""What a terminal prints and shows."""

from typing import Annotated

import msgspec

from pmtui.control.models import Model

MAX_TERMINAL_SIZE = 1000


class TerminalOutput(Model, frozen=True, kw_only=True):
    """Bytes that a terminal has printed; `first` if the screen was empty before, since the run is a new one."""

    run: int
    data: bytes
    first: bool = False


class TerminalSize(Model, frozen=True, kw_only=True):
    """The size of a terminal in cells."""

    columns: Annotated[int, msgspec.Meta(ge=1, le=MAX_TERMINAL_SIZE)]
    rows: Annotated[int, msgspec.Meta(ge=1, le=MAX_TERMINAL_SIZE)]


TerminalEvent = TerminalOutput | TerminalSize


class CursorPosition(Model, frozen=True, kw_only=True):
    """The cell of the cursor, from 0."""

    column: int
    row: int


class TerminalScreen(Model, frozen=True, kw_only=True):
    """What a terminal shows, as plain text."""

    columns: int
    rows: int
    cursor: CursorPosition
    lines: list[str]
