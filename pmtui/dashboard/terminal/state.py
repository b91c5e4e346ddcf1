"""The state of the terminal before the dashboard, and how to restore it."""

import contextlib
import os
import select
import stat
import sys
import termios
import time
from dataclasses import dataclass
from typing import Any, TextIO

from pmtui.spawner.terminal_file import reopen, write_without_waiting

RESET_SEQUENCE = b"".join(
    b"\x1b" + code
    for code in (
        *(b"[?1000l", b"[?1003l", b"[?1015l", b"[?1006l", b"[?1016l"),  # mouse
        *(b"[?2004l", b"[?1004l", b"[?2048l", b"[<u"),  # paste, focus, resize, keyboard
        *(b"[23;2t", b"[?1049l", b"[?25h", b"[?7h", b"[0m"),  # main screen, cursor, wrapping, colours
    )
)
PRINT_TIMEOUT = 3.0
"""Seconds that a terminal has to take a line."""
RETRY_DELAY = 0.01


@dataclass(frozen=True)
class Terminal:
    """The terminal of `stdin` and `stderr`; `attributes` come from termios, None if it is no terminal."""

    attributes: list[Any] | None
    keyboard: int = 0
    screen: int = 2

    @classmethod
    def current(cls) -> "Terminal":
        try:
            return cls(termios.tcgetattr(0))
        except termios.error:
            return cls(None)

    def takes_output(self) -> bool:
        """Return whether the terminal is open and could be written to without waiting."""
        return is_writable(self.screen)

    def restore(self) -> None:
        """Restore the terminal without waiting for one that is closed or does not read."""
        with contextlib.suppress(OSError, termios.error):
            if self.attributes is not None:
                termios.tcsetattr(self.keyboard, termios.TCSANOW, self.attributes)
            write_without_waiting(self.screen, RESET_SEQUENCE)

    def flush(self) -> None:
        """Write what is still buffered for stdout and stderr, or drop it."""
        for descriptor, file in ((1, sys.stdout), (2, sys.stderr)):
            flush_without_waiting(descriptor, file)

    def print_line(self, line: str) -> None:
        """Write a line to stdout after the dashboard has closed, unless the terminal is gone or does not read."""
        data = f"{line}\n".encode()
        deadline = time.monotonic() + PRINT_TIMEOUT
        with contextlib.suppress(OSError):
            while data and (left := deadline - time.monotonic()) > 0 and is_writable(1, left):
                try:
                    data = data[write_without_waiting(1, data) :]
                except BlockingIOError:  # there is room for less than a line break
                    time.sleep(RETRY_DELAY)


def is_writable(descriptor: int, within: float = 0.0) -> bool:
    """Return whether something open can be written to without waiting, now or in so many seconds."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return poll.poll(within * 1000) == [(descriptor, select.POLLOUT)]


def flush_without_waiting(descriptor: int, file: TextIO) -> None:
    """Write what is buffered without waiting, and drop the rest.

    Python retries at exit: it would wait for the terminal, or exit with code 120.
    """
    shared = os.dup(descriptor)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            own = reopen(descriptor)
            os.dup2(own, descriptor)
            os.close(own)
        file.flush()
        os.dup2(shared, descriptor)
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)
    finally:
        os.close(shared)
