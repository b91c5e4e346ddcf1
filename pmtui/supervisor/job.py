"""What is known of a process that runs by a schedule: when it is due, and its last runs."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from pmtui.control import JobRun, Status
from pmtui.supervisor.recent import Recent

if TYPE_CHECKING:
    from pmtui.supervisor.state import State

MAX_RUNS = 50
RUN_STATES = frozenset({Status.STARTING, Status.RUNNING, Status.STOPPING})


class Job:
    """Filled in by the monitor that starts jobs; `on_run_end` is called with the last state of a run that has ended."""

    def __init__(self) -> None:
        self.due = 0  # when it is started next, in milliseconds since 1970
        self.runs = Recent[JobRun](MAX_RUNS)  # newest last
        self.earlier_runs = 0  # under former managers
        self.failures = 0  # how often it was given up until it is due again
        self.missed = 0  # how often it was due while it could not be started
        self.on_run_end: Callable[[State], None] | None = None

    def observe(self, before: "State", after: "State") -> None:
        """Notice the end of a run, and that a job is given up."""
        if after.status is Status.SCHEDULED and before.status is not Status.SCHEDULED and after.detail:
            self.failures += 1
        if self.on_run_end and before.status in RUN_STATES and after.status not in RUN_STATES:
            self.on_run_end(before)
