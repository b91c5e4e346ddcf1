"""Connects a view with the terminal of a process: output to the emulator, keys to the process."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from importlib import import_module
from typing import TYPE_CHECKING
from uuid import uuid4

from pmtui.control import Control, ControlError, TerminalEvent, TerminalSize, UnavailableError
from pmtui.terminal import keyboard
from pmtui.terminal.sequences import TerminalModes

if TYPE_CHECKING:
    from pmtui.terminal.emulator import Emulator

SLICE_BYTES = 256
"""Bytes emulated in a row."""
SLICE_TIME = 0.004
"""Seconds of emulation after which keys and drawing have their turn."""
PAUSE_FACTOR = 6
"""A frame is followed by a pause so many times as long as it took, so that a flood costs a small part of a core."""
MAX_DELAY = 0.5
"""Seconds that the view may be behind; then it leaves out what it has not shown."""
FRAME_INTERVAL, FLOOD_INTERVAL = 0.05, 0.1
"""Seconds between frames that no key has asked for, and once the view was behind: drawing costs more than emulating."""
ANSWER_TIME = 0.3
"""Seconds after a key in which frames follow each other without these intervals."""
MAX_ANSWER_DELAY = 0.05
"""Seconds that the view may be behind in that time."""
MAX_SCREEN_DELAY = 2.0
"""The same while a full-screen program draws: what is left out of that has to be drawn again."""
REDRAW_DELAY = 0.1
"""Seconds between the two sizes that make a program draw again."""
KEPT_BYTES = 4 << 10
MAX_PENDING_INPUT = 256 << 10
MAX_INPUT_BYTES = 32 << 10
RETRY_DELAY = 1.0
DEFAULT_SIZE = (80, 24)


class TerminalSession:
    """Runs in the dashboard's loop until cancelled. `on_change` is called with the rows that have changed.

    `run` raises ConflictError if the process has no terminal.
    """

    def __init__(
        self,
        control: Control,
        process_id: str,
        on_change: Callable[[list[int]], None],
        on_problem: Callable[[str], None],
    ) -> None:
        self.emulator: Emulator | None = None
        self._control, self._process_id = control, process_id
        self._viewer = uuid4().hex
        self._on_change, self._on_problem = on_change, on_problem
        self._size: tuple[int, int] | None = None
        self._sent_size: tuple[int, int] | None = None
        self._is_known = False
        self._output: deque[bytes | TerminalSize] = deque()
        self._earlier_bytes = 0  # of output that there was before the view, and that is not shown yet
        self._behind_since = self._typed_at = 0.0
        self._is_prompted = asyncio.Event()
        self._needs_redraw = False
        self._has_output, self._has_input = asyncio.Event(), asyncio.Event()
        self._input = b""
        self._sending = asyncio.Lock()

    async def run(self) -> None:
        await asyncio.to_thread(import_module, "pmtui.terminal.emulator")  # the keys of this moment must not wait
        tasks = [asyncio.create_task(work) for work in (self._receive(), self._emulate(), self._send())]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    def resize(self, columns: int, rows: int) -> None:
        self._size = columns, rows
        self._has_input.set()

    # input

    def handle(self, event: keyboard.Input) -> None:
        emulator = self.emulator
        if emulator is None:
            if isinstance(event, keyboard.Keys):
                self._type(event.data)
            return
        match event:
            case keyboard.Keys(data):
                self._type(keyboard.as_application_keys(data) if emulator.has_application_cursor else data)
            case keyboard.PasteMark(data) if emulator.wants_paste_marks:
                self._type(data)
            case keyboard.Focus(data) if emulator.wants_focus:
                self._type(data)
            case keyboard.Mouse(column, row, button, kind, modifiers):
                columns, rows = emulator.size
                if column < columns and row < rows:
                    self._type(emulator.report_mouse(column, row, button, kind, {*modifiers}))

    def _type(self, data: bytes) -> None:
        if data and len(self._input) < MAX_PENDING_INPUT:
            self._input += data
            self._has_input.set()
            self._typed_at = time.monotonic()
            self._is_prompted.set()

    async def _send(self) -> None:
        while True:
            await self._has_input.wait()
            self._has_input.clear()
            if self._is_known:
                await asyncio.shield(self.send_pending())  # also when the view closes at this moment

    async def send_pending(self) -> None:
        """Send the size, and what was typed or answered."""
        async with self._sending:
            try:
                if self._is_known and self._size and self._size != self._sent_size:
                    await self._send_size(*self._size)
                while self._input:
                    data, self._input = self._input[:MAX_INPUT_BYTES], self._input[MAX_INPUT_BYTES:]
                    await self._control.send_input(self._process_id, data, viewer=self._viewer)
                if self.emulator and (answers := self.emulator.take_answers()):
                    await self._control.send_input(self._process_id, answers, viewer=self._viewer, is_answer=True)
            except ControlError as error:  # it has ended, or does not read
                self._input = b""
                self._on_problem("" if "is not running" in str(error) else str(error))
            else:
                self._on_problem("")

    async def _send_size(self, columns: int, rows: int) -> None:
        self._sent_size = columns, rows
        if self._needs_redraw:
            self._needs_redraw = False
            await self._control.resize(self._process_id, columns, max(1, rows - 1), self._viewer)
            await asyncio.sleep(REDRAW_DELAY)
        await self._control.resize(self._process_id, columns, rows, self._viewer)

    # output

    async def _receive(self) -> None:
        while True:
            try:
                async with aclosing(await self._control.terminal(self._process_id, self._viewer)) as events:
                    await self._collect(events)
            except UnavailableError as error:
                self._on_problem(str(error))
            await asyncio.sleep(RETRY_DELAY)

    async def _collect(self, events: AsyncGenerator[TerminalEvent, None]) -> None:
        from pmtui.terminal.emulator import Emulator

        self._sent_size, self._is_known = None, False
        size = DEFAULT_SIZE
        async for event in events:
            if not self._is_known:  # as a viewer, whose size counts from now on
                self._is_known = True
                self._has_input.set()
            if isinstance(event, TerminalSize):
                size = event.columns, event.rows
                self._output.append(event)
            else:
                if event.first:
                    self.emulator = Emulator(*size)
                    self._output.clear()
                    self._earlier_bytes = len(event.data)
                self._output.append(event.data)
            self._has_output.set()

    async def _emulate(self) -> None:
        while True:
            await self._has_output.wait()
            self._has_output.clear()
            self._behind_since = time.monotonic()
            is_flood = False
            while self._output:
                started = time.monotonic()
                is_late = started - self._behind_since > self._max_delay(started) and not self._earlier_bytes
                if is_late or (is_flood and self._has_many_lines()):
                    self._leave_out()
                    self._behind_since = started
                    is_flood = True
                if self.emulator:
                    self._feed(self.emulator, started + SLICE_TIME)
                await self._pause(time.monotonic() - started, is_flood)
            if self._needs_redraw:
                self._sent_size = None
                self._has_input.set()

    async def _pause(self, spent: float, is_flood: bool) -> None:
        """Wait until it is time for the next frame, which is sooner when something is typed."""
        if self._earlier_bytes:
            pause = 0.0
        elif self._expects_answer(time.monotonic()):
            pause = spent
        else:
            pause = max(spent * PAUSE_FACTOR, FLOOD_INTERVAL if is_flood else FRAME_INTERVAL)
        self._is_prompted.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._is_prompted.wait(), pause)

    def _max_delay(self, now: float) -> float:
        if self.emulator and self.emulator.has_alternate_screen:
            return MAX_SCREEN_DELAY
        return MAX_ANSWER_DELAY if self._expects_answer(now) and self._has_many_lines() else MAX_DELAY

    def _expects_answer(self, now: float) -> bool:
        return now - self._typed_at < ANSWER_TIME

    def _feed(self, emulator: "Emulator", deadline: float) -> None:
        while self._output and time.monotonic() < deadline:
            item = self._output.popleft()
            if isinstance(item, TerminalSize):
                emulator.resize(item.columns, item.rows)
                continue
            if len(item) > SLICE_BYTES:
                self._output.appendleft(item[SLICE_BYTES:])
            emulator.feed(item[:SLICE_BYTES])
            self._earlier_bytes = max(0, self._earlier_bytes - SLICE_BYTES)
        self._on_change([*emulator.changed_rows()])
        if emulator.has_answers:
            self._has_input.set()

    def _has_many_lines(self) -> bool:
        """Return whether the output would scroll away from the screen before it is drawn."""
        if self.emulator and self.emulator.has_alternate_screen:
            return False
        lines = sum(item.count(b"\n") for item in self._output if isinstance(item, bytes))
        return lines > self._kept_lines

    @property
    def _kept_lines(self) -> int:
        return 2 * self.emulator.size[1] if self.emulator else 0

    def _leave_out(self) -> None:
        """Skip output that was not shown in time, except for modes and the size."""
        self._needs_redraw = self.emulator is not None and self.emulator.has_alternate_screen
        sizes = [item for item in self._output if isinstance(item, TerminalSize)]
        data = b"".join(item for item in self._output if isinstance(item, bytes))
        kept = last_lines(data[-KEPT_BYTES:], self._kept_lines)
        modes = TerminalModes()
        modes.feed(data[: len(data) - len(kept)])
        self._output = deque([*sizes[-1:], modes.replay() + kept])


def last_lines(data: bytes, count: int) -> bytes:
    """Return the last lines of `data`, or all of it if there are not so many."""
    lines = data.split(b"\n")
    return b"\n".join(lines[-count - 1 :])
