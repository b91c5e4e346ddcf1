"""A command in the foreground, with the terminal and the signals of this process."""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
FROM_KEYBOARD = (signal.SIGINT, signal.SIGQUIT)
NOT_FOUND, NOT_EXECUTABLE = 127, 126


class CommandError(Exception):
    """The command cannot be executed."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class ForegroundCommand:
    """Runs one command and passes signals on to it. `on_signal` gets those that arrive while it does not run."""

    def __init__(self, argv: Sequence[str], on_signal: Callable[[signal.Signals], None]) -> None:
        self._argv = argv
        self._on_signal = on_signal
        self._child: subprocess.Popen[bytes] | None = None

    def catch_signals(self) -> None:
        """Handle signals on the running loop from now on."""
        loop = asyncio.get_running_loop()
        for number in FORWARDED:
            loop.add_signal_handler(number, self._handle, number)

    async def run(self, env: Mapping[str, str]) -> int:
        """Return the exit code of the command, 128 + n if signal n ended it. Raises CommandError."""
        try:
            self._child = spawn(self._argv, env)
        except OSError as error:
            is_missing = isinstance(error, FileNotFoundError | NotADirectoryError)
            code = NOT_FOUND if is_missing else NOT_EXECUTABLE
            raise CommandError(f"cannot run {self._argv[0]}: {error.strerror}", code) from None
        try:
            await wait_readable(os.pidfd_open(self._child.pid))
            code = self._child.wait()
        finally:
            self._child = None
        return code if code >= 0 else 128 - code

    def _handle(self, number: signal.Signals) -> None:
        if self._child is None:
            self._on_signal(number)
        elif number not in FROM_KEYBOARD or not is_in_foreground():  # else the terminal has sent it to both
            self._child.send_signal(number)


def spawn(argv: Sequence[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(argv, env=env)


async def wait_readable(descriptor: int) -> None:
    """Return once the descriptor is readable, and close it."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def is_in_foreground() -> bool:
    """Return whether a terminal sends the signals of its keys to this process group."""
    with contextlib.suppress(OSError):
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            return os.tcgetpgrp(terminal) == os.getpgrp()
        finally:
            os.close(terminal)
    return False
