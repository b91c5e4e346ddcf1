"""A queue to a thread that may block: items are processed in batches."""

import errno
import os
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
IDLE_DELAY = 0.05
"""Seconds between two small batches: a wake-up for every line would cost more than the line."""
BATCH_BYTES = 256 << 10
"""Bytes that are processed without delay."""
BULK_DELAY = 0.003
"""Seconds between such a batch and a small one: it may be the end of bulk output."""
_INFINITY = float("inf")


class BatchWorker(Generic[T]):
    """Runs `process(batch)` in a daemon thread, started with the first item. `process` must not raise.

    `load` is how many bytes wait or are being processed; callers of `put` keep it bounded. `pull` is called before each
    batch: it may put items and wait a little for them, and returns False if it has nothing to wait for.
    """

    def __init__(self, name: str, process: Callable[[list[T]], None], pull: Callable[[], bool] = bool) -> None:
        self.load = 0
        self._process = process
        self._pull = pull
        self._items: list[T] = []
        self._waiting = 0  # the part of `load` that is not being processed yet
        self._wake_threshold: float = 0  # bytes that have to wait for the thread to be woken
        self._last_progress = 0.0
        self._delay = IDLE_DELAY
        self._closing = False
        self._flush_requested = False
        self._changed = threading.Condition(threading.Lock())
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread now. Raises OSError if the machine has none left."""
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
        """Process what waits without delay, and call `pull`."""
        with self._changed:
            self._flush_requested = True
            self._changed.notify()
            self.start()

    def mark_progress(self) -> None:
        """Called by `process` when a part of its batch is done."""
        self._last_progress = time.monotonic()

    def stalled(self) -> float:
        """Return the seconds without progress while there are items."""
        return time.monotonic() - self._last_progress if self.load else 0.0

    def close(self, timeout: float) -> bool:
        """Wait until everything is processed. Return False after `timeout` seconds without progress."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        while self._thread.is_alive():
            self._thread.join(0.05)
            if self.stalled() > timeout:
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
        """Return all items as soon as they are many, have waited long enough or more was pulled; None at the end."""
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
