"""The lines of a manager that runs elsewhere, as they come: one stream for all that the pane shows."""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing, suppress
from functools import partial

import msgspec

from pmtui.client.http_client import Client, path_of
from pmtui.client.remote_control import AGAIN, RemoteControl, identity_of
from pmtui.client.sse import Events, Told
from pmtui.control import ControlError, Missed, RawLogLine
from pmtui.dashboard.log_view.lines import HeldLines, Line, Lines
from pmtui.dashboard.style.formats import seconds_of

LINES = 2000
"""Lines of the past that a stream begins with, of all its processes together."""
PAGE = 2000
PAUSE = 0.05
"""Seconds for which a cursor has to rest on a process before its lines are asked for."""
MOST_IDS = 200
LONGEST_PLACE = 8 << 10
"""Characters of a place that a request can name."""


class StreamedLogs:
    """A `LogSource`, on the loop of its control. Only what was asked for last is on its way."""

    def __init__(self, control: RemoteControl) -> None:
        self._control = control
        self._shown: dict[str, StreamedLines] = {}
        self._asked: dict[str, StreamedLines] = {}
        self._beginning: asyncio.TimerHandle | None = None
        self._following: asyncio.Task[None] | None = None

    def lines_of(self, ids: Sequence[str]) -> Sequence[Lines]:
        """Replaces what was asked for before; lines that are there already would not come by time."""
        shown = self._shown.keys() == {*ids}
        self._asked = self._shown if shown else {process_id: StreamedLines() for process_id in ids}
        if self._beginning:
            self._beginning.cancel()
        self._beginning = asyncio.get_running_loop().call_later(PAUSE, self._begin)
        return [self._asked[process_id] for process_id in ids]

    def older_than(self, process_id: str, number: int) -> Iterator[Line]:
        """Lines from files, newest first; asked for on the caller's thread."""
        if self._control.place is None:
            return
        with Client(self._control.place) as client, suppress(ControlError):
            ask = partial(client.get, path_of(process_id, "logs"), list[RawLogLine], lines=PAGE, raw="true")
            while page := ask(before=number):
                yield from (line_of(line) for line in reversed(page))
                number = page[0].seq

    def close(self) -> None:
        """Nothing more is on its way."""
        for pending in (self._beginning, self._following):
            if pending:
                pending.cancel()

    def _begin(self) -> None:
        if self._asked is self._shown:
            return
        self._shown = self._asked
        if self._following:
            self._following.cancel()
        self._following = asyncio.create_task(self._follow(self._shown))

    async def _follow(self, shown: Mapping[str, "StreamedLines"]) -> None:
        """Takes what comes, for ever; of a manager that comes after this one all again."""
        events = Events()
        manager: tuple[int, str] | None = None
        while True:
            try:
                about = await self._control.about()
                if manager != identity_of(about) or len(events.place) > LONGEST_PLACE:
                    manager, events = identity_of(about), Events()
                    for lines in shown.values():
                        lines.forget()
                await self._take_all(shown, events)
            except ControlError:
                pass  # the first line of the screen tells of it
            await asyncio.sleep(AGAIN)

    async def _take_all(self, shown: Mapping[str, "StreamedLines"], events: Events) -> None:
        ids = ",".join(shown) if len(shown) <= MOST_IDS else "*"
        stream = self._control.stream("/api/pm/logs/stream", events, ids=ids, lines=LINES, raw="true")
        async with aclosing(stream) as batches:
            async for batch in batches:
                for told in batch:
                    take(told, shown)


def take(told: Told, shown: Mapping[str, "StreamedLines"]) -> None:
    if told.kind == "message":
        line = msgspec.json.decode(told.data, type=RawLogLine)
        if line.id in shown:
            shown[line.id].take(line)
    elif told.kind == "missed":
        missed = msgspec.json.decode(told.data, type=Missed)
        if missed.id in shown:
            shown[missed.id].miss(missed)


class StreamedLines(HeldLines):
    """Lines of one process that a stream brings."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers: deque[int] = deque(maxlen=self._limit)

    @property
    def oldest(self) -> int | None:
        return self._numbers[0] if self._numbers else None

    def take(self, line: RawLogLine) -> None:
        self._numbers.append(line.seq)
        self.append(line_of(line))

    def miss(self, missed: Missed) -> None:
        """Says on a line of its own that some are not there."""
        if self._lines:
            self._numbers.append(self._numbers[-1])
            self.append(self._lines[-1]._replace(data=f"… {missed.lines:,} lines went by …".encode()))

    def forget(self) -> None:
        self._lines.clear()
        self._numbers.clear()


def line_of(line: RawLogLine) -> Line:
    ms = round(seconds_of(line.time) * 1000) if line.time else 0
    return Line(0, ms, line.stream, line.run, line.data, line.id)
