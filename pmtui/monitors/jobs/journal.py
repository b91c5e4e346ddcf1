"""What a later manager has to know of jobs: when each was last due, and its last runs.

The file has one JSON object per line and is appended to, by another thread. It is rewritten when the manager starts,
and when it has grown.
"""

import asyncio
import contextlib
import logging
import os
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec

from pmtui.control import JobRun
from pmtui.supervisor.job import MAX_RUNS
from pmtui.text.timestamps import epoch_ms, now_ms

logger = logging.getLogger(__name__)
MAX_GROWTH_BYTES = 1 << 20
MAX_AGE_MS = 400 * 86400 * 1000
"""What is older is forgotten: even a yearly job was due since. So is what a wrong clock has put that far ahead."""
MAX_READ_BYTES = 64 << 20
"""More than the newest runs of three thousand jobs; of a larger file, the end is read."""
MIN_WRITE_INTERVAL = 0.25
"""Seconds between two writes, at least, if only runs have ended; what was due is written at once."""
_FLAGS = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_APPEND = os.O_WRONLY | os.O_APPEND | _FLAGS
_READ = os.O_RDONLY | _FLAGS


class _Line(msgspec.Struct, omit_defaults=True):
    """Something that happened to the job `id`: it was due (milliseconds since 1970), or a run ended."""

    id: str
    due: Annotated[int, msgspec.Meta(ge=0)] | None = None
    key: str = ""
    run: JobRun | None = None


def _read_line(text: bytes) -> _Line:
    """Raises MsgspecError, ValueError or OverflowError if it is damaged, such as half a line."""
    line = msgspec.json.decode(text, type=_Line)
    if line.run:
        epoch_ms(line.run.start_time)
    return line


class Record:
    """`key` is the schedule that `due` belongs to; `due` is None if it is not on its schedule."""

    def __init__(self) -> None:
        self.due: int | None = None
        self.key = ""
        self.runs: deque[JobRun] = deque(maxlen=MAX_RUNS)

    @property
    def last_ms(self) -> int:
        """When something was last heard of the job."""
        return max(self.due or 0, epoch_ms(self.runs[-1].start_time) if self.runs else 0)


class Journal:
    """Without a path nothing is kept."""

    def __init__(self, path: Path | None) -> None:
        self.records: dict[str, Record] = {}
        self._path = path
        self._pending: list[bytes] = []
        self._growth = 0
        self._writing: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._written_at = 0.0
        self._has_warned = False
        self._load()

    def mark_due(self, job: str, key: str, ms: int) -> None:
        self._add(_Line(job, ms, key))

    def mark_stopped(self, job: str) -> None:
        """From now on nothing is missed, until it is on its schedule again."""
        self._add(_Line(job, 0))

    def mark_end(self, job: str, run: JobRun) -> None:
        self._note(_Line(job, run=run))
        left = self._written_at + MIN_WRITE_INTERVAL - time.monotonic()
        if left <= 0:
            self._write_soon()
        elif self._timer is None and self._path:
            self._timer = asyncio.get_running_loop().call_later(left, self._write_soon)

    async def close(self) -> None:
        """Write what is left."""
        if self._timer:
            self._write_soon()
        if self._writing:
            await self._writing

    def _load(self) -> None:
        try:
            with os.fdopen(os.open(self._path or os.devnull, _READ), "rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - MAX_READ_BYTES))
                lines = file.read(MAX_READ_BYTES).splitlines()
        except OSError:
            return
        for line in lines:
            with contextlib.suppress(msgspec.MsgspecError, ValueError, OverflowError):
                self._apply(_read_line(line))
        now = now_ms()
        self.records = {job: record for job, record in self.records.items() if abs(now - record.last_ms) < MAX_AGE_MS}
        self._growth = MAX_GROWTH_BYTES if lines else 0

    def _apply(self, line: _Line) -> None:
        record = self.records.setdefault(line.id, Record())
        if line.run:
            record.runs.append(line.run)
        elif line.due is not None:
            record.due, record.key = line.due or None, line.key

    def _add(self, line: _Line) -> None:
        self._note(line)
        self._write_soon()

    def _note(self, line: _Line) -> None:
        self._apply(line)
        self._pending.append(msgspec.json.encode(line) + b"\n")

    def _write_soon(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._writing is None and self._path:
            self._writing = asyncio.create_task(self._write(), name="job journal")

    async def _write(self) -> None:
        self._written_at = time.monotonic()
        try:
            while self._pending or self._growth >= MAX_GROWTH_BYTES:
                data, self._pending = b"".join(self._pending), []
                is_whole = self._growth >= MAX_GROWTH_BYTES
                self._growth = 0 if is_whole else self._growth + len(data)
                data = b"".join(self._lines()) if is_whole else data
                if not await asyncio.to_thread(self._rewrite if is_whole else self._append, data):
                    self._growth = MAX_GROWTH_BYTES
        except (OSError, RuntimeError) as error:
            if not self._has_warned:
                logger.warning("what was due is not remembered: %s cannot be written: %s", self._path, error)
            self._has_warned = True
        finally:
            self._writing = None

    def _lines(self) -> Iterator[bytes]:
        for job, record in self.records.items():
            if record.due is not None:
                yield msgspec.json.encode(_Line(job, record.due, record.key)) + b"\n"
            for run in record.runs:
                yield msgspec.json.encode(_Line(job, run=run)) + b"\n"

    def _append(self, data: bytes) -> bool:
        """Return whether there is a file that could be appended to."""
        assert self._path
        try:
            descriptor = os.open(self._path, _APPEND)
        except FileNotFoundError:
            return False
        with os.fdopen(descriptor, "ab", buffering=0) as file:
            file.write(data)
        return True

    def _rewrite(self, data: bytes) -> bool:
        assert self._path
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        beside = self._path.with_name(f"{self._path.name}.new")
        with contextlib.suppress(FileNotFoundError):
            beside.unlink()
        with os.fdopen(os.open(beside, _APPEND | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
        os.replace(beside, self._path)
        return True
