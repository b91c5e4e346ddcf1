"""What can happen to a process, and what is to be done about it: the words that states.py puts into sentences."""

from dataclasses import dataclass
from signal import Signals

from pmtui.control import Reason


@dataclass(frozen=True, slots=True)
class Exit:
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


@dataclass(frozen=True, slots=True)
class Start:
    """The user wants it to run."""


@dataclass(frozen=True, slots=True)
class Restart:
    """The user, or a changed file, wants a new run."""

    reason: Reason = Reason.USER
    why: str = ""


@dataclass(frozen=True, slots=True)
class Apply:
    """The configuration of the process has changed."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The user wants it not to run."""


@dataclass(frozen=True, slots=True)
class Kill:
    """The user wants it gone now."""


@dataclass(frozen=True, slots=True)
class Remove:
    """The configuration no longer has it."""


@dataclass(frozen=True, slots=True)
class DependenciesMet:
    """Nothing stands in the way of a start."""


@dataclass(frozen=True, slots=True)
class DependenciesImpossible:
    """What it waits for can never come."""

    why: str


@dataclass(frozen=True, slots=True)
class Spawned:
    """The process executes."""

    generation: int


@dataclass(frozen=True, slots=True)
class SpawnFailed:
    """The process could not be executed; `scarce`: because the machine lacks something for the moment."""

    generation: int
    why: str
    scarce: bool = False


@dataclass(frozen=True, slots=True)
class Ready:
    """The health check says that it does its work."""

    generation: int


@dataclass(frozen=True, slots=True)
class Unhealthy:
    """It did not become ready in time, does no longer do its work, or takes too much memory."""

    generation: int
    why: str
    reason: Reason = Reason.HEALTH


@dataclass(frozen=True, slots=True)
class Exited:
    """The leader has ended; what it left behind is being ended."""

    generation: int
    exit: Exit


@dataclass(frozen=True, slots=True)
class Emptied:
    """Nothing of the run is left, and its output is read to the end."""

    generation: int


@dataclass(frozen=True, slots=True)
class TimeUp:
    """The timer that was set last has run down."""

    generation: int


Event = (
    Start
    | Restart
    | Apply
    | Stop
    | Kill
    | Remove
    | DependenciesMet
    | DependenciesImpossible
    | Spawned
    | SpawnFailed
    | Ready
    | Unhealthy
    | Exited
    | Emptied
    | TimeUp
)


# effects


@dataclass(frozen=True, slots=True)
class AwaitDependencies:
    """Look whether it may start, and say so by an event, now or later."""


@dataclass(frozen=True, slots=True)
class Spawn:
    """Execute it, as the run of that generation."""

    generation: int


@dataclass(frozen=True, slots=True)
class EndTree:
    """Ask the whole tree to end."""

    generation: int


@dataclass(frozen=True, slots=True)
class KillTree:
    """End the whole tree."""

    generation: int


@dataclass(frozen=True, slots=True)
class SetTimer:
    """TimeUp after so many seconds, in place of any timer set before."""

    generation: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Alarm:
    """Tell people."""

    text: str


Effect = AwaitDependencies | Spawn | EndTree | KillTree | SetTimer | Alarm
