"""The runs of a process, kept beside its logs in `{id}.runs`, one line each: `3 2026-11-20T17:00:00.123Z`.

Log files contain only output. A line of a former manager belongs to the newest run that began at or before its time. A
run begins after the last line of the one before it, so no millisecond belongs to two.
"""

import os
from bisect import bisect_right
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from pmtui.text.timestamps import rfc3339

_MAX_FILE_BYTES = 64 << 10  # a larger file is cut down to its newer half
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_APPEND = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class RunRecord(NamedTuple):
    """A run. `ms` is when it began; `first` is the number of its first line, or 0 if a former manager started it."""

    number: int
    ms: int
    first: int = 0


class RunIndex:
    """The file of the runs. Only the writer's thread adds to it; errors are ignored, for they cost only run numbers."""

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
    """Return the number of the run that wrote at that time; 0 if it is before all of them."""
    index = bisect_right(runs, ms, key=lambda run: run.ms)
    return runs[index - 1].number if index else 0


def run_of(runs: list[RunRecord], seq: int) -> int:
    index = bisect_right(runs, seq, key=lambda run: run.first)
    return runs[index - 1].number if index else 0
