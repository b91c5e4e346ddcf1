"""The stdin of a run: written without ever waiting for a process that does not read."""

import asyncio
import os
import termios

from pmtui.spawner.stdio import get_size, set_size

WRITE_TIMEOUT = 2.0
"""Seconds in which a process has to take what is written."""
END_OF_TRANSMISSION = b"\x04"


class ProcessInput:
    """Owns the descriptor until `close`."""

    def __init__(self, descriptor: int, *, is_terminal: bool) -> None:
        self.is_terminal = is_terminal
        self.is_open = True
        self._descriptor = descriptor
        self._turn = asyncio.Lock()

    async def write(self, data: bytes) -> int:
        """Return how many bytes were taken within WRITE_TIMEOUT; less than all if the process does not read."""
        written = 0
        try:
            async with asyncio.timeout(WRITE_TIMEOUT), self._turn:
                while self.is_open and written < len(data):
                    written += await self._write_some(data[written:])
        except TimeoutError:
            pass
        except OSError:  # the process has closed its end
            self.is_open = False
        return written

    async def end(self) -> bool:
        """Let the process read the end of its input: close a pipe, or type what means the end on a terminal."""
        if self.is_terminal:
            character = termios.tcgetattr(self._descriptor)[6][termios.VEOF]
            return await self.write(character if isinstance(character, bytes) else END_OF_TRANSMISSION) > 0
        async with self._turn:
            self.close()
        return True

    def resize(self, columns: int, rows: int) -> None:
        set_size(self._descriptor, columns, rows)

    @property
    def size(self) -> tuple[int, int]:
        return get_size(self._descriptor)

    @property
    def foreground_group(self) -> int:
        """The process group that reads the terminal, which gets the keys and SIGWINCH."""
        return os.tcgetpgrp(self._descriptor)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1
        self.is_open = False

    async def _write_some(self, data: bytes) -> int:
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:
            await self._writable()
            return 0

    async def _writable(self) -> None:
        loop, writable = asyncio.get_running_loop(), asyncio.Event()
        descriptor = os.dup(self._descriptor)  # it may be closed while this writes, and its number reused
        try:
            loop.add_writer(descriptor, writable.set)
            await writable.wait()
        finally:
            loop.remove_writer(descriptor)
            os.close(descriptor)
