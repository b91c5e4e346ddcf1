"""A belt from the loop to a thread that may block: what is put on it is carried away in batches."""

import errno
import os
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
IDLE_DELAY = 0.05
"""Seconds between two batches of little: a wake-up for every line would cost more than the line."""
BATCH_BYTES = 256 << 10
"""Bytes that are worth a batch at once."""
BULK_DELAY = 0.003
"""Seconds that the little waits which follows such a batch: it may be the end of a flood."""
_INFINITY = float("inf")


class BatchWorker(Generic[T]):
    """Calls `carry(batch)` in a daemon thread of its own, there from the first item on. `carry` must not raise.

    `load` is what waits or is being carried, in bytes; keeping it bounded is up to those who put. `pull` is called
    before every batch: it may put more and wait a little for that, and False tells that it has nothing to wait for.
    """

    def __init__(self, name: str, carry: Callable[[list[T]], None], pull: Callable[[], bool] = bool) -> None:
        self.load = 0
        self._process = carry
        self._pull = pull
        self._items: list[T] = []
        self._waiting = 0  # the part of the load that is not being carried yet
        self._wake_threshold: float = 0  # how much has to wait for the thread to be woken
        self._last_progress = 0.0
        self._delay = IDLE_DELAY
        self._closing = False
        self._flush_requested = False
        self._changed = threading.Condition(threading.Lock())
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Has the thread before there is an item. OSError where the machine gives none."""
        if self._thread.ident is None:
            try:
                self._thread.start()
            except RuntimeError:
                raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from None

    def put(self, item: T, size: int) -> None:
        with self._changed:
            if not self.load:
                self._last_progress = time.monotonic()
            self._items.append(item)
            self._waiting += size
            self.load += size
            if self._waiting >= self._wake_threshold:
                self._changed.notify()
            self.start()

    def flush(self) -> None:
        """What waits is carried now, without the rest between batches, and `pull` is called."""
        with self._changed:
            self._flush_requested = True
            self._changed.notify()
            self.start()

    def mark_progress(self) -> None:
        """Told by `carry` whenever a part of its batch is done."""
        self._last_progress = time.monotonic()

    def stalled(self) -> float:
        """Seconds for which nothing has moved though there is something to move."""
        return time.monotonic() - self._last_progress if self.load else 0.0

    def close(self, patience: float) -> bool:
        """Waits until all is carried, or until nothing has moved for `patience` seconds: then False."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        while self._thread.is_alive():
            self._thread.join(0.05)
            if self.stalled() > patience:
                return False
        return True

    def has_ended(self) -> bool:
        return self._closing and not self._thread.is_alive()

    def _run(self) -> None:
        while (batch := self._next()) is not None:
            self._process(batch)
            del batch
            with self._changed:
                self.load = self._waiting
                self._last_progress = time.monotonic()

    def _next(self) -> list[T] | None:
        """All that waits, once it is enough, or has waited long enough, or there was more to pull. None at the end."""
        if self._closing or not self._pull():
            self._wait()
        with self._changed:
            if self._closing and not self._items:
                return None
            self._flush_requested = False
            self._wake_threshold = _INFINITY
            self._delay = BULK_DELAY if self._waiting >= BATCH_BYTES else IDLE_DELAY
            batch, self._items, self._waiting = self._items, [], 0
            return batch

    def _wait(self) -> None:
        with self._changed:
            self._wake_threshold = BATCH_BYTES
            self._changed.wait_for(self._is_due, self._delay)
            if not self._items and not self._is_due():
                self._wake_threshold = 0
                self._changed.wait_for(self._is_due)

    def _is_due(self) -> bool:
        return self._closing or self._flush_requested or (bool(self._items) and self._waiting >= self._wake_threshold)
