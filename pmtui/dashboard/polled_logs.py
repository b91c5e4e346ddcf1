"""The lines of a manager that runs elsewhere: asked for again and again, but only those of the pane."""

import asyncio
import time
from collections.abc import Iterator, Sequence

from pmtui.control import Control, ControlError, LogLine
from pmtui.dashboard.formats import seconds_of
from pmtui.dashboard.log_lines import HeldLines, Line, Lines

PERIOD = 0.5
"""Seconds between two questions."""
FIRST = 1000
NEXT = 2000


class PolledLogs:
    """Makes a `LogSource` of any `Control`; to be used on the loop on which that is asked."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def lines_of(self, process_id: str) -> Lines:
        return PolledLines(self._control, process_id)

    def older_than(self, process_id: str, number: int) -> Iterator[Line]:
        return iter(())


class PolledLines(HeldLines):
    """Lines of one process. `pull` asks for more without waiting; each line is taken once, by its number."""

    def __init__(self, control: Control, process_id: str) -> None:
        super().__init__()
        self._control, self._process_id = control, process_id
        self._last: int | None = None
        self._asked = 0.0
        self._question: asyncio.Task[None] | None = None

    def pull(self) -> None:
        now = time.monotonic()
        if (self._question is None or self._question.done()) and now - self._asked >= PERIOD:
            self._asked = now
            self._question = asyncio.create_task(self._ask())

    async def _ask(self) -> None:
        try:
            lines = await self._control.logs(self._process_id, lines=FIRST if self._last is None else NEXT)
        except ControlError:
            return  # the header tells of it
        self._take(lines)

    def _take(self, lines: Sequence[LogLine]) -> None:
        for line in lines:
            if self._last is None or line.seq > self._last:
                self._last = line.seq
                ms = round(seconds_of(line.time) * 1000)
                self.append(Line(0, ms, line.stream, line.run, line.text.encode(), line.id))
