"""The signals that end a dashboard."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from pmtui.runtime.exit_signals import ExitSignals

EXIT_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)


class ExitTarget(Protocol):
    """Something that can be asked to exit."""

    def request_exit(self) -> None: ...


@contextmanager
def exit_on_signals(target: ExitTarget) -> Iterator[None]:
    """Pass each exit signal to the target at once, even while the terminal blocks the dashboard.

    These are Python's own handlers, because those of an event loop wait for its next turn.
    """

    signals = ExitSignals()

    def leave(number: int, frame: object) -> None:
        if signals.counts():
            target.request_exit()

    before = {number: signal.signal(number, leave) for number in EXIT_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
