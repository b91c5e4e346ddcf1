"""The thread that owns the history: the loop hands it records and questions and never waits for the disk."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pmtui.history.errors import HistoryError
from pmtui.history.records import Record, weight
from pmtui.logs.files.batch_worker import BatchWorker

if TYPE_CHECKING:
    from pmtui.history.store import HistoryStore

ANSWER_TIMEOUT = 5.0
"""Seconds to wait for an answer; only a disk that hangs takes longer."""
CLOSE_TIMEOUT = 2.0
MAX_WAITING_BYTES = 1 << 20
"""Size of the records that may wait for a disk that hangs; later ones are lost."""
MAX_KEPT = 1000
"""Records kept in memory while the file cannot be written."""
QUESTION_BYTES = 1

T = TypeVar("T")
logger = logging.getLogger(__name__)


class Question(NamedTuple):
    ask: "Callable[[HistoryStore], Any]"
    answer: "Future[Any]"


class Recorder:
    """Writes and reads the file `path`. Logs one warning when it becomes unusable."""

    def __init__(self, path: Path, *, max_size: int, keep: float, clock: Callable[[], float] = time.time) -> None:
        self._path, self._max_size, self._keep, self._clock = path, max_size, keep, clock
        self._worker: BatchWorker[Record | Question] = BatchWorker("pmtui-history", self._process)
        self._store: HistoryStore | None = None
        self._unwritten: list[Record] = []
        self._problem = ""

    def record(self, records: Sequence[Record]) -> None:
        """Write the records soon; return immediately."""
        with suppress(OSError):  # no thread can be started; the next record tries again
            for record in records:
                if self._worker.load < MAX_WAITING_BYTES:
                    self._worker.put(record, weight(record))

    async def ask(self, ask: "Callable[[HistoryStore], T]") -> T:
        """Return the store's answer, which includes everything recorded before. Raises HistoryError."""
        answer: Future[T] = Future()
        try:
            self._worker.put(Question(ask, answer), QUESTION_BYTES)
            self._worker.flush()
            async with asyncio.timeout(ANSWER_TIMEOUT):
                return await asyncio.wrap_future(answer)
        except TimeoutError:
            raise HistoryError(f"the disk of {self._path} does not answer") from None
        except OSError as error:
            raise HistoryError(f"no thread can be started: {error.strerror}") from None

    def close(self) -> None:
        """Write what is left. Blocks, but only briefly if the disk hangs."""
        if self._worker.close(CLOSE_TIMEOUT) and self._store:
            self._store.close()

    # in the thread

    def _process(self, batch: list[Record | Question]) -> None:
        records = [item for item in batch if not isinstance(item, Question)]
        if records or self._problem:
            self._write([*self._unwritten, *records])
        for item in batch:
            if isinstance(item, Question) and item.answer.set_running_or_notify_cancel():
                self._answer(item)

    def _write(self, records: list[Record]) -> None:
        try:
            self._opened().write(records)
        except HistoryError as error:
            self._unwritten = records[-MAX_KEPT:]
            self._report(str(error))
        except Exception:  # the thread must not end
            self._unwritten = []
            logger.exception("history: %d records are lost", len(records))
        else:
            self._unwritten, self._problem = [], ""

    def _answer(self, question: Question) -> None:
        try:
            if self._problem:
                raise HistoryError(self._problem)
            question.answer.set_result(question.ask(self._opened()))
        except HistoryError as error:
            self._report(str(error))
            question.answer.set_exception(error)
        except Exception as error:  # a bug in the question concerns its caller only
            question.answer.set_exception(error)

    def _report(self, problem: str) -> None:
        if not self._problem:
            logger.warning("history: %s", problem)
        self._problem = problem

    def _opened(self) -> "HistoryStore":
        from pmtui.history.store import HistoryStore  # loads sqlite3, while the processes already run

        if self._store is None:
            self._store = HistoryStore(self._path, max_size=self._max_size, keep=self._keep, clock=self._clock)
        return self._store
