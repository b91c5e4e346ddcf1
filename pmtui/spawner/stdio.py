"""What a worker gets as stdin, stdout and stderr, and the manager's ends of it."""

import fcntl
import os
import struct
import termios
from collections.abc import Sequence
from typing import Literal

import msgspec

StdinKind = Literal["null", "pipe", "terminal"]
DEFAULT_SIZE = (80, 24)
"""Columns and rows of a terminal that nothing has looked at."""
IUTF8 = 0o40000
"""Input mode: erase whole UTF-8 characters. The termios module does not name it."""


class Stdio(msgspec.Struct, frozen=True):
    """The manager's ends, none of which blocks: of two pipes, or one of a terminal, and where stdin is written.

    `theirs` are the worker's: its terminal, or stdout and stderr, and then stdin if that is a pipe.
    """

    outputs: Sequence[int]
    stdin: int | None
    theirs: Sequence[int]

    def close(self) -> None:
        """Close the manager's ends."""
        for descriptor in (*self.outputs, *([] if self.stdin is None else [self.stdin])):
            os.close(descriptor)


def open_stdio(kind: StdinKind, size: tuple[int, int] = DEFAULT_SIZE) -> Stdio:
    """`size` is that of a terminal. Raises OSError if the machine lacks a resource."""
    opened: list[int] = []
    try:
        if kind == "terminal":
            return _open_terminal(opened, size)
        for _ in range(3 if kind == "pipe" else 2):
            opened += os.pipe()
    except OSError:
        for descriptor in opened:
            os.close(descriptor)
        raise
    outputs, theirs = [opened[0], opened[2]], [opened[1], opened[3]]
    stdin = None
    if kind == "pipe":
        theirs.append(opened[4])
        stdin = opened[5]
    for descriptor in (*outputs, *([stdin] if stdin is not None else [])):
        os.set_blocking(descriptor, False)
    return Stdio(outputs, stdin, theirs)


def _open_terminal(opened: list[int], size: tuple[int, int]) -> Stdio:
    opened += os.openpty()
    ours, theirs = opened
    opened.append(os.dup(ours))
    os.set_blocking(ours, False)
    modes = termios.tcgetattr(theirs)
    modes[0] |= IUTF8
    termios.tcsetattr(theirs, termios.TCSANOW, modes)
    set_size(ours, *size)
    return Stdio([ours], opened[2], [theirs])


def set_size(terminal: int, columns: int, rows: int) -> None:
    """Set the size of the terminal; its foreground processes get SIGWINCH if it has changed."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def get_size(terminal: int) -> tuple[int, int]:
    """Return columns and rows."""
    rows, columns, _, _ = struct.unpack("HHHH", fcntl.ioctl(terminal, termios.TIOCGWINSZ, bytes(8)))
    return columns, rows
