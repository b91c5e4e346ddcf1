"""What a front can ask of a manager."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from typing import Any, Protocol, Unpack

from pmtui.control.logs import (
    LogFileInfo,
    LogLine,
    LogQuery,
    LogStream,
    PageQuery,
)
from pmtui.control.models import (
    MAX_EVENTS,
    ConfigChanges,
    Detail,
    Graph,
    JobRun,
    ManagerInfo,
    Operation,
    PastEvent,
    ProcessCounters,
    ProcessEvent,
    Result,
    Snapshot,
    Status,
    Stream,
    UsageHistory,
)
from pmtui.control.terminals import (
    TerminalEvent,
    TerminalScreen,
)


class Control(Protocol):
    """What a front can ask of a manager. Methods raise a `ControlError` that names the process concerned.

    `start`, `stop`, `restart` and `kill` return at once, but the status has changed by then, so `wait` waits for the
    outcome.
    """

    async def list(self) -> Sequence[Snapshot]:
        """Return all processes in config order."""

    async def get(self, process_id: str) -> Detail: ...

    async def start(self, process_id: str) -> None: ...

    async def stop(self, process_id: str) -> None: ...

    async def restart(self, process_id: str) -> None: ...

    async def roll(self, process_id: str) -> None:
        """Restart with a new run beside the old one, which ends only when the new one is ready."""

    async def kill(self, process_id: str) -> None:
        """Kill the whole tree; the process stays stopped."""

    async def wait(self, process_id: str, statuses: frozenset[Status]) -> Snapshot:
        """Return as soon as the process has one of `statuses`, or has ended otherwise and is not started again."""

    async def signal(self, process_id: str, name: str) -> None:
        """Send a signal (`SIGHUP`, `HUP` or `1`) to the main process."""

    async def bulk(
        self, operation: Operation, patterns: Sequence[str], *, wait: bool | None = None
    ) -> Sequence[Result]:
        """Apply the operation to every match of an id, a glob or `@group`; wait for the outcomes, by default of stops.

        A pattern without a match is a result too, with `ok` false.
        """

    async def logs(self, process_id: str, *, lines: int = 100, stream: Stream | None = None) -> Sequence[LogLine]:
        """Return the last lines, oldest first."""

    async def past_events(
        self, process_id: str, since: str, until: str = "", limit: int = MAX_EVENTS
    ) -> Sequence[PastEvent]:
        """Return the newest changes of status in that time, oldest first, including those of earlier managers.

        `since` and `until` are RFC 3339 times or durations before now.
        """

    async def usage_history(
        self, process_id: str, since: str = "1h", until: str = "", points: int = 300
    ) -> UsageHistory:
        """Return CPU, memory and probe latency in that time, at most `points` values each."""

    async def clear_logs(self, process_id: str) -> None:
        """Delete all lines, in memory and in files."""

    def events(self) -> AsyncIterator[ProcessEvent]:
        """Yield every change of state from now on."""

    async def history(self, process_id: str) -> Sequence[ProcessEvent]:
        """Return the last changes of state, oldest first."""

    async def runs(self, process_id: str) -> Sequence[JobRun]:
        """Return the last 50 runs of a job that have ended, newest first; none of a process without a schedule."""

    async def reveal(self, process_id: str, name: str) -> str:
        """Return a variable that is masked everywhere else. Refused if it would leave the machine."""

    async def preview(self) -> ConfigChanges:
        """Return what `reload` would change."""

    async def reload(self) -> ConfigChanges:
        """Read the config again and apply what has changed."""

    async def about(self) -> ManagerInfo: ...

    async def graph(self) -> Graph: ...

    async def send_input(
        self,
        process_id: str,
        data: bytes,
        *,
        end: bool = False,
        viewer: str | None = None,
        is_answer: bool = False,
    ) -> None:
        """Write to stdin, and then end it if `end` is set.

        Raises ConflictError if there is no stdin, or if not all was read in time. A viewer who types decides the size
        from now on. `is_answer`: a terminal's answer to the program, ignored unless the viewer decides the size.
        """

    async def resize(self, process_id: str, columns: int, rows: int, viewer: str | None = None) -> None:
        """Set the size of the terminal, or with `viewer` that of a viewer. Raises ConflictError without a terminal."""

    async def terminal(self, process_id: str, viewer: str) -> AsyncGenerator[TerminalEvent, None]:
        """Return what the terminal prints: the end of the output so far, then all of it, over all runs.

        A slow viewer misses output. Raises ConflictError without a terminal.
        """


class ManagerControl(Control, Protocol):
    """What the API needs besides."""

    async def outcome(self, process_id: str, operation: Operation) -> Result:
        """Wait until the operation just requested is done, cannot be done any more, or was overruled by another one."""

    async def logs(self, process_id: str, **query: Unpack[PageQuery]) -> Sequence[LogLine]:
        """Return the last lines that match, oldest first, from memory and files."""

    async def follow_logs(
        self, patterns: Sequence[str], after: Mapping[str, int] | None = None, **query: Unpack[LogQuery]
    ) -> LogStream:
        """Return the last lines that match and all future ones; for the ids in `after`, all lines after that number.

        A slow reader delays no other: it receives `DroppedLines` instead.
        """

    async def log_files(self, process_id: str) -> Sequence[LogFileInfo]:
        """Return the log files of the process, newest first."""

    async def last_event(self) -> int:
        """Return the `seq` of the newest event, 0 if there was none."""

    def replay(self, after: int) -> AsyncGenerator[ProcessEvent, None]:
        """Yield every change of state after that event. A gap in `seq` means that events were dropped."""

    async def figures(self) -> Sequence[ProcessCounters]: ...

    async def add(self, fields: Mapping[str, Any], lease: int | str | None = None) -> str:
        """Add a process that is not in the config, start it, and return its id.

        It is removed when its lease ends: the process with that pid is gone, or `renew` was not called for that
        duration. Raises RejectedError with all errors in `fields`, ConflictError if the id is taken.
        """

    async def remove(self, process_id: str) -> None:
        """End an added process and forget it. Raises ConflictError if the config has it."""

    async def renew(self, process_id: str) -> None:
        """Begin the duration of the lease again. Raises ConflictError if the process has no such lease."""

    async def screen(self, process_id: str) -> tuple[TerminalScreen, Sequence[str]]:
        """Return what the terminal shows, and its lines with colours. Raises ConflictError without a terminal."""
