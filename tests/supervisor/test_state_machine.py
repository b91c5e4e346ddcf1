"""The transition table, row by row, and random sequences of events on a fake clock."""

from dataclasses import dataclass, field
from random import Random
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from pmtui.config.model import MIN_RESTART_DELAY, RestartPolicy
from pmtui.control import IDLE_STATES, Reason, Requester, Status
from pmtui.supervisor.events import (
    AwaitDependencies,
    ConfigChanged,
    DependenciesFailed,
    DependenciesMet,
    Effect,
    Event,
    Exited,
    ExitStatus,
    Kill,
    KillTree,
    Ready,
    Remove,
    Restart,
    RunStopCommand,
    SetTimer,
    Spawn,
    Spawned,
    SpawnFailed,
    Start,
    Stop,
    StopCommandEnded,
    TerminateTree,
    TimerExpired,
    TreeExited,
    Unhealthy,
    Warn,
)
from pmtui.supervisor.state import ACTIVE_STATES, Pending, Policy, State
from pmtui.supervisor.state_machine import HANDLERS, KILL_TIMEOUT, backoff_delay, transition

POLICY = Policy()
CHECKED = Policy(has_health_check=True)

STOPPED = State()
WAITING = State(status=Status.WAITING, should_run=True)
STARTING = State(status=Status.STARTING, should_run=True, generation=1, starts=1)
RUNNING = State(status=Status.RUNNING, should_run=True, generation=1, starts=1, spawned_at=100.0)
STOPPING = replace(RUNNING, status=Status.STOPPING, should_run=False, stop_requests=1)
CRASHED = replace(
    RUNNING,
    status=Status.CRASHED,
    exited_at=101.0,
    exit=ExitStatus(1),
    failures=3,
    next_restart_reason=Reason.CRASH,
    retry_at=105.0,
)
FAILED = replace(CRASHED, status=Status.FAILED, failures=11, next_restart_reason=None)
COMPLETED = replace(CRASHED, status=Status.COMPLETED, exit=ExitStatus(0), failures=0, next_restart_reason=None)
SCHEDULED = State(status=Status.SCHEDULED, should_run=True)
STATES = (STOPPED, WAITING, STARTING, RUNNING, STOPPING, CRASHED, FAILED, COMPLETED, SCHEDULED)
ALL = {state.status: state for state in STATES}

Row = tuple[State, Event, Policy, Status, tuple[Effect, ...]]
LOOK = (AwaitDependencies(),)
END = (TerminateTree(1), SetTimer(1, 5.0))
KILL = (KillTree(1), SetTimer(1, KILL_TIMEOUT))
OVERDUE = (KillTree(1, overdue=True), SetTimer(1, KILL_TIMEOUT))
COMMANDED = Policy(has_stop_command=True)
COMMAND = (RunStopCommand(1), SetTimer(1, 5.0))
IN_COMMAND = replace(STOPPING, in_stop_command=True)
GONE_IN_COMMAND = replace(IN_COMMAND, is_tree_gone=True, exited_at=102.0)
DETACHED = Policy(is_detached=True)
JOB = Policy(is_job=True, restart="never")
RETRIED = Policy(is_job=True, restart="on-failure", max_retries=2)
DUE = Restart(Reason.SCHEDULE)
ENDING = replace(RUNNING, status=Status.STOPPING, ended_by_itself=True, killed=True, exited_at=100.5)
DONE, BAD = replace(ENDING, exit=ExitStatus(0)), replace(ENDING, exit=ExitStatus(3))
LONG = replace(BAD, exited_at=900.0)
OVERDUE_JOB = replace(BAD, ended_by_itself=False, pending=Pending.RETRY, next_restart_reason=Reason.DEADLINE)

TABLE: list[Row] = [
    (STOPPED, Start(), POLICY, Status.WAITING, LOOK),
    (STOPPED, Restart(), POLICY, Status.WAITING, LOOK),
    (STOPPED, Stop(), POLICY, Status.STOPPED, ()),
    (STOPPED, Restart(Reason.WATCH), POLICY, Status.STOPPED, ()),
    (STOPPED, ConfigChanged(), POLICY, Status.STOPPED, ()),
    (COMPLETED, Start(), POLICY, Status.WAITING, LOOK),
    (COMPLETED, Restart(), POLICY, Status.WAITING, LOOK),
    (FAILED, Start(), POLICY, Status.WAITING, LOOK),
    (FAILED, Restart(), POLICY, Status.WAITING, LOOK),
    (FAILED, Restart(Reason.WATCH), POLICY, Status.WAITING, LOOK),
    (FAILED, ConfigChanged(), POLICY, Status.WAITING, LOOK),
    (FAILED, Stop(), POLICY, Status.STOPPED, ()),
    (WAITING, DependenciesMet(), POLICY, Status.STARTING, (Spawn(1),)),
    (WAITING, DependenciesFailed("db failed"), POLICY, Status.FAILED, ()),
    (WAITING, Stop(), POLICY, Status.STOPPED, ()),
    (WAITING, Restart(), POLICY, Status.WAITING, ()),
    (STARTING, SpawnFailed(1, "no such file"), POLICY, Status.CRASHED, (SetTimer(1, 1.0),)),
    (STARTING, SpawnFailed(1, "no such file"), Policy(max_retries=0), Status.FAILED, ()),
    (STARTING, SpawnFailed(1, "no such file"), Policy(restart="never"), Status.FAILED, ()),
    (STARTING, SpawnFailed(1, "EMFILE", transient=True), POLICY, Status.CRASHED, (Warn("EMFILE"), SetTimer(1, 1.0))),
    (STARTING, Spawned(1), POLICY, Status.RUNNING, ()),
    (STARTING, Spawned(1), CHECKED, Status.STARTING, ()),
    (STARTING, Stop(), POLICY, Status.STOPPING, ()),
    (replace(STARTING, spawned_at=100.0), Ready(1), CHECKED, Status.RUNNING, ()),
    (replace(STARTING, spawned_at=100.0), Unhealthy(1, "late"), CHECKED, Status.STOPPING, END),
    (RUNNING, Stop(), POLICY, Status.STOPPING, END),
    (RUNNING, Kill(), POLICY, Status.STOPPING, KILL),
    (RUNNING, Restart(), POLICY, Status.STOPPING, END),
    (RUNNING, Restart(Reason.WATCH), POLICY, Status.STOPPING, END),
    (RUNNING, ConfigChanged(), POLICY, Status.STOPPING, END),
    (RUNNING, Remove(), POLICY, Status.STOPPING, END),
    (RUNNING, Unhealthy(1, "timeout"), CHECKED, Status.STOPPING, END),
    (RUNNING, Start(), POLICY, Status.RUNNING, ()),
    (STOPPING, TimerExpired(1), POLICY, Status.STOPPING, OVERDUE),
    (RUNNING, Stop(), COMMANDED, Status.STOPPING, COMMAND),
    (IN_COMMAND, Exited(1, ExitStatus(0)), COMMANDED, Status.STOPPING, ()),
    (IN_COMMAND, TreeExited(1), COMMANDED, Status.STOPPING, ()),
    (IN_COMMAND, StopCommandEnded(1), COMMANDED, Status.STOPPING, END),
    (IN_COMMAND, TimerExpired(1), COMMANDED, Status.STOPPING, END),
    (IN_COMMAND, Kill(), COMMANDED, Status.STOPPING, KILL),
    (GONE_IN_COMMAND, StopCommandEnded(1), COMMANDED, Status.STOPPED, ()),
    (GONE_IN_COMMAND, TimerExpired(1), COMMANDED, Status.STOPPED, ()),
    (GONE_IN_COMMAND, Kill(), COMMANDED, Status.STOPPED, ()),
    (RUNNING, Exited(1, ExitStatus(0)), DETACHED, Status.RUNNING, ()),
    (RUNNING, Exited(1, ExitStatus(1)), DETACHED, Status.STOPPING, (SetTimer(1, KILL_TIMEOUT),)),
    (STOPPING, TreeExited(1), DETACHED, Status.STOPPED, ()),
    (STOPPING, Stop(), POLICY, Status.STOPPING, ()),
    (replace(STOPPING, stop_requests=2), Stop(), POLICY, Status.STOPPING, KILL),
    (STOPPING, Start(), POLICY, Status.STOPPING, ()),
    (STOPPING, Restart(), POLICY, Status.STOPPING, ()),
    (STOPPING, TreeExited(1), POLICY, Status.STOPPED, ()),
    (replace(STOPPING, should_run=True, pending=Pending.RESTART), TreeExited(1), POLICY, Status.WAITING, LOOK),
    (replace(STOPPING, should_run=True, pending=Pending.APPLY), TreeExited(1), POLICY, Status.WAITING, LOOK),
    (
        replace(STOPPING, should_run=True, pending=Pending.RETRY),
        TreeExited(1),
        POLICY,
        Status.CRASHED,
        (SetTimer(1, 1.0),),
    ),
    (CRASHED, TimerExpired(1), POLICY, Status.WAITING, LOOK),
    (CRASHED, Stop(), POLICY, Status.STOPPED, ()),
    (CRASHED, Start(), POLICY, Status.WAITING, LOOK),
    (CRASHED, Restart(), POLICY, Status.WAITING, LOOK),
    (CRASHED, Restart(Reason.WATCH), POLICY, Status.WAITING, LOOK),
    (CRASHED, ConfigChanged(), POLICY, Status.WAITING, LOOK),
]
BY_CONFIG, AS_DEPENDENCY = Start(Requester.CONFIG), Start(Requester.DEPENDENT, "web")
TABLE += [
    (STOPPED, BY_CONFIG, JOB, Status.SCHEDULED, ()),
    (STOPPED, AS_DEPENDENCY, JOB, Status.SCHEDULED, ()),
    (STOPPED, Start(), JOB, Status.WAITING, LOOK),
    (STOPPED, DUE, JOB, Status.STOPPED, ()),
    (SCHEDULED, DUE, JOB, Status.WAITING, LOOK),
    (SCHEDULED, Restart(Reason.CATCH_UP), JOB, Status.WAITING, LOOK),
    (SCHEDULED, Start(), JOB, Status.WAITING, LOOK),
    (SCHEDULED, Restart(), JOB, Status.WAITING, LOOK),
    (SCHEDULED, BY_CONFIG, JOB, Status.SCHEDULED, ()),
    (SCHEDULED, AS_DEPENDENCY, JOB, Status.SCHEDULED, ()),
    (SCHEDULED, Restart(Reason.WATCH), JOB, Status.SCHEDULED, ()),
    (SCHEDULED, Restart(Reason.DEPENDENCY), JOB, Status.SCHEDULED, ()),
    (SCHEDULED, ConfigChanged(was_job=True), JOB, Status.SCHEDULED, ()),
    (SCHEDULED, ConfigChanged(was_job=True), POLICY, Status.WAITING, LOOK),
    (SCHEDULED, Stop(), JOB, Status.STOPPED, ()),
    (SCHEDULED, Kill(), JOB, Status.STOPPED, ()),
    (SCHEDULED, Remove(), JOB, Status.STOPPED, ()),
    (WAITING, DependenciesFailed("db failed"), JOB, Status.SCHEDULED, ()),
    (STARTING, SpawnFailed(1, "no such file"), JOB, Status.SCHEDULED, ()),
    (STARTING, SpawnFailed(1, "no such file"), RETRIED, Status.SCHEDULED, ()),
    (STARTING, SpawnFailed(1, "EMFILE", transient=True), JOB, Status.CRASHED, (Warn("EMFILE"), SetTimer(1, 1.0))),
    (RUNNING, Start(), JOB, Status.RUNNING, ()),
    (RUNNING, DUE, JOB, Status.STOPPING, END),
    (RUNNING, Stop(), JOB, Status.STOPPING, END),
    (RUNNING, ConfigChanged(was_job=True), JOB, Status.RUNNING, ()),
    (RUNNING, ConfigChanged(), JOB, Status.STOPPING, END),
    (RUNNING, Unhealthy(1, "late", Reason.DEADLINE), JOB, Status.STOPPING, END),
    (COMPLETED, ConfigChanged(), JOB, Status.SCHEDULED, ()),
    (STOPPING, TreeExited(1), JOB, Status.STOPPED, ()),
    (replace(STOPPING, should_run=True, pending=Pending.APPLY), TreeExited(1), JOB, Status.SCHEDULED, ()),
    (replace(STOPPING, should_run=True, pending=Pending.RESTART), TreeExited(1), JOB, Status.WAITING, LOOK),
    (replace(STOPPING, should_run=True), TreeExited(1), RETRIED, Status.SCHEDULED, ()),
    (DONE, TreeExited(1), JOB, Status.SCHEDULED, ()),
    (DONE, TreeExited(1), Policy(is_job=True), Status.SCHEDULED, ()),
    (DONE, TreeExited(1), RETRIED, Status.SCHEDULED, ()),
    (BAD, TreeExited(1), JOB, Status.SCHEDULED, ()),
    (BAD, TreeExited(1), Policy(is_job=True), Status.SCHEDULED, ()),
    (BAD, TreeExited(1), RETRIED, Status.CRASHED, (SetTimer(1, 1.0),)),
    (replace(BAD, failures=2), TreeExited(1), RETRIED, Status.SCHEDULED, ()),
    (LONG, TreeExited(1), RETRIED, Status.CRASHED, (SetTimer(1, 1.0),)),
    (OVERDUE_JOB, TreeExited(1), JOB, Status.SCHEDULED, ()),
    (OVERDUE_JOB, TreeExited(1), RETRIED, Status.CRASHED, (SetTimer(1, 1.0),)),
    (CRASHED, DUE, RETRIED, Status.WAITING, LOOK),
]


def name(row: object) -> str:
    if isinstance(row, State):
        return row.status.value
    return type(row).__name__ if isinstance(row, get_args(Event)) else ""


@pytest.mark.parametrize(("state", "event", "policy", "status", "effects"), TABLE, ids=name)
def test_transition(state: State, event: Event, policy: Policy, status: Status, effects: tuple[Effect, ...]) -> None:
    after, done = transition(state, event, policy, 101.0)
    assert (after.status, done) == (status, effects)


def sample(kind: type[Event], generation: int) -> Event:
    fields: dict[str, Any] = {"generation": generation, "detail": "why", "exit": ExitStatus(1)}
    return kind(**{key: value for key, value in fields.items() if key in kind.__struct_fields__})


@pytest.mark.parametrize("kind", get_args(Event), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("status", Status)
def test_every_state_answers_every_event(status: Status, kind: type[Event]) -> None:
    after, _ = transition(ALL[status], sample(kind, ALL[status].generation), POLICY, 200.0)
    assert after.status in Status


def test_every_kind_of_event_has_a_handler() -> None:
    assert set(HANDLERS) == set(get_args(Event))


@pytest.mark.parametrize("status", Status)
def test_an_event_of_an_older_generation_is_dropped(status: Status) -> None:
    state = replace(ALL[status], generation=7)
    for kind in get_args(Event):
        if "generation" in kind.__struct_fields__:
            assert transition(state, sample(kind, 6), POLICY, 200.0) == (state, ())


def crash_at(lifetime: float, state: State, policy: Policy, code: int = 1) -> State:
    state, _ = transition(state, Exited(1, ExitStatus(code)), policy, 100.0 + lifetime)
    state, _ = transition(state, TreeExited(1), policy, 100.0 + lifetime)
    return state


def test_a_crash_after_a_healthy_run_restarts_immediately_and_resets_failures() -> None:
    after = crash_at(10.1, replace(RUNNING, failures=4), POLICY)
    assert (after.status, after.failures, after.next_restart_reason) == (Status.WAITING, 0, Reason.CRASH)


def test_a_crash_after_exactly_the_healthy_time_is_still_a_failure() -> None:
    after = crash_at(10.0, replace(RUNNING, failures=4), POLICY)
    assert (after.status, after.failures, after.retry_at) == (Status.CRASHED, 5, 110.0 + 16.0)


def test_the_failure_after_the_last_retry_is_final() -> None:
    after = crash_at(1.2, replace(RUNNING, failures=10), POLICY)
    assert (after.status, after.failures, after.detail) == (Status.FAILED, 11, "exit 1 after 1.2 s")


def test_without_a_limit_there_is_always_another_retry() -> None:
    after = crash_at(1.2, replace(RUNNING, failures=10_000), Policy(max_retries=-1))
    assert (after.status, after.retry_at) == (Status.CRASHED, 101.2 + 30.0)


def test_no_retries_means_none_after_a_healthy_run_either() -> None:
    assert crash_at(60.0, RUNNING, Policy(max_retries=0)).status is Status.FAILED


def test_a_successful_exit_counts_as_a_failure_if_the_policy_is_always() -> None:
    after = crash_at(0.1, RUNNING, POLICY, code=0)
    assert (after.status, after.failures, after.next_restart_reason) == (Status.CRASHED, 1, Reason.EXIT)


@pytest.mark.parametrize(
    ("policy", "code", "status"),
    [
        ("on-failure", 0, Status.COMPLETED),
        ("on-failure", 3, Status.COMPLETED),
        ("on-failure", 1, Status.CRASHED),
        ("on-failure", -9, Status.CRASHED),
        ("never", 0, Status.COMPLETED),
        ("never", 3, Status.COMPLETED),
        ("never", 1, Status.FAILED),
        ("never", -11, Status.FAILED),
    ],
)
def test_the_restart_policy_decides_after_an_exit(policy: RestartPolicy, code: int, status: Status) -> None:
    rules = Policy(restart=policy, success_exit_codes=frozenset({0, 3}))
    assert crash_at(0.1, RUNNING, rules, code).status is status


def test_a_one_shot_that_failed_keeps_how_it_ended() -> None:
    after = crash_at(0.1, RUNNING, Policy(restart="never"), code=2)
    assert (after.detail, after.failures, after.retry_at) == ("exit 2 after 0.1 s", 1, None)


@pytest.mark.parametrize("lifetime", [0.0, 0.004, 0.999])
@pytest.mark.parametrize("policy", [Policy(healthy_after=0.0), Policy(healthy_after=0.0, backoff=0.0, max_backoff=0.0)])
def test_a_run_under_a_second_is_never_a_healthy_one(policy: Policy, lifetime: float) -> None:
    after = crash_at(lifetime, replace(RUNNING, failures=4), policy)
    assert (after.status, after.failures) == (Status.CRASHED, 5)
    assert after.retry_at is not None
    assert after.retry_at - (100.0 + lifetime) >= MIN_RESTART_DELAY - 1e-9


def test_a_run_of_a_second_is_long_enough_if_the_setting_says_so() -> None:
    assert crash_at(1.0, replace(RUNNING, failures=4), Policy(healthy_after=0.0)).status is Status.WAITING


@pytest.mark.parametrize("backoff", [0.0, 1e-9, 1.0])
@pytest.mark.parametrize("unhealthy", [True, False])
def test_no_setting_leads_to_more_than_ten_starts_a_second(backoff: float, unhealthy: bool) -> None:
    policy = Policy(max_retries=-1, backoff=backoff, max_backoff=0.0, healthy_after=0.0, stop_timeout=0.0)
    state, now, starts = replace(STOPPED, should_run=True), 100.0, 0
    state, _ = transition(state, Start(), policy, now)
    while now < 110.0:
        state, _ = transition(state, DependenciesMet(), policy, now)
        starts += 1
        state, _ = transition(state, Spawned(state.generation), policy, now)
        if unhealthy:
            state, _ = transition(state, Unhealthy(state.generation, "ill"), policy, now)
        state, _ = transition(state, Exited(state.generation, ExitStatus(1)), policy, now)
        state, effects = transition(state, TreeExited(state.generation), policy, now)
        (timer,) = effects
        assert isinstance(timer, SetTimer)
        now += timer.seconds
        state, _ = transition(state, TimerExpired(state.generation), policy, now)
    assert starts <= 101


def test_a_process_that_cannot_be_killed_is_reported_at_intervals() -> None:
    state = replace(STOPPING, killed=True)
    _, effects = transition(state, TimerExpired(1), Policy(max_backoff=0.0), 120.0)
    assert effects[1] == SetTimer(1, KILL_TIMEOUT)


def test_an_end_is_remembered_over_later_runs() -> None:
    state = crash_at(0.1, RUNNING, Policy(restart="on-failure"), code=0)
    assert (state.has_ended, state.has_succeeded) == (True, True)
    for event in (Start(), DependenciesMet(), Spawned(2), Stop(), Exited(2, ExitStatus(-15)), TreeExited(2)):
        state, _ = transition(state, event, POLICY, 200.0)
        assert (state.has_ended, state.has_succeeded) == (True, True)


@pytest.mark.parametrize(("code", "has_succeeded"), [(0, True), (1, False), (-9, False)])
def test_what_ends_by_itself_has_ended_and_with_a_good_code_succeeded(code: int, has_succeeded: bool) -> None:
    state = crash_at(0.1, RUNNING, POLICY, code)
    assert (state.has_ended, state.has_succeeded) == (True, has_succeeded)


@pytest.mark.parametrize("request_", [Stop(), Restart(), ConfigChanged()])
def test_an_end_on_request_counts_as_none(request_: Event) -> None:
    state, _ = transition(RUNNING, request_, POLICY, 101.0)
    for event in (Exited(1, ExitStatus(0)), TreeExited(1)):
        state, _ = transition(state, event, POLICY, 101.0)
    assert (state.has_ended, state.has_succeeded) == (False, False)


def test_an_exit_that_races_a_stop_ends_in_stopped() -> None:
    state, _ = transition(RUNNING, Exited(1, ExitStatus(1)), POLICY, 101.0)
    state, _ = transition(state, Stop(), POLICY, 101.0)
    state, _ = transition(state, TreeExited(1), POLICY, 101.0)
    assert state.status is Status.STOPPED


def test_a_stop_before_the_spawn_is_confirmed_ends_the_spawned_process() -> None:
    state, _ = transition(STARTING, Stop(), POLICY, 100.0)
    state, effects = transition(state, Spawned(1), POLICY, 100.1)
    assert (state.status, effects) == (Status.STOPPING, END)


def test_a_removal_is_never_overruled() -> None:
    state, _ = transition(RUNNING, Remove(), POLICY, 101.0)
    for event in (Restart(), Start(), ConfigChanged(), Stop()):
        state, _ = transition(state, event, POLICY, 101.0)
    state, _ = transition(state, TreeExited(1), POLICY, 102.0)
    assert state.removed


def test_the_first_start_is_no_restart_and_every_later_one_has_a_reason() -> None:
    state, _ = transition(STOPPED, Start(), POLICY, 0.0)
    state, _ = transition(state, DependenciesMet(), POLICY, 0.0)
    assert (state.restarts, state.restart_reason) == (0, None)
    state, _ = transition(state, Spawned(1), POLICY, 0.0)
    state, _ = transition(state, Restart(Reason.WATCH, "agent.py changed"), POLICY, 1.0)
    state, _ = transition(state, Exited(1, ExitStatus(-15)), POLICY, 1.0)
    state, _ = transition(state, TreeExited(1), POLICY, 1.0)
    state, _ = transition(state, DependenciesMet(), POLICY, 1.0)
    assert (state.restarts, state.restart_reason, state.detail) == (1, Reason.WATCH, "agent.py changed")


def test_a_process_that_sigkill_cannot_end_is_reported_and_never_started_twice() -> None:
    state = replace(STOPPING, should_run=True, pending=Pending.RESTART, killed=True)
    after, effects = transition(state, TimerExpired(1), POLICY, 120.0)
    assert after == state
    assert [type(effect) for effect in effects] == [Warn, SetTimer]


def test_a_start_puts_a_job_that_is_being_stopped_back_on_its_schedule() -> None:
    state, _ = transition(STOPPING, BY_CONFIG, JOB, 101.0)
    state, _ = transition(state, TreeExited(1), JOB, 102.0)
    assert (state.status, state.should_run, state.detail) == (Status.SCHEDULED, True, "")


def test_a_job_that_failed_keeps_why_until_it_succeeds() -> None:
    state, _ = transition(replace(BAD, detail="exit 3 after 0.5 s"), TreeExited(1), JOB, 102.0)
    assert (state.status, state.detail, state.failures) == (Status.SCHEDULED, "exit 3 after 0.5 s", 1)
    for event in (DUE, DependenciesMet(), Spawned(2), Exited(2, ExitStatus(0)), TreeExited(2)):
        state, _ = transition(state, event, JOB, 200.0)
    assert (state.status, state.detail, state.failures) == (Status.SCHEDULED, "", 0)
    assert (state.start_reason, state.has_succeeded) == (Reason.SCHEDULE, True)


@dataclass
class World:
    """Carries out effects, late or never, as a machine would."""

    random: Random
    policy: Policy
    state: State = field(default_factory=State)
    now: float = 1000.0
    spawning: set[int] = field(default_factory=set)
    alive: set[int] = field(default_factory=set)
    emptying: set[int] = field(default_factory=set)
    timer: tuple[float, int] | None = None
    looking: bool = False
    commanding: int | None = None

    def feed(self, event: Event) -> None:
        self.state, effects = transition(self.state, event, self.policy, self.now)
        for effect in effects:
            self.carry_out(effect)
        assert len(self.spawning | self.alive | self.emptying) <= 1, "two live generations"
        if self.state.status in IDLE_STATES or self.state.status is Status.CRASHED:
            assert not self.spawning | self.alive | self.emptying, f"{self.state.status} while something is left"

    def carry_out(self, effect: Effect) -> None:
        match effect:
            case AwaitDependencies():
                self.looking = True
            case Spawn(generation):
                self.spawning.add(generation)
            case RunStopCommand(generation):
                self.commanding = generation
            case KillTree(generation) if generation in self.alive:
                self.end(generation, -9)
            case SetTimer(generation, seconds):
                self.timer = self.now + seconds, generation
            case _:
                pass

    def end(self, generation: int, code: int) -> None:
        self.alive.discard(generation)
        self.emptying.add(generation)
        self.feed(Exited(generation, ExitStatus(code)))

    def end_command(self) -> None:
        generation, self.commanding = self.commanding, None
        self.feed(StopCommandEnded(generation or 0))

    def move(self) -> None:
        """Let something happen by itself."""
        self.now += self.random.choice((0.001, 0.5, 12.0))
        generation = self.state.generation
        if self.looking and self.random.random() < 0.8:
            self.looking = False
            self.feed(DependenciesMet() if self.random.random() < 0.95 else DependenciesFailed("never"))
        elif self.spawning:
            self.spawning.clear()
            if self.random.random() < 0.8:
                self.alive.add(generation)
                self.feed(Spawned(generation))
            else:
                self.feed(SpawnFailed(generation, "no", transient=self.random.random() < 0.5))
        elif self.commanding is not None and self.random.random() < 0.5:
            self.end_command()
        elif self.emptying and self.random.random() < 0.8:
            self.emptying.clear()
            self.feed(TreeExited(generation))
        elif self.alive and self.random.random() < 0.5:
            self.end(generation, self.random.choice((0, 1, -11)))
        elif self.timer and self.timer[0] <= self.now:
            self.timer = None
            self.feed(TimerExpired(generation))

    def settle(self) -> None:
        """Let everything finish: whatever is asked to end does."""
        for _ in range(50):
            if self.spawning:
                self.spawning.clear()
                self.alive.add(self.state.generation)
                self.feed(Spawned(self.state.generation))
            elif self.alive:
                self.end(self.state.generation, -15)
            elif self.emptying:
                self.emptying.clear()
                self.feed(TreeExited(self.state.generation))
            elif self.commanding is not None:
                self.end_command()


@pytest.mark.parametrize("seed", range(300))
def test_random_events_never_make_two_copies_and_a_stop_always_ends_in_stopped(seed: int) -> None:
    random = Random(seed)
    policy = Policy(
        restart=random.choice(("always", "on-failure", "never")),
        max_retries=random.choice((-1, 0, 2, 10)),
        backoff=random.choice((0.0, 1.0)),
        healthy_after=random.choice((0.0, 10.0)),
        has_health_check=random.random() < 0.5,
        has_stop_command=random.random() < 0.3,
        is_job=random.random() < 0.5,
    )
    world = World(random, policy)
    wishes = (
        *(Start, Restart, ConfigChanged, Stop, Kill),
        *(lambda: Restart(Reason.WATCH), lambda: DUE, lambda: BY_CONFIG, lambda: ConfigChanged(was_job=True)),
    )
    for _ in range(200):
        if random.random() < 0.3:
            world.feed(random.choice(wishes)())
        elif random.random() < 0.2 and world.state.status in ACTIVE_STATES:
            world.feed(random.choice((Ready, lambda g: Unhealthy(g, "ill")))(world.state.generation))
        else:
            world.move()
        assert not policy.is_job or world.state.status not in (Status.FAILED, Status.COMPLETED)
    world.feed(Stop())
    world.settle()
    assert world.state.status is Status.STOPPED


def test_the_backoff_doubles_up_to_its_maximum() -> None:
    assert [backoff_delay(failures, 1.0, 30.0) for failures in range(1, 8)] == [1, 2, 4, 8, 16, 30, 30]


def test_many_failures_do_not_overflow() -> None:
    assert backoff_delay(100_000, 1.0, 30.0) == 30.0


def test_no_backoff_is_no_delay() -> None:
    assert backoff_delay(5, 0.0, 30.0) == 0.0
