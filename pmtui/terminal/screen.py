"""What a terminal shows, from the end of its output."""

from pmtui.control import CursorPosition, TerminalScreen


def read_screen(output: bytes, columns: int, rows: int) -> tuple[TerminalScreen, list[str]]:
    """Return the screen after this output, and its lines with colours. Takes a while for much output."""
    from pmtui.terminal.emulator import Emulator  # late: it costs memory and time

    emulator = Emulator(columns, rows)
    emulator.feed(output)
    column, row = emulator.cursor
    cursor = CursorPosition(column=column, row=row)
    screen = TerminalScreen(columns=columns, rows=rows, cursor=cursor, lines=emulator.lines())
    return screen, emulator.ansi_lines()
