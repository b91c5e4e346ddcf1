"""A Control over a dictionary with a clock that stands still: the seam at which the fronts are tested."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from fnmatch import fnmatchcase

import msgspec

from pmtui.control import (
    Detail,
    Event,
    InvalidError,
    LogLine,
    NotFoundError,
    Operation,
    Result,
    Snapshot,
    Status,
    Stream,
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


class FakeControl:
    """Does every operation at once, and keeps the calls in `calls` as `(operation, id)`."""

    def __init__(self, *rows: Snapshot) -> None:
        self.rows = {row.id: row for row in rows}
        self.lines: dict[str, list[LogLine]] = {}
        self.calls: list[tuple[str, str]] = []
        self.queues: list[asyncio.Queue[Event]] = []
        self.seq = 0

    async def list(self) -> Sequence[Snapshot]:
        return [*self.rows.values()]

    async def get(self, process_id: str) -> Detail:
        row = self._row(process_id)
        return Detail(
            **msgspec.structs.asdict(row),
            argv=row.command.split(),
            cwd="/srv/app",
            interpreter="/srv/app/.venv/bin/python",
            env={"API_TOKEN": "***", "MODE": "test"},
            config={"id": row.id, "script": f"{row.id}.py"},
            exits=[],
        )

    async def start(self, process_id: str) -> None:
        self._become("start", process_id, Status.RUNNING)

    async def stop(self, process_id: str) -> None:
        self._become("stop", process_id, Status.STOPPED)

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

    async def bulk(self, operation: Operation, patterns: Sequence[str]) -> Sequence[Result]:
        chosen = [
            row.id
            for row in self.rows.values()
            if any(p == f"@{row.group}" or fnmatchcase(row.id, p) for p in patterns)
        ]
        for process_id in chosen:
            await getattr(self, operation)(process_id)
        return [Result(id=process_id, ok=True, message="") for process_id in chosen]

    async def logs(self, process_id: str, *, lines: int = 100, stream: Stream | None = None) -> Sequence[LogLine]:
        self._row(process_id)
        kept = [line for line in self.lines.get(process_id, []) if stream in (None, line.stream)]
        return kept[-lines:] if lines else []

    async def events(self) -> AsyncIterator[Event]:
        queue: asyncio.Queue[Event] = asyncio.Queue()
        self.queues.append(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self.queues.remove(queue)

    def put(self, row: Snapshot, reason: str = "") -> None:
        """Changes a process from outside, and tells those who listen."""
        before = self.rows.get(row.id)
        self.rows[row.id] = row
        self.seq += 1
        event = Event(
            seq=self.seq, id=row.id, from_=before.status if before else None, to=row.status, reason=reason, time=NOON
        )
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
