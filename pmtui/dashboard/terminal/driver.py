"""Textual's terminal driver, hardened against what terminals do.

In Textual 8.2.8 a byte from the keyboard that is not UTF-8 ends the application, a closed terminal makes it spin at
133 % of a core, SIGCONT after SIGSTOP starts a second set of threads, and SIGTSTP or SIGCONT during a write deadlocks
on the lock that the interrupted write holds.
"""

import asyncio
import contextlib
import os
import selectors
import signal
from collections.abc import Callable
from typing import IO, Any, cast

from textual import constants
from textual.app import App
from textual.drivers.linux_driver import (
    KITTY_DISAMBIGUATE_ESCAPE_CODES,
    KITTY_REPORT_ALL_KEYS,
    KITTY_REPORT_ASSOCIATED_TEXT,
    LinuxDriver,
)

from pmtui.dashboard.terminal.typed import InputParser, OnInput, Redirected
from pmtui.terminal.keyboard import KeyboardParser, Leave, Own, as_legacy_keys

KITTY_FLAGS = KITTY_DISAMBIGUATE_ESCAPE_CODES | KITTY_REPORT_ALL_KEYS | KITTY_REPORT_ASSOCIATED_TEXT
"""The flags of the keyboard protocol that Textual sets."""
PUSH_TITLE, POP_TITLE = "\x1b[22;2t", "\x1b[23;2t"
ESCAPE_TIMEOUT = 0.1
"""Seconds after which a lone escape byte counts as the Esc key."""


class TerminalDriver(LinuxDriver):
    """Accept any byte as input, and stop quietly when the terminal is closed."""

    def __init__(self, app: App[Any], **options: Any) -> None:
        self._loop = asyncio.get_running_loop()
        self._title = ""
        super().__init__(app, **options)
        self._file = cast("Any", LossyFile(cast("IO[str]", self._file)))
        self._on_input: OnInput | None = None
        self._has_own_modes = True

    def _get_terminal_size(self) -> tuple[int, int]:
        """Ask the terminal: COLUMNS and LINES exported by a shell do not follow a resize."""
        with contextlib.suppress(OSError):
            width, height = os.get_terminal_size(self.fileno)
            if width and height:
                return width, height
        return super()._get_terminal_size()

    def redirect_input(self, on_input: OnInput) -> None:
        """Make the app call `on_input` with all that is typed until the key that leaves is pressed."""
        self._on_input = on_input
        self._set_own_modes(on=False)

    def restore_input(self) -> None:
        self._on_input = None
        self._set_own_modes(on=True)

    def write(self, data: str) -> None:
        """Write, unless the thread that does it has ended: its queue would fill up, and the dashboard wait for ever."""
        if self._writer_thread is not None and self._writer_thread.is_alive():
            super().write(data)

    def start_application_mode(self) -> None:
        super().start_application_mode()  # type: ignore[no-untyped-call]
        self._has_own_modes = True
        self.write(PUSH_TITLE)
        if self._on_input:
            self._set_own_modes(on=False)

    def _set_own_modes(self, *, on: bool) -> None:
        """Switch the modes in which the terminal sends keys and the mouse otherwise than programs expect."""
        if on == self._has_own_modes:
            return
        self._has_own_modes = on
        if not constants.DISABLE_KITTY_KEY:
            self.write(f"\x1b[>{KITTY_FLAGS}u" if on else "\x1b[<u")
        if self._mouse_pixels:
            self.write("\x1b[?1016h" if on else "\x1b[?1016l\x1b[?1006h")
        self.flush()

    def _redirect(self, keys: KeyboardParser, data: bytes) -> bytes:
        """Pass on what was typed; return what is for the dashboard itself."""
        on_input = self._on_input
        inputs = keys.feed(as_legacy_keys(data)) if data else keys.flush()
        own = b"".join(event.data for event in inputs if isinstance(event, Own))
        if inputs and isinstance(inputs[-1], Leave):
            self._on_input = None
            own += inputs[-1].rest
        if on_input and inputs:
            self.process_message(Redirected(on_input, inputs))
        return own

    def run_input_thread(self) -> None:
        parser = InputParser(self._debug)
        keys = KeyboardParser()
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if selector.select(ESCAPE_TIMEOUT):
                    data = self._read()
                    if not data:
                        if not self.exit_event.is_set():
                            os.kill(os.getpid(), signal.SIGHUP)
                        return
                    if self._on_input:
                        data = self._redirect(keys, parser.take_unfinished() + data)
                    for message in parser.feed(data):
                        self.process_message(message)
                elif self._on_input:
                    self._redirect(keys, b"")
                for message in parser.tick():
                    self.process_message(message)

    def stop_application_mode(self) -> None:
        self.write(POP_TITLE)
        self._title = ""
        super().stop_application_mode()

    def set_title(self, title: str) -> None:
        """Set the title of the terminal; the one it had comes back in the end."""
        if title != self._title:
            self._title = title
            self.write(f"\x1b]2;{title}\x07")
            self.flush()

    def _read(self) -> bytes:
        try:
            return os.read(self.fileno, 4096)
        except OSError:
            return b""

    def _sigtstp_application(self, *_: object) -> None:
        self._call_soon(super()._sigtstp_application)

    def _sigcont_application(self, *_: object) -> None:
        self._call_soon(self._on_continue)

    def _call_soon(self, act: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(act)

    def _on_continue(self) -> None:
        if not self._app.is_running:  # it is ending: what is started now would not be stopped
            return
        if not os.isatty(self.fileno):
            if self._must_signal_resume:  # suspended, so no thread reads that the terminal is closed
                os.kill(os.getpid(), signal.SIGHUP)
            return
        if not self._must_signal_resume:  # stopped by SIGSTOP, which sends no notice
            self.suspend_application_mode()
            self._must_signal_resume = True
        super()._sigcont_application()


class LossyFile:
    """A file that drops what its reader does not take any more."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._file.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._file.flush()

    def fileno(self) -> int:
        return self._file.fileno()

    def isatty(self) -> bool:
        return self._file.isatty()
