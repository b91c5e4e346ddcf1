"""Events that happen to a process, and effects that the state machine answers with."""

from signal import Signals

import msgspec

from pmtui.control import Reason, Requester


class ExitStatus(msgspec.Struct, frozen=True):
    """An exit code, or the signal that killed the process as a negative number."""

    code: int

    @property
    def signal(self) -> str | None:
        if self.code >= 0:
            return None
        try:
            return Signals(-self.code).name
        except ValueError:  # a real-time signal
            return f"SIG{-self.code}"

    def __str__(self) -> str:
        return self.signal or f"exit {self.code}"


# events


class Start(msgspec.Struct, frozen=True):
    """The process is to run; `dependent` names the process whose start includes this one."""

    requester: Requester = Requester.USER
    dependent: str | None = None


class Restart(msgspec.Struct, frozen=True):
    """The user, a changed file or a schedule wants a new run."""

    reason: Reason = Reason.USER
    detail: str = ""
    rolling: bool = False
    """The old run goes on until the new one is ready."""


class ConfigChanged(msgspec.Struct, frozen=True):
    """The configuration of the process has changed; `was_job` if it had a schedule before."""

    was_job: bool = False


class Stop(msgspec.Struct, frozen=True):
    """The user wants the process to stop."""


class Kill(msgspec.Struct, frozen=True):
    """The user wants the whole tree killed now."""


class Remove(msgspec.Struct, frozen=True):
    """The process is to end and be forgotten: the configuration no longer has it, or `detail` says why."""

    detail: str = "no longer in the configuration"


class DependenciesMet(msgspec.Struct, frozen=True):
    """The process may start."""


class DependenciesFailed(msgspec.Struct, frozen=True):
    """A dependency can no longer be met."""

    detail: str


class Spawned(msgspec.Struct, frozen=True):
    """The program is running."""

    generation: int


class SpawnFailed(msgspec.Struct, frozen=True):
    """The program could not be executed; `transient` if the machine is short of a resource."""

    generation: int
    detail: str
    transient: bool = False


class Ready(msgspec.Struct, frozen=True):
    """The health check has succeeded for the first time."""

    generation: int


class Unhealthy(msgspec.Struct, frozen=True):
    """The process was not ready in time, stopped answering, or uses too much memory."""

    generation: int
    detail: str
    reason: Reason = Reason.HEALTH


class Exited(msgspec.Struct, frozen=True):
    """The leader has exited; the rest of its tree is being killed."""

    generation: int
    exit: ExitStatus


class TreeExited(msgspec.Struct, frozen=True):
    """Nothing of the run is left, and its output has been read to the end."""

    generation: int


class StopCommandEnded(msgspec.Struct, frozen=True):
    """The stop command has ended, or could not be run."""

    generation: int


class TurnCame(msgspec.Struct, frozen=True):
    """No other instance is being replaced any more."""

    generation: int


class TimerExpired(msgspec.Struct, frozen=True):
    """The timer set last has run out."""

    generation: int


Event = (
    Start
    | Restart
    | ConfigChanged
    | Stop
    | Kill
    | Remove
    | DependenciesMet
    | DependenciesFailed
    | Spawned
    | SpawnFailed
    | Ready
    | Unhealthy
    | Exited
    | TreeExited
    | StopCommandEnded
    | TurnCame
    | TimerExpired
)


# effects


class AwaitDependencies(msgspec.Struct, frozen=True):
    """Answer with DependenciesMet or DependenciesFailed, now or later."""


class Spawn(msgspec.Struct, frozen=True):
    """Execute the program as the run of that generation."""

    generation: int


class AwaitTurn(msgspec.Struct, frozen=True):
    """Answer with TurnCame, now or later."""

    generation: int


class Promote(msgspec.Struct, frozen=True):
    """The run of that generation is the main one now, and the one before is the second."""

    generation: int


class TerminateTree(msgspec.Struct, frozen=True):
    """Send the stop signal to the whole tree."""

    generation: int


class RunStopCommand(msgspec.Struct, frozen=True):
    """Run the stop command, and answer with StopCommandEnded."""

    generation: int


class KillTree(msgspec.Struct, frozen=True):
    """Send SIGKILL to the whole tree; `overdue` if that is because the stop signal had no effect in time."""

    generation: int
    overdue: bool = False


class SetTimer(msgspec.Struct, frozen=True):
    """Send TimerExpired after that many seconds; replaces the timer set before for that run."""

    generation: int
    seconds: float


class Warn(msgspec.Struct, frozen=True):
    """Log a warning."""

    text: str


Effect = AwaitDependencies | AwaitTurn | Spawn | Promote | TerminateTree | RunStopCommand | KillTree | SetTimer | Warn
