"""The lines of a remote manager: one stream for everything the pane shows."""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing, suppress
from functools import partial

import msgspec

from pmtui.client.http_client import HttpClient, process_path
from pmtui.client.remote_control import RETRY_DELAY, RemoteControl, manager_identity
from pmtui.client.sse import EventStreamParser, ServerSentEvent
from pmtui.control import ControlError, DroppedLines, RawLogLine, Stream
from pmtui.dashboard.log_view.lines import Line, LineBuffer, Lines
from pmtui.dashboard.style.formats import epoch_seconds

MAX_PAST_LINES = 2000
"""Past lines a stream begins with, for all its processes together."""
PAGE_SIZE = 2000
REQUEST_DELAY = 0.05
"""Seconds the cursor must rest on a process before its lines are requested."""
MAX_IDS = 200
MAX_EVENT_ID_LENGTH = 8 << 10
"""Characters of an event id that fit into a request."""


class RemoteLogs:
    """A `LogSource` on the loop of its control. Only the latest request is in flight."""

    def __init__(self, control: RemoteControl) -> None:
        self._control = control
        self._shown: dict[str, RemoteLines] = {}
        self._requested: dict[str, RemoteLines] = {}
        self._start_timer: asyncio.TimerHandle | None = None
        self._follow_task: asyncio.Task[None] | None = None

    def lines_of(self, ids: Sequence[str]) -> Sequence[Lines]:
        """Replace the previous request, so that the lines of several processes arrive in order of time."""
        shown = self._shown.keys() == {*ids}
        self._requested = self._shown if shown else {process_id: RemoteLines() for process_id in ids}
        if self._start_timer:
            self._start_timer.cancel()
        self._start_timer = asyncio.get_running_loop().call_later(REQUEST_DELAY, self._start_following)
        return [self._requested[process_id] for process_id in ids]

    def older_than(self, process_id: str, number: int) -> Iterator[Line]:
        """Yield lines from files, newest first; requests them on the caller's thread."""
        if self._control.address is None:
            return
        with HttpClient(self._control.address) as client, suppress(ControlError):
            ask = partial(client.get, process_path(process_id, "logs"), list[RawLogLine], lines=PAGE_SIZE, raw="true")
            while page := ask(before=number):
                yield from (to_line(line) for line in reversed(page))
                number = page[0].seq

    def close(self) -> None:
        for pending in (self._start_timer, self._follow_task):
            if pending:
                pending.cancel()

    def _start_following(self) -> None:
        if self._requested is self._shown:
            return
        self._shown = self._requested
        if self._follow_task:
            self._follow_task.cancel()
        self._follow_task = asyncio.create_task(self._follow(self._shown))

    async def _follow(self, shown: Mapping[str, "RemoteLines"]) -> None:
        """Read the stream until cancelled; start over when another manager answers."""
        if not shown:
            return
        events = EventStreamParser()
        manager: tuple[int, str] | None = None
        while True:
            try:
                about = await self._control.about()
                if manager != manager_identity(about) or len(events.last_event_id) > MAX_EVENT_ID_LENGTH:
                    manager, events = manager_identity(about), EventStreamParser()
                    for lines in shown.values():
                        lines.clear()
                await self._read_stream(shown, events)
            except ControlError:
                pass  # the header shows it
            await asyncio.sleep(RETRY_DELAY)

    async def _read_stream(self, shown: Mapping[str, "RemoteLines"], events: EventStreamParser) -> None:
        ids = ",".join(shown) if len(shown) <= MAX_IDS else "*"
        stream = self._control.stream("/api/pm/logs/stream", events, ids=ids, lines=MAX_PAST_LINES, raw="true")
        async with aclosing(stream) as batches:
            async for batch in batches:
                for told in batch:
                    add_event(told, shown)


def add_event(told: ServerSentEvent, shown: Mapping[str, "RemoteLines"]) -> None:
    if told.kind == "message":
        line = msgspec.json.decode(told.data, type=RawLogLine)
        if line.id in shown:
            shown[line.id].add(line)
    elif told.kind == "missed":
        missed = msgspec.json.decode(told.data, type=DroppedLines)
        if missed.id in shown:
            shown[missed.id].add_dropped(missed)


class RemoteLines(LineBuffer):
    """The lines of one process from a stream."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers: deque[int] = deque(maxlen=self._limit)
        self._partials: dict[Stream, Line] = {}

    @property
    def oldest(self) -> int | None:
        return self._numbers[0] if self._numbers else None

    def add(self, line: RawLogLine) -> None:
        self._partials.pop(line.stream, None)
        if line.partial:
            self._partials[line.stream] = to_line(line)
            return
        self._numbers.append(line.seq)
        self.append(to_line(line))

    def partial_lines(self) -> Sequence[Line]:
        return [line._replace(position=self.end) for line in self._partials.values()]

    def add_dropped(self, missed: DroppedLines) -> None:
        """Add a line that says how many are missing."""
        if self._lines:
            self._numbers.append(self._numbers[-1])
            self.append(self._lines[-1]._replace(data=f"… {missed.lines:,} lines skipped …".encode()))

    def clear(self) -> None:
        self._lines.clear()
        self._numbers.clear()
        self._partials.clear()


def to_line(line: RawLogLine) -> Line:
    ms = round(epoch_seconds(line.time) * 1000) if line.time else 0
    return Line(0, ms, line.stream, line.run, line.data, line.id, line.partial)
