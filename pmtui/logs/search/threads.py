"""Runs work that may wait for a disk in a few threads that never delay the exit."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import TypeVar

from pmtui.control import UnavailableError

T = TypeVar("T")
U = TypeVar("U")
_MAX_THREADS = 2
_queue: SimpleQueue[Callable[[], None]] = SimpleQueue()
_threads: list[threading.Thread] = []


async def run_in_thread(work: Callable[[], T]) -> T:
    """Return or raise what `work` does. Raises UnavailableError if the machine has no thread left.

    Unlike with asyncio's executor, the exit does not wait for a stuck thread.
    """
    outcome: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    def run() -> None:
        try:
            result = work()
        except Exception as error:
            _deliver(outcome, outcome.set_exception, error)
        else:
            _deliver(outcome, outcome.set_result, result)

    if len(_threads) < _MAX_THREADS:
        _add_thread()
    _queue.put(run)
    return await outcome


def _add_thread() -> None:
    thread = threading.Thread(target=_serve, name="pmtui-log-reader", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        if not _threads:
            raise UnavailableError("The machine has no thread left to read the logs with.") from None
    else:
        _threads.append(thread)


def _serve() -> None:
    while True:
        _queue.get()()


def _deliver(outcome: asyncio.Future[T], set_value: Callable[[U], None], value: U) -> None:
    with suppress(RuntimeError):  # the loop is closed
        outcome.get_loop().call_soon_threadsafe(lambda: None if outcome.done() else set_value(value))
