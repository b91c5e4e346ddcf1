"""The runs of a process, remembered beside its logs in `{id}.runs`, one line each: `3 2026-11-20T17:00:00.123Z`.

Log files hold nothing but output. A line in them that no manager remembers belongs to the newest run that began at or
before its time; a run's time is after the last line of the one before it, so no millisecond belongs to two.
"""

import os
from bisect import bisect_right
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from pmtui.text.timestamps import rfc3339

_MAX_FILE_BYTES = 64 << 10  # bytes of a file that is cut down to its newer half
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_APPEND = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class RunRecord(NamedTuple):
    """A run: its number, when it began (milliseconds), and the number of the first line it could write.

    `first` is 0 for a run of a former manager.
    """

    number: int
    ms: int
    first: int = 0


class RunIndex:
    """Where the runs are kept. Only the writer's thread adds to it; if that fails, only the numbers are lost."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, run: RunRecord) -> None:
        try:
            fd = os.open(self._path, _APPEND, 0o600)
        except OSError:
            return
        try:
            if os.fstat(fd).st_size > _MAX_FILE_BYTES:
                newer = os.pread(fd, _MAX_FILE_BYTES, _MAX_FILE_BYTES // 2).partition(b"\n")[2]
                os.ftruncate(fd, 0)
                os.write(fd, newer)
            os.write(fd, f"{run.number} {rfc3339(run.ms)}\n".encode())
        except OSError:
            return
        finally:
            os.close(fd)

    def load(self) -> list[RunRecord]:
        """All that are remembered, oldest first."""
        try:
            with os.fdopen(os.open(self._path, _READ), "rb") as file:
                lines = file.read(2 * _MAX_FILE_BYTES).decode("ascii", "replace").splitlines()
        except OSError:
            return []
        runs = []
        for line in lines:
            number, _, time = line.partition(" ")
            try:
                runs.append(RunRecord(int(number), round(datetime.fromisoformat(time).timestamp() * 1000)))
            except ValueError:
                continue
        return runs


def run_at(runs: list[RunRecord], ms: int) -> int:
    """The number of the run that wrote at that time; 0 when that is before all of them."""
    index = bisect_right(runs, ms, key=lambda run: run.ms)
    return runs[index - 1].number if index else 0


def run_of(runs: list[RunRecord], seq: int) -> int:
    """The number of the run of this manager's that wrote the line of that number."""
    index = bisect_right(runs, seq, key=lambda run: run.first)
    return runs[index - 1].number if index else 0
