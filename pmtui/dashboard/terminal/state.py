"""The terminal as it was before the dashboard, and how it gets back there."""

import contextlib
import os
import sys
import termios
from dataclasses import dataclass
from typing import Any, TextIO

RESET_SEQUENCE = b"".join(
    b"\x1b" + code
    for code in (
        *(b"[?1000l", b"[?1003l", b"[?1015l", b"[?1006l", b"[?1016l"),  # mouse
        *(b"[?2004l", b"[?1004l", b"[?2048l", b"[<u"),  # paste, focus, resize, keyboard
        *(b"[?1049l", b"[?25h", b"[?7h", b"[0m"),  # main screen, cursor, wrapping, colours
    )
)


@dataclass(frozen=True)
class Terminal:
    """What `stdin` and `stderr` are connected to; `attributes` are those of termios, None where it is no terminal."""

    attributes: list[Any] | None
    keyboard: int = 0
    screen: int = 2

    @classmethod
    def current(cls) -> "Terminal":
        try:
            return cls(termios.tcgetattr(0))
        except termios.error:
            return cls(None)

    def restore(self) -> None:
        """Leaves it as it was found. A terminal that has gone, or does not read, is not waited for."""
        with contextlib.suppress(OSError, termios.error):
            if self.attributes is not None:
                termios.tcsetattr(self.keyboard, termios.TCSANOW, self.attributes)
            write_nonblocking(self.screen, RESET_SEQUENCE)

    def print_line(self, line: str) -> None:
        """Writes a line to stdout, once the dashboard is gone; a terminal that has gone, too, is not told."""
        with contextlib.suppress(OSError):
            write_nonblocking(1, f"{line}\n".encode())
        for descriptor, file in ((1, sys.stdout), (2, sys.stderr)):
            flush_nonblocking(descriptor, file)


def flush_nonblocking(descriptor: int, file: TextIO) -> None:
    """Writes what is still buffered without waiting; what is not taken goes nowhere: Python, which tries it again when
    it ends, would wait for the terminal, or give the exit code 120.
    """
    try:
        blocking = os.get_blocking(descriptor)
        os.set_blocking(descriptor, False)
        try:
            file.flush()
        finally:
            os.set_blocking(descriptor, blocking)
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)


def write_nonblocking(descriptor: int, data: bytes) -> None:
    """Writes what is taken without waiting; raises OSError."""
    blocking = os.get_blocking(descriptor)
    os.set_blocking(descriptor, False)
    try:
        os.write(descriptor, data)
    finally:
        os.set_blocking(descriptor, blocking)
