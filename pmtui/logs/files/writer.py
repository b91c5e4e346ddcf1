"""The one thread that writes to disk for all processes."""

import logging
import threading
from collections.abc import Callable, Collection, Iterable
from functools import partial
from itertools import groupby
from typing import NamedTuple, cast

from pmtui.control import LogProblem
from pmtui.logs.capture.bulk_reader import BulkReader
from pmtui.logs.files.batch_worker import BatchWorker
from pmtui.logs.files.log_file import RETRY_DELAY, LineBatch, LogFile
from pmtui.text.timestamps import now_ms, rfc3339

logger = logging.getLogger(__name__)
STALL_TIMEOUT = 5.0
"""Seconds without progress after which lines are dropped instead of held back."""
MAX_BUFFERED_BYTES = 8 << 20
"""Bytes that may wait while the disk makes progress; then the processes wait."""
MAX_STALLED_BYTES = 64 << 20
"""Bytes that may wait while the disk stalls; then the processes wait."""
_CALL_BYTES = 1  # what a call counts for, so that one that hangs is a stall, too
_STALL_DELAY = 0.1  # seconds without progress that are not a stall yet
_FLUSH_TIMEOUT = 2.0  # seconds without progress after which `close` gives up


class FileWrite(NamedTuple):
    file: LogFile
    batch: LineBatch


Item = FileWrite | Callable[[], None]


class Writer:
    """Writes lines to files and makes calls, in the order they come, and lets `bulk_reader` read in between.

    Logs one warning if writing fails or the disk stalls, and the next only after everything has worked in between.
    """

    def __init__(self, lock: threading.Lock) -> None:
        self._has_warned = False
        self.bulk_reader = BulkReader(lock, self._is_stalled, self._flush)
        self._worker: BatchWorker[Item] = BatchWorker("pmtui-log-writer", self._process, self.bulk_reader.pull)
        self._failing: set[LogFile] = set()
        self._lost: dict[LogFile, tuple[int, int]] = {}

    def start(self) -> None:
        self._worker.start()

    def write(self, file: LogFile, batch: LineBatch) -> None:
        if self._is_stuck():
            lines, size = self._lost.get(file, (0, 0))
            self._lost[file] = lines + batch.lines, size + batch.size
            return
        if self._lost:
            self._record_lost()
        self._worker.put(FileWrite(file, batch), batch.size)

    def lost(self, file: LogFile) -> tuple[int, int]:
        """Return the lines and bytes lost recently that the file does not know of yet."""
        return self._lost.get(file, (0, 0))

    @property
    def has_problem(self) -> bool:
        """Whether a file cannot be written, or the disk has stalled for long."""
        return bool(self._failing or self._lost) or self.stalled() >= STALL_TIMEOUT

    def problem_of(self, files: Collection[LogFile]) -> LogProblem | None:
        """Return why these files cannot be written, if they cannot."""
        if not files or not self.has_problem:
            return None
        failing = [file for file in files if file.error]
        missing = [(file.missing, self.lost(file)) for file in files]
        if failing:
            file = min(failing, key=lambda file: file.failing_since)
            since, message = file.failing_since, f"cannot write {file.path.name}: {file.error and file.error.strerror}"
        elif self.stalled() >= STALL_TIMEOUT or any(lost != (0, 0) for _, lost in missing):
            since = now_ms() - int(self.stalled() * 1000)
            message = "the log disk does not answer"
        else:
            return None
        return LogProblem(
            since=rfc3339(since),
            message=message,
            missing_lines=sum(known[0] + lost[0] for known, lost in missing),
            missing_bytes=sum(known[1] + lost[1] for known, lost in missing),
        )

    def retry(self) -> None:
        """Try again to write to what failed, even if there are no new lines."""
        if self._lost and not self._is_stuck():
            self._record_lost()
        if self._failing:
            self.call_soon(self._retry_now)

    def _retry_now(self) -> None:
        for file in [*self._failing]:
            file.retry()
            self._update_failing(file)

    def call(self, action: Callable[[], None]) -> None:
        """Call `action` in the writer's thread, after everything before it. It must not raise."""
        self._worker.put(action, _CALL_BYTES)

    def call_soon(self, action: Callable[[], None]) -> None:
        """As `call`, but without delay. After `close`, call it right here."""
        if self._worker.has_ended():
            action()
            return
        self._worker.put(action, _CALL_BYTES)
        self._worker.flush()

    def has_room(self) -> bool:
        """Return whether more may come. Only a stall is worth a large buffer, so that processes do not notice it."""
        load = self._worker.load
        if load <= MAX_BUFFERED_BYTES or (load <= MAX_STALLED_BYTES and self._is_stalled()):
            return True
        return self._is_stuck()

    def stalled(self) -> float:
        return self._worker.stalled()

    def _is_stalled(self) -> bool:
        return self.stalled() > _STALL_DELAY

    def _flush(self) -> None:
        self._worker.flush()

    def _is_stuck(self) -> bool:
        """Return whether lines have to be dropped: the buffer is full, and the disk has stalled for long."""
        if self._worker.load <= MAX_STALLED_BYTES or self.stalled() < STALL_TIMEOUT:
            return False
        self._warn_once(f"the log disk has accepted nothing for {STALL_TIMEOUT:.0f} s; dropping lines until it does")
        return True

    def _record_lost(self) -> None:
        lost, self._lost = self._lost, {}
        for file, (lines, size) in lost.items():
            self._worker.put(partial(file.record_loss, lines, size), _CALL_BYTES)

    def close(self) -> None:
        """Write what waits. Gives up after two seconds without progress."""
        self._record_lost()
        if self._worker.close(_FLUSH_TIMEOUT):
            self.bulk_reader.close()

    def _process(self, batch: list[Item]) -> None:
        for are_writes, items in groupby(batch, lambda item: isinstance(item, FileWrite)):
            if are_writes:
                self._write(cast("Iterable[FileWrite]", items))
            else:
                for action in cast("Iterable[Callable[[], None]]", items):
                    action()
                    self._worker.mark_progress()

    def _write(self, writes: Iterable[FileWrite]) -> None:
        by_file: dict[LogFile, list[LineBatch]] = {}
        for file, batch in writes:
            by_file.setdefault(file, []).append(batch)
        for file, batches in by_file.items():
            file.write(batches)
            self._worker.mark_progress()
            self._update_failing(file)

    def _update_failing(self, file: LogFile) -> None:
        if file.error:
            self._failing.add(file)
            self._warn_once(f"cannot write {file.path}: {file.error.strerror} (retrying every {RETRY_DELAY:.0f} s)")
        elif self._failing:
            self._failing.discard(file)
            self._has_warned = bool(self._failing)
        elif self._has_warned:
            self._has_warned = False

    def _warn_once(self, text: str) -> None:
        if not self._has_warned:
            self._has_warned = True
            logger.warning("%s", text)
