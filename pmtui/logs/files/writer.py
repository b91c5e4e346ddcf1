"""The one thread that touches the disk for all processes."""

import logging
from collections.abc import Callable, Iterable
from functools import partial
from itertools import groupby
from typing import NamedTuple, cast

from pmtui.logs.capture.bulk_reader import BulkReader
from pmtui.logs.files.batch_worker import BatchWorker
from pmtui.logs.files.log_file import RETRY_DELAY, LineBatch, LogFile

logger = logging.getLogger(__name__)
STALL_TIMEOUT = 5.0
"""Seconds without progress after which lines are dropped, not held back."""
MAX_BUFFERED_BYTES = 8 << 20
"""Bytes that may wait while the disk moves: more would only be memory, the processes can wait for it."""
MAX_STALLED_BYTES = 64 << 20
"""Bytes that may wait while the disk does not move, before the processes have to."""
_CALL_BYTES = 1  # bytes that a call counts for: one that hangs is a disk that does not move, too
_STALL_DELAY = 0.1  # seconds without progress that are no stall yet
_FLUSH_TIMEOUT = 2.0  # seconds without progress after which the exit goes on without the rest


class FileWrite(NamedTuple):
    file: LogFile
    batch: LineBatch


Item = FileWrite | Callable[[], None]


class Writer:
    """Takes lines for files, and calls to be made when all before them is written; `floods` it reads itself.

    Logs one warning when writing fails or the disk does not move, and another only after all was well in between.
    """

    def __init__(self) -> None:
        self._has_warned = False
        self.bulk_reader = BulkReader(self._is_stalled, self._flush)
        self._worker: BatchWorker[Item] = BatchWorker("pmtui-log-writer", self._process, self.bulk_reader.pull)
        self._failing: set[LogFile] = set()
        self._lost: dict[LogFile, tuple[int, int]] = {}

    def start(self) -> None:
        """Has the thread now. OSError where the machine gives none."""
        self._worker.start()

    def write(self, file: LogFile, piece: LineBatch) -> None:
        if self._is_stuck():
            lines, size = self._lost.get(file, (0, 0))
            self._lost[file] = lines + piece.lines, size + piece.size
            return
        if self._lost:
            self._record_lost()
        self._worker.put(FileWrite(file, piece), piece.size)

    def lost(self, file: LogFile) -> int:
        """Bytes lost lately that the file does not know of yet."""
        return self._lost.get(file, (0, 0))[1]

    def call(self, action: Callable[[], None]) -> None:
        """Calls `action` in the writer's thread, after all that was put before; it must not raise."""
        self._worker.put(action, _CALL_BYTES)

    def call_soon(self, action: Callable[[], None]) -> None:
        """As `call`, but what waits is written at once. After `close` it is called here and now."""
        if self._worker.has_ended():
            action()
            return
        self._worker.put(action, _CALL_BYTES)
        self._worker.flush()

    def has_room(self) -> bool:
        """Whether more may come. While the disk moves there is no use in holding much; a stall is to go unnoticed."""
        load = self._worker.load
        if load <= MAX_BUFFERED_BYTES or (load <= MAX_STALLED_BYTES and self._is_stalled()):
            return True
        return self._is_stuck()

    def stalled(self) -> float:
        """Seconds for which nothing was written though something waits."""
        return self._worker.stalled()

    def _is_stalled(self) -> bool:
        return self.stalled() > _STALL_DELAY

    def _flush(self) -> None:
        self._worker.flush()

    def _is_stuck(self) -> bool:
        """Whether what comes has to be dropped: there is no room, and the disk has not moved for long."""
        if self._worker.load <= MAX_STALLED_BYTES or self.stalled() < STALL_TIMEOUT:
            return False
        self._warn_once(
            f"the disk of the logs has not moved for {STALL_TIMEOUT:.0f} s, lines are dropped until it does"
        )
        return True

    def _record_lost(self) -> None:
        for file, (lines, size) in self._lost.items():
            self._worker.put(partial(file.record_loss, lines, size), _CALL_BYTES)
        self._lost.clear()

    def close(self) -> None:
        """Writes what waits; gives up when nothing has moved for two seconds."""
        self._record_lost()
        if self._worker.close(_FLUSH_TIMEOUT):
            self.bulk_reader.close()

    def _process(self, batch: list[Item]) -> None:
        for is_portion, items in groupby(batch, lambda item: isinstance(item, FileWrite)):
            if is_portion:
                self._write(cast("Iterable[FileWrite]", items))
            else:
                for action in cast("Iterable[Callable[[], None]]", items):
                    action()
                    self._worker.mark_progress()

    def _write(self, portions: Iterable[FileWrite]) -> None:
        by_file: dict[LogFile, list[LineBatch]] = {}
        for file, piece in portions:
            by_file.setdefault(file, []).append(piece)
        for file, batch in by_file.items():
            file.write(batch)
            self._worker.mark_progress()
            self._update_failing(file)

    def _update_failing(self, file: LogFile) -> None:
        if file.error:
            self._failing.add(file)
            self._warn_once(f"cannot write {file.path}: {file.error.strerror} (tried again every {RETRY_DELAY:.0f} s)")
        elif self._failing:
            self._failing.discard(file)
            self._has_warned = bool(self._failing)
        elif self._has_warned:
            self._has_warned = False

    def _warn_once(self, text: str) -> None:
        if not self._has_warned:
            self._has_warned = True
            logger.warning("%s", text)
