"""The signals that ask a dashboard to leave."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

EXIT_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)


class ExitTarget(Protocol):
    """Who has to know that it is to leave."""

    def request_exit(self) -> None: ...


@contextmanager
def exit_on_signals(leaver: ExitTarget) -> Iterator[None]:
    """Each request to leave reaches the leaver at once, even while the terminal keeps the dashboard waiting.

    Python's own handlers, since those of a loop wait for it to turn.
    """

    def leave(number: int, frame: object) -> None:
        leaver.request_exit()

    before = {number: signal.signal(number, leave) for number in EXIT_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
