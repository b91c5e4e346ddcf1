"""One run of a process: what was spawned, and what it has said about itself."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pmtui.supervisor.notice import Notice

if TYPE_CHECKING:
    from pmtui.spawner.process_input import ProcessInput
    from pmtui.supervisor.events import ExitStatus
    from pmtui.supervisor.launch import PreparedLaunch


class Run:
    """`number` is the spawner's, `start` counts the starts of the process."""

    def __init__(self, generation: int = 0, start: int = 0) -> None:
        self.generation = generation
        self.start = start
        self.number = 0
        self.pid = 0
        self.started_at = 0  # wall clock in milliseconds, for display
        self.spawned_at = 0.0
        self.exit: ExitStatus | None = None
        self.exited_at = 0.0
        self.prepared: PreparedLaunch | None = None
        self.ports: Mapping[str, int] = {}
        self.notice = Notice()
        self.first_line = 0  # number of the first line it can have printed
        self.outputs: Sequence[int] = ()
        self.input: ProcessInput | None = None

    def close_input(self) -> None:
        if self.input:
            self.input.close()
            self.input = None
