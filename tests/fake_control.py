"""A Control over a dictionary with a clock that stands still: the seam at which the fronts are tested."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Unpack

import msgspec

from pmtui.config.secrets import MASK
from pmtui.control import (
    INACTIVE_STATES,
    MAX_EVENTS,
    ConfigChanges,
    ConflictError,
    ControlError,
    CursorPosition,
    Detail,
    DroppedLines,
    Edge,
    Graph,
    InvalidError,
    JobRun,
    LogFileInfo,
    LogLine,
    LogQuery,
    LogStream,
    ManagerInfo,
    Node,
    NotFoundError,
    Operation,
    PageQuery,
    PastEvent,
    ProbeResult,
    ProcessCounters,
    ProcessEvent,
    Reason,
    Result,
    Snapshot,
    Status,
    TerminalEvent,
    TerminalScreen,
    TerminalSize,
    UsageHistory,
)

NOON = "2026-11-20T12:00:00Z"


def snapshot(process_id: str, status: Status = Status.RUNNING, **changes: object) -> Snapshot:
    """A row as a process of that status has it; a running one is one minute old."""
    alive = status in (Status.RUNNING, Status.STOPPING)
    row = Snapshot(
        id=process_id,
        pid=4000 + sum(process_id.encode()) % 1000 if alive else 0,
        status=status,
        start_time="2026-11-20T11:59:00Z" if alive else None,
        uptime="1m0s" if alive else "0s",
        restart_count=0,
        last_error="",
        uptime_seconds=60.0 if alive else 0.0,
        cpu=1.5 if alive else 0.0,
        memory=50 << 20 if alive else 0,
        ready=status is Status.RUNNING,
        health=None,
        exit_code=None,
        signal=None,
        restart_reason=None,
        next_start=None,
        failures=0,
        reason="",
        group=None,
        command=f"python {process_id}.py",
        ports=[],
        stage=None,
    )
    return msgspec.structs.replace(row, **changes)


def job_run(**changes: object) -> JobRun:
    """A run of a job that has ended well."""
    run = JobRun(run=1, trigger="schedule", start_time=NOON, duration=251.0, exit_code=0, signal=None, reason="")
    return msgspec.structs.replace(run, **changes)


class FakeControl:
    """Does every operation at once, and keeps the calls in `calls` as `(operation, id)`."""

    def __init__(self, *rows: Snapshot) -> None:
        self.rows = {row.id: row for row in rows}
        self.lines: dict[str, list[LogLine]] = {}
        self.calls: list[tuple[str, str]] = []
        self.asked: LogQuery = {}  # of the last question about lines
        self.files: list[LogFileInfo] = []
        self.probe: ProbeResult | None = None
        self.following: list[asyncio.Queue[LogLine | DroppedLines]] = []
        self.terminals: dict[str, asyncio.Queue[TerminalEvent]] = {}
        self.typed: dict[str, bytes] = {}
        self.queues: list[asyncio.Queue[ProcessEvent]] = []
        self.seq = 0
        self.told: list[ProcessEvent] = []
        self.past: list[PastEvent] = []
        self.ended = [job_run()]
        self.usage = UsageHistory(since=NOON, step=10, cpu=[], memory=[], latency=[], events=[])
        self.asked_history: dict[str, object] = {}
        self.history_error: ControlError | None = None
        self.changes = ConfigChanges(added=[], removed=[], changed=[], unchanged=[*self.rows], errors=[])
        self.facts = ManagerInfo(
            version="0.1.0",
            pid=4000,
            start_time="2026-11-20T09:30:00Z",
            url="http://127.0.0.1:9615",
            config="/srv/agents/pmtui.toml",
            searched=[],
            errors=[],
        )

    async def list(self) -> Sequence[Snapshot]:
        return [*self.rows.values()]

    async def get(self, process_id: str) -> Detail:
        row = self._row(process_id)
        return Detail(
            **msgspec.structs.asdict(row),
            argv=row.command.split(),
            cwd="/srv/app",
            interpreter="/srv/app/.venv/bin/python",
            env={"API_TOKEN": MASK, "MODE": "test"},
            config={"id": row.id, "script": f"{row.id}.py"},
            exits=[],
        )

    async def start(self, process_id: str) -> None:
        self._become("start", process_id, Status.RUNNING)

    async def stop(self, process_id: str) -> None:
        self._become("stop", process_id, Status.STOPPED)

    async def roll(self, process_id: str) -> None:
        await self.restart(process_id)

    async def restart(self, process_id: str) -> None:
        self._become("restart", process_id, Status.RUNNING)

    async def wait(self, process_id: str, statuses: frozenset[Status]) -> Snapshot:
        events = self.events()
        while self._row(process_id).status not in statuses:
            await anext(events)
        return self._row(process_id)

    async def signal(self, process_id: str, name: str) -> None:
        if name not in ("SIGHUP", "SIGUSR1", "SIGTERM", "SIGKILL"):
            raise InvalidError(f"Unknown signal '{name}'.")
        self._row(process_id)
        self.calls.append((f"signal {name}", process_id))

    async def outcome(self, process_id: str, operation: Operation) -> Result:
        up, inactive = {Status.RUNNING, Status.COMPLETED}, INACTIVE_STATES
        row = await self.wait(process_id, frozenset(up | inactive))
        good = row.status in (inactive if operation == "stop" else up)
        return Result(id=process_id, ok=good, message="" if good else f"Process '{process_id}' is {row.status}.")

    async def bulk(
        self, operation: Operation, patterns: Sequence[str], *, wait: bool | None = None
    ) -> Sequence[Result]:
        results: dict[str, Result] = {}
        for pattern in patterns:
            chosen = [
                row.id for row in self.rows.values() if pattern == f"@{row.group}" or fnmatchcase(row.id, pattern)
            ]
            for process_id in chosen:
                await getattr(self, operation)(process_id)
                results[process_id] = Result(id=process_id, ok=True, message="")
            if not chosen:
                results[pattern] = Result(id=pattern, ok=False, message=f"No process matches '{pattern}'.")
        return [*results.values()]

    async def logs(self, process_id: str, **query: Unpack[PageQuery]) -> Sequence[LogLine]:
        self._row(process_id)
        self.asked = query
        lines, stream = query.get("lines", 100), query.get("stream")
        kept = [line for line in self.lines.get(process_id, []) if stream in (None, line.stream)]
        return kept[-lines:] if lines else []

    async def events(self) -> AsyncIterator[ProcessEvent]:
        queue: asyncio.Queue[ProcessEvent] = asyncio.Queue()
        self.queues.append(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self.queues.remove(queue)

    async def kill(self, process_id: str) -> None:
        self._become("kill", process_id, Status.STOPPED)

    async def history(self, process_id: str) -> Sequence[ProcessEvent]:
        self._row(process_id)
        return [event for event in self.told if event.id == process_id]

    async def past_events(
        self, process_id: str, since: str, until: str = "", limit: int = MAX_EVENTS
    ) -> Sequence[PastEvent]:
        self._row(process_id)
        self.asked_history = {"since": since, "until": until, "limit": limit}
        if self.history_error:
            raise self.history_error
        past = [*self.past, *(PastEvent(**msgspec.structs.asdict(event)) for event in self.told)]
        return [event for event in past if event.id == process_id][-limit:] if limit else []

    async def usage_history(
        self, process_id: str, since: str = "1h", until: str = "", points: int = 300
    ) -> UsageHistory:
        self._row(process_id)
        self.asked_history = {"since": since, "until": until, "points": points}
        if self.history_error:
            raise self.history_error
        return self.usage

    async def clear_logs(self, process_id: str) -> None:
        self._row(process_id)
        self.lines.pop(process_id, None)
        self.calls.append(("clear logs", process_id))

    async def runs(self, process_id: str) -> Sequence[JobRun]:
        self._row(process_id)
        return self.ended

    async def reveal(self, process_id: str, name: str) -> str:
        self._row(process_id)
        return f"secret of {name}"

    async def preview(self) -> ConfigChanges:
        return self.changes

    async def reload(self) -> ConfigChanges:
        self.calls.append(("reload", ""))
        return self.changes

    async def about(self) -> ManagerInfo:
        return self.facts

    async def follow_logs(
        self, patterns: Sequence[str], after: Mapping[str, int] | None = None, **query: Unpack[LogQuery]
    ) -> LogStream:
        chosen = [row.id for row in self.rows.values() for pattern in patterns if fnmatchcase(row.id, pattern)]
        if not chosen:
            raise NotFoundError(f"No process matches '{patterns[0]}'.")
        after = after or {}
        past = [line for process_id in chosen for line in await self.logs(process_id, **query)]
        past = [line for line in past if line.seq > after.get(line.id, 0)]
        return LogStream({process_id: after.get(process_id, 0) for process_id in chosen}, self._follow(past))

    async def _follow(self, past: Sequence[LogLine]) -> AsyncGenerator[LogLine | DroppedLines, None]:
        queue: asyncio.Queue[LogLine | DroppedLines] = asyncio.Queue()
        self.following.append(queue)
        try:
            for line in past:
                yield line
            while True:
                yield await queue.get()
        finally:
            self.following.remove(queue)

    async def log_files(self, process_id: str) -> Sequence[LogFileInfo]:
        self._row(process_id)
        return self.files

    async def last_event(self) -> int:
        return self.seq

    async def replay(self, after: int) -> AsyncGenerator[ProcessEvent, None]:
        queue: asyncio.Queue[ProcessEvent] = asyncio.Queue()
        self.queues.append(queue)
        try:
            for event in [event for event in self.told if event.seq > after]:
                yield event
            while True:
                yield await queue.get()
        finally:
            self.queues.remove(queue)

    async def graph(self) -> Graph:
        return Graph(
            nodes=[Node(id=row.id, status=row.status, reason=row.reason) for row in self.rows.values()],
            edges=[
                Edge(from_="web-1", to="worker", condition="started", met=False, why="it is stopped", forever=False)
            ],
            order=[["worker"], ["web-1", "web-2"]],
        )

    async def figures(self) -> Sequence[ProcessCounters]:
        counts = dict.fromkeys(Reason, 0) | {Reason.CRASH: 2}
        return [
            ProcessCounters(id=process_id, restarts=counts, log_bytes=1 << 20, log_bytes_dropped=512, probe=self.probe)
            for process_id in self.rows
        ]

    async def add(self, fields: Mapping[str, Any], lease: int | str | None = None) -> str:
        process_id = str(fields["id"])
        if process_id in self.rows:
            raise ConflictError(f"There already is a process '{process_id}'; choose another id.")
        self.calls.append(("add", process_id))
        self.put(msgspec.structs.replace(snapshot(process_id), origin="adhoc"))
        return process_id

    async def remove(self, process_id: str) -> None:
        self._row(process_id)
        self.calls.append(("remove", process_id))
        del self.rows[process_id]

    async def renew(self, process_id: str) -> None:
        self._row(process_id)
        self.calls.append(("renew", process_id))

    async def send_input(
        self,
        process_id: str,
        data: bytes,
        *,
        end: bool = False,
        viewer: str | None = None,
        is_answer: bool = False,
    ) -> None:
        self._terminal(process_id)
        self.typed[process_id] = self.typed.get(process_id, b"") + data

    async def resize(self, process_id: str, columns: int, rows: int, viewer: str | None = None) -> None:
        self._terminal(process_id).put_nowait(TerminalSize(columns=columns, rows=rows))

    async def terminal(self, process_id: str, viewer: str) -> AsyncGenerator[TerminalEvent, None]:
        return self._view(self._terminal(process_id))

    async def _view(self, terminal: asyncio.Queue[TerminalEvent]) -> AsyncGenerator[TerminalEvent, None]:
        while True:
            yield await terminal.get()

    async def screen(self, process_id: str) -> tuple[TerminalScreen, Sequence[str]]:
        self._terminal(process_id)
        cursor = CursorPosition(column=2, row=0)
        return TerminalScreen(columns=80, rows=24, cursor=cursor, lines=["hi"]), ["\x1b[31mhi\x1b[0m"]

    def _terminal(self, process_id: str) -> asyncio.Queue[TerminalEvent]:
        self._row(process_id)
        if process_id not in self.terminals:
            raise ConflictError(f"Process '{process_id}' has no terminal; set tty to true.")
        return self.terminals[process_id]

    def put(self, row: Snapshot, reason: str = "") -> None:
        """Changes a process from outside, and tells those who listen."""
        before = self.rows[row.id].status if row.id in self.rows else Status.STOPPED
        self.rows[row.id] = row
        self.seq += 1
        event = ProcessEvent(seq=self.seq, id=row.id, from_=before, to=row.status, reason=reason, time=NOON)
        self.told.append(event)
        for queue in self.queues:
            queue.put_nowait(event)

    def _become(self, operation: str, process_id: str, status: Status) -> None:
        row = self._row(process_id)
        self.calls.append((operation, process_id))
        self.put(msgspec.structs.replace(snapshot(process_id, status), group=row.group, command=row.command))

    def _row(self, process_id: str) -> Snapshot:
        if process_id not in self.rows:
            raise NotFoundError(f"Process '{process_id}' not found.")
        return self.rows[process_id]
