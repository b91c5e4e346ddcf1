"""Work that may wait for a disk, done beside the loop by a few threads that never hold up the exit."""

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
    """What `work` returns or raises; UnavailableError where the machine has no thread for it.

    Unlike with asyncio's executor a stuck thread is left behind at the end.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            result = work()
        except Exception as error:
            _deliver(loop, answer.set_exception, error, answer)
        else:
            _deliver(loop, answer.set_result, result, answer)

    if len(_threads) < _MAX_THREADS:
        _add_thread()
    _queue.put(run)
    return await answer


def _add_thread() -> None:
    thread = threading.Thread(target=_serve, name="pmtui-log-reader", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        if not _threads:
            raise UnavailableError("The machine has no thread to read the logs with.") from None
    else:
        _threads.append(thread)


def _serve() -> None:
    while True:
        _queue.get()()


def _deliver(loop: asyncio.AbstractEventLoop, tell: Callable[[T], None], what: T, answer: asyncio.Future[U]) -> None:
    def arrive() -> None:
        if not answer.done():  # nobody waits for it any more
            tell(what)

    with suppress(RuntimeError):  # the loop has ended
        loop.call_soon_threadsafe(arrive)
