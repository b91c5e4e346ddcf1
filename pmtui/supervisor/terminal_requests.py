"""What fronts ask of the stdin and the terminal of a process."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress

from pmtui.control import MAX_TERMINAL_SIZE, ConflictError, InvalidError, TerminalEvent, TerminalScreen
from pmtui.supervisor.process import Process
from pmtui.terminal.screen import read_screen

REDRAW_DELAY = 0.1
"""Seconds that a program has to draw its screen again."""


async def send_input(process: Process, data: bytes, end: bool, viewer: str | None, is_answer: bool) -> None:
    """Raises ConflictError if there is nothing to write to, or if not all was read in time."""
    if is_answer and viewer != process.terminal.owner:
        return
    stdin = process.input
    if not process.config.tty and process.config.stdin is not True:
        hint = "set tty to true for a terminal, or stdin to true for a pipe"
        raise ConflictError(f"Process '{process.id}' has no stdin that can be written to; {hint}.", {"written": 0})
    if stdin is None:
        raise ConflictError(f"Process '{process.id}' is not running.", {"written": 0})
    if viewer and not is_answer:
        process.terminal.typed(viewer)
    written = await stdin.write(data)
    if written < len(data):
        why = "does not read its stdin" if stdin.is_open else "has closed its stdin"
        text = f"Process '{process.id}' {why}: {written} of {len(data)} bytes were written."
        raise ConflictError(text, {"written": written})
    if end:
        await stdin.end()


def resize(process: Process, columns: int, rows: int, viewer: str | None) -> None:
    if not (1 <= columns <= MAX_TERMINAL_SIZE and 1 <= rows <= MAX_TERMINAL_SIZE):
        raise InvalidError(f"columns and rows must be from 1 to {MAX_TERMINAL_SIZE}.")
    require_terminal(process)
    process.terminal.resize(columns, rows, viewer)


def view(process: Process, viewer: str) -> AsyncGenerator[TerminalEvent, None]:
    require_terminal(process)
    return process.terminal.view(viewer)


async def screen(process: Process) -> tuple[TerminalScreen, Sequence[str]]:
    """Return what the terminal shows, also after the end of the run."""
    require_terminal(process)
    terminal = process.terminal
    if terminal.feed.is_truncated and process.input:
        with suppress(OSError):
            os.killpg(process.input.foreground_group, signal.SIGWINCH)
        await asyncio.sleep(REDRAW_DELAY)
    return await asyncio.to_thread(read_screen, terminal.feed.tail())


def require_terminal(process: Process) -> None:
    """Raises ConflictError if the process has no terminal."""
    if not process.config.tty:
        raise ConflictError(f"Process '{process.id}' has no terminal; set tty to true.")
