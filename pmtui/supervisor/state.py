"""What the state machine works on: a state, and the policy of the process."""

from enum import Enum, auto

import msgspec

from pmtui.config.model import MIN_HEALTHY_UPTIME, ProcessConfig, RestartPolicy
from pmtui.control import Reason, Requester, Status
from pmtui.supervisor.events import ExitStatus

ACTIVE_STATES = (Status.STARTING, Status.RUNNING)


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration says about restarts; durations in seconds."""

    restart: RestartPolicy = "always"
    success_exit_codes: frozenset[int] = frozenset({0})
    max_retries: int = 10
    backoff: float = 1.0
    max_backoff: float = 30.0
    healthy_after: float = 10.0
    stop_timeout: float = 5.0
    has_health_check: bool = False
    has_stop_command: bool = False
    is_detached: bool = False
    is_rolling: bool = False
    is_job: bool = False  # it runs by a schedule

    @property
    def retries(self) -> int:
        is_retried = self.restart == "on-failure" or (self.restart == "always" and not self.is_job)
        return self.max_retries if is_retried else 0

    def is_healthy_run(self, lifetime: float) -> bool:
        return not self.is_job and lifetime > self.healthy_after and lifetime >= MIN_HEALTHY_UPTIME


def policy_of(config: ProcessConfig) -> Policy:
    return Policy(
        restart=config.restart or ("never" if config.schedule else "always"),
        success_exit_codes=frozenset(config.success_exit_codes),
        max_retries=config.max_retries,
        backoff=config.backoff,
        max_backoff=config.max_backoff,
        healthy_after=config.healthy_after,
        stop_timeout=config.stop_timeout,
        has_health_check=config.health is not None,
        has_stop_command=config.stop_command is not None,
        is_detached=config.detached,
        is_rolling=config.rolling,
        is_job=config.schedule is not None,
    )


class Pending(Enum):
    """What happens once the process has stopped."""

    NONE = auto()
    RESTART = auto()  # requested by the user, or by a changed file
    APPLY = auto()  # the configuration has changed
    RETRY = auto()  # it was stopped as unhealthy, which counts as a crash
    REMOVE = auto()  # the configuration no longer has it


class SecondRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run beside the main one: the next run, or one that is to end. See `rolling`."""

    generation: int
    is_next: bool
    reason: Reason | None = None
    detail: str = ""
    is_started: bool = False
    spawned_at: float | None = None
    is_killed: bool = False


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that decides what happens next."""

    status: Status = Status.STOPPED
    should_run: bool = False
    requester: Requester = Requester.USER  # of the last start
    dependent: str | None = None  # whose start included this one
    pending: Pending = Pending.NONE
    generation: int = 0  # of the current run
    last_generation: int = 0
    starts: int = 0
    failures: int = 0
    spawned_at: float | None = None  # when the current run was spawned
    exited_at: float | None = None  # when its leader exited
    exit: ExitStatus | None = None
    ended_by_itself: bool = False  # the current run, without a request
    has_ended: bool = False  # any run so far, by itself or as unhealthy
    has_succeeded: bool = False  # any run so far, by itself
    restart_reason: Reason | None = None  # why the current run followed another one
    next_restart_reason: Reason | None = None  # why the next one will
    start_reason: Reason | None = None  # why the current run was started, also if it is the first
    detail: str = ""  # for people: what led to this state
    retry_at: float | None = None
    stop_requests: int = 0  # how often the user has asked to stop this run
    in_stop_command: bool = False  # the stop command runs; the stop signal follows
    is_tree_gone: bool = False  # while the stop command still runs
    killed: bool = False
    removed: bool = False
    second: SecondRun | None = None
    roll_again: tuple[Reason, str] | None = None  # a restart requested while there is a second run
    roll_error: str = ""  # why the last next run did not take over
    status_after: Status | None = None  # the main run has ended so, and only the second one is left

    @property
    def next_generation(self) -> int:
        return max(self.generation, self.last_generation) + 1

    @property
    def restarts(self) -> int:
        return max(0, self.starts - 1)

    @property
    def is_alive(self) -> bool:
        return self.spawned_at is not None and self.exited_at is None

    @property
    def is_cleaning_up(self) -> bool:
        """Whether it exited by itself and the rest of its tree is being killed: too brief to report."""
        return (
            self.status is Status.STOPPING
            and self.exited_at is not None
            and self.should_run
            and self.pending is Pending.NONE
        )

    @property
    def lifetime(self) -> float:
        """Seconds from the spawn to the exit of the leader; 0 if it was never spawned."""
        return self.exited_at - self.spawned_at if self.spawned_at is not None and self.exited_at is not None else 0.0
