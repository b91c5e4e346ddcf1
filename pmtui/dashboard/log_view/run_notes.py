"""What is said at the start of a run: why it was started, and how the one before it ended."""

from collections.abc import Iterable, Mapping, Sequence

from pmtui.control import RESTART_TEXTS, Reason, RunExit, Snapshot, explain
from pmtui.dashboard.style.formats import printable
from pmtui.text.formatting import duration

MAX_REASON_LENGTH = 60
Run = tuple[str, int]


class RunNotes:
    """Collects what polls and details say about the runs of processes."""

    def __init__(self) -> None:
        self._causes: dict[Run, str] = {}
        self._ends: dict[Run, str] = {}
        self._counts: dict[str, int] = {}

    def observe(self, snapshots: Iterable[Snapshot]) -> set[str]:
        """Note why the current runs were started. Return the processes that have been restarted since the last call."""
        restarted = set()
        for row in snapshots:
            if row.restart_reason and row.pid:
                self._causes[row.id, row.run or row.restart_count + 1] = explain(row)[:MAX_REASON_LENGTH]
            if self._counts.get(row.id) != row.restart_count:
                self._counts[row.id] = row.restart_count
                restarted.add(row.id)
        return restarted

    def add_exits(self, process_id: str, exits: Sequence[RunExit]) -> None:
        for ended in exits:
            self._ends[process_id, ended.run] = exit_phrase(ended)

    def texts(self) -> Mapping[Run, str]:
        """Return the note of each run that something is known about."""
        runs = self._causes.keys() | {(process_id, run + 1) for process_id, run in self._ends}
        return {(process_id, run): self._text(process_id, run) for process_id, run in runs}

    def _text(self, process_id: str, run: int) -> str:
        cause, end = self._causes.get((process_id, run), ""), self._ends.get((process_id, run - 1))
        if not end:
            return printable(cause)
        kind, _, detail = cause.partition(": ")
        if detail and kind in (Reason.CRASH, Reason.EXIT):  # the detail is how the former run ended
            cause = RESTART_TEXTS[kind]
        return printable(" · ".join(filter(None, (cause, f"run {run - 1}: {end}"))))


def exit_phrase(ended: RunExit) -> str:
    seconds = ended.uptime_seconds
    lasted = f"{seconds:.1f} s" if seconds < 60 else duration(seconds)
    return f"{ended.signal or f'exit {ended.code}'} after {lasted}"
