"""Decides whom the keys are for while a terminal opens: those after the key that opens it are for the process."""

from collections.abc import Sequence

from textual.message import Message

from pmtui.dashboard.terminal.typed import Typed

HOLD_TIMEOUT = 5.0
"""Seconds after which the key that opens a terminal counts as lost, with the widget that had the focus."""


class TypeAhead:
    """Holds back what was typed after the key that opens a terminal, until that key has been handled."""

    def __init__(self) -> None:
        self._opener: Message | None = None
        self._held: list[Typed] = []

    def hold_after(self, opener: Message) -> None:
        self._opener = opener

    def holds(self, typed: Typed) -> bool:
        """Return whether this has to wait as well; then it is kept."""
        opener = self._opener
        if opener is None:
            return False
        if opener._stop_propagation or typed.time - opener.time > HOLD_TIMEOUT:
            self._opener = None
            self._held.clear()
            return False
        self._held.append(typed)
        return True

    def release(self, handled: Message) -> Sequence[Typed]:
        """Return what waited for this message to be handled."""
        if handled is not self._opener:
            return ()
        self._opener = None
        held, self._held = self._held, []
        return held
