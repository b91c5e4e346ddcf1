"""The terminal of a process in a terminal of the user, without an emulator: bytes in both directions."""

import contextlib
import os
import queue
import select
import signal
import socket
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from uuid import uuid4

from pmtui.client.errors import decode_terminal_event
from pmtui.client.http_client import HttpClient, process_path
from pmtui.client.sse import EventStreamParser
from pmtui.control import IDLE_STATES, ConflictError, Snapshot, Status, TerminalOutput
from pmtui.runtime.terminal_guard import guarded_terminal
from pmtui.spawner.terminal_file import write_without_waiting
from pmtui.terminal.keyboard import LEAVE_KEY, KeyboardParser, Leave
from pmtui.terminal.sequences import TerminalModes

POLL_INTERVAL = 0.5
"""Seconds between questions whether the process has ended for good."""
MAX_INPUT_BYTES = 32 << 10
RESET = b"\x1b[<u\x1b7\x1b[r\x1b8\x1b(B\x1b[0m\x1b[0 q"
"""The usual keys, no scroll region, letters, plain text and cursor."""


class TerminalConnection:
    """Runs until the key that leaves is pressed, or the process will not be started again."""

    def __init__(self, process_id: str, open_client: Callable[[], HttpClient]) -> None:
        self._process_id, self._open_client = process_id, open_client
        self._viewer = uuid4().hex
        self._modes = TerminalModes()
        self._input: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._is_viewing, self._has_resized = threading.Event(), threading.Event()
        self._wake, self._woken = socket.socketpair()
        self._end: str | None = None
        self._failed = False

    def run(self) -> int:
        """Return the exit code: 1 if the process has failed or the manager is gone."""
        before = termios.tcgetattr(0)
        sys.stderr.write(f"connected to {self._process_id}; Ctrl-] returns\n")
        with guarded_terminal(0), self._signals():
            tty.setraw(0, termios.TCSANOW)
            try:
                for work in (self._show, self._send, self._watch):
                    threading.Thread(target=self._run_thread, args=(work,), daemon=True).start()
                self._read_keys()
            finally:
                termios.tcsetattr(0, termios.TCSANOW, before)
                with contextlib.suppress(OSError):
                    write_without_waiting(1, self._modes.undo() + RESET)
        sys.stderr.write(f"\n{self._end or f'disconnected from {self._process_id}'}\n")
        return int(self._failed)

    # the keyboard, in the main thread

    def _read_keys(self) -> None:
        parser = KeyboardParser()
        while self._end is None:
            ready, _, _ = select.select([0, self._wake.fileno()], [], [])
            if 0 not in ready:
                self._wake.recv(100)
                continue
            data = os.read(0, 4096)
            events = parser.feed(data) if data else [Leave(b"")]
            if events and isinstance(leaving := events[-1], Leave):
                self._input.put(LEAVE_KEY.sub(b"", data[: len(data) - len(leaving.rest)]))
                return
            self._input.put(data)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        def leave(number: int, frame: object) -> None:
            self._finish("")

        def resized(number: int, frame: object) -> None:
            self._has_resized.set()
            self._input.put(b"")

        handlers = {signal.SIGTERM: leave, signal.SIGHUP: leave, signal.SIGINT: leave, signal.SIGWINCH: resized}
        former = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

    def _finish(self, why: str, *, failed: bool = False) -> None:
        if self._end is None:
            self._end, self._failed = why, failed
            self._woken.send(b"x")

    # the other threads

    def _run_thread(self, work: Callable[[HttpClient], None]) -> None:
        try:
            with self._open_client() as client:
                work(client)
        except Exception as error:
            self._finish(str(error), failed=True)

    def _show(self, client: HttpClient) -> None:
        events = EventStreamParser()
        path = process_path(self._process_id, "logs", "stream")
        for batch in client.stream(path, events, raw="true", viewer=self._viewer):
            for event in batch:
                if event.kind in ("message", "size"):
                    self._show_event(decode_terminal_event(event))
            self._is_viewing.set()
        self._finish("the manager has ended", failed=True)

    def _show_event(self, event: object) -> None:
        if isinstance(event, TerminalOutput):
            data = event.data
            if event.first:
                data = self._modes.undo() + self._last_screen(data)
            self._modes.feed(data)
            while data:
                data = data[os.write(1, data) :]

    def _last_screen(self, data: bytes) -> bytes:
        """Return what fills the screen, but all of it if it was drawn on the alternate one."""
        modes = TerminalModes()
        modes.feed(data)
        if modes.has_alternate_screen:
            return data
        lines = data.split(b"\n")
        return modes.replay() + b"\n".join(lines[-os.get_terminal_size(1).lines :])

    def _send(self, client: HttpClient) -> None:
        self._is_viewing.wait()
        self._has_resized.set()
        data = b""
        while True:
            if self._has_resized.is_set():
                self._has_resized.clear()
                columns, rows = os.get_terminal_size(0)
                size = {"columns": columns, "rows": rows}
                client.read("POST", process_path(self._process_id, "size"), size, viewer=self._viewer)
            if data:
                with contextlib.suppress(ConflictError):  # it has ended, or does not read
                    client.read("POST", process_path(self._process_id, "input"), data, viewer=self._viewer)
            data = self._next_input()

    def _next_input(self) -> bytes:
        data = self._input.get()
        while len(data) < MAX_INPUT_BYTES and not self._input.empty():
            data += self._input.get()
        return data

    def _watch(self, client: HttpClient) -> None:
        while True:
            row = client.get(process_path(self._process_id), Snapshot)
            if row.status in IDLE_STATES:
                why = f": {row.reason}" if row.reason else ""
                self._finish(f"{self._process_id} is {row.status}{why}", failed=row.status is Status.FAILED)
            threading.Event().wait(POLL_INTERVAL)
