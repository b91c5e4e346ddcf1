"""The runs under way: the number of each, and who is told what the guardian says of it."""

from collections.abc import Callable

from pmtui.spawner.client import Report, Spawner, WorkerSpawnFailed, WorkerTreeExited
from pmtui.spawner.process_tree import MAX_RUNS


class Runs:
    """Gives every run a number of its own, for as long as something is left of it."""

    def __init__(self, spawner: Spawner) -> None:
        self.spawner = spawner
        self._listeners: dict[int, Callable[[Report], None]] = {}
        self._last = 0

    def number(self) -> int:
        """A number that no run has."""
        self._last = self._last % (MAX_RUNS - 1) + 1
        return self._last if self._last not in self._listeners else self.number()

    def expect(self, run: int, listener: Callable[[Report], None]) -> None:
        """What is reported of the run goes to the listener."""
        self._listeners[run] = listener

    def report(self, report: Report) -> None:
        """To be called with all that the guardian says."""
        is_last = isinstance(report, WorkerSpawnFailed | WorkerTreeExited)
        listener = self._listeners.pop(report.run) if is_last else self._listeners[report.run]
        listener(report)
