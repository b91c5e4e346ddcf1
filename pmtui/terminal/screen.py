"""What a terminal shows, from the end of its output."""

from collections.abc import Sequence

from pmtui.control import CursorPosition, TerminalScreen, TerminalSize


def read_screen(output: Sequence[bytes | TerminalSize]) -> tuple[TerminalScreen, list[str]]:
    """Return the screen after this output, and its lines with colours. Takes a while for much output.

    A size is that of what follows; the output begins with one.
    """
    from pmtui.terminal.emulator import Emulator  # late: it costs memory and time

    emulator = Emulator(1, 1)
    for item in output:
        if isinstance(item, TerminalSize):
            emulator.resize(item.columns, item.rows)
        else:
            emulator.feed(item)
    (columns, rows), (column, row) = emulator.size, emulator.cursor
    cursor = CursorPosition(column=column, row=row)
    screen = TerminalScreen(columns=columns, rows=rows, cursor=cursor, lines=emulator.lines())
    return screen, emulator.ansi_lines()
