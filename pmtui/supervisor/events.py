"""What can happen to a process, and what is to be done about it: the words that states.py puts into sentences."""

from signal import Signals

import msgspec

from pmtui.control import Reason


class ExitStatus(msgspec.Struct, frozen=True):
    """How a run ended: its exit code, or the signal that ended it as a negative number."""

    code: int

    @property
    def signal(self) -> str | None:
        """The signal's name."""
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
    """The user wants it to run."""


class Restart(msgspec.Struct, frozen=True):
    """The user, or a changed file, wants a new run."""

    reason: Reason = Reason.USER
    detail: str = ""


class ConfigChanged(msgspec.Struct, frozen=True):
    """The configuration of the process has changed."""


class Stop(msgspec.Struct, frozen=True):
    """The user wants it not to run."""


class Kill(msgspec.Struct, frozen=True):
    """The user wants it gone now."""


class Remove(msgspec.Struct, frozen=True):
    """The configuration no longer has it."""


class DependenciesMet(msgspec.Struct, frozen=True):
    """Nothing stands in the way of a start."""


class DependenciesFailed(msgspec.Struct, frozen=True):
    """What it waits for can never come."""

    detail: str


class Spawned(msgspec.Struct, frozen=True):
    """The process executes."""

    generation: int


class SpawnFailed(msgspec.Struct, frozen=True):
    """The process could not be executed; `scarce`: because the machine lacks something for the moment."""

    generation: int
    detail: str
    transient: bool = False


class Ready(msgspec.Struct, frozen=True):
    """The health check says that it does its work."""

    generation: int


class Unhealthy(msgspec.Struct, frozen=True):
    """It did not become ready in time, does no longer do its work, or takes too much memory."""

    generation: int
    detail: str
    reason: Reason = Reason.HEALTH


class Exited(msgspec.Struct, frozen=True):
    """The leader has ended; what it left behind is being ended."""

    generation: int
    exit: ExitStatus


class TreeExited(msgspec.Struct, frozen=True):
    """Nothing of the run is left, and its output is read to the end."""

    generation: int


class TimerExpired(msgspec.Struct, frozen=True):
    """The timer that was set last has run down."""

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
    | TimerExpired
)


# effects


class AwaitDependencies(msgspec.Struct, frozen=True):
    """Look whether it may start, and say so by an event, now or later."""


class Spawn(msgspec.Struct, frozen=True):
    """Execute it, as the run of that generation."""

    generation: int


class TerminateTree(msgspec.Struct, frozen=True):
    """Ask the whole tree to end."""

    generation: int


class KillTree(msgspec.Struct, frozen=True):
    """End the whole tree."""

    generation: int


class SetTimer(msgspec.Struct, frozen=True):
    """TimeUp after so many seconds, in place of any timer set before."""

    generation: int
    seconds: float


class Warn(msgspec.Struct, frozen=True):
    """Tell people."""

    text: str


Effect = AwaitDependencies | Spawn | TerminateTree | KillTree | SetTimer | Warn
