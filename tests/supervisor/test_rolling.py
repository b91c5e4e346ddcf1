"""Restarts without a gap: the transitions of the second run, and random sequences of events on a fake clock."""

from dataclasses import dataclass, field
from random import Random

import pytest
from msgspec.structs import replace

from pmtui.control import INACTIVE_STATES, Reason, Status
from pmtui.supervisor.events import (
    AwaitDependencies,
    AwaitTurn,
    ConfigChanged,
    DependenciesFailed,
    DependenciesMet,
    Effect,
    Event,
    Exited,
    ExitStatus,
    Kill,
    KillTree,
    Promote,
    Ready,
    Remove,
    Restart,
    SetTimer,
    Spawn,
    Spawned,
    SpawnFailed,
    Start,
    Stop,
    TerminateTree,
    TimerExpired,
    TreeExited,
    TurnCame,
    Unhealthy,
)
from pmtui.supervisor.rolling import SETTLE_TIME, transition
from pmtui.supervisor.state import Policy, SecondRun, State
from pmtui.supervisor.state_machine import KILL_TIMEOUT

ROLLING = Policy(is_rolling=True)
CHECKED = Policy(is_rolling=True, has_health_check=True)
RUNNING = State(status=Status.RUNNING, should_run=True, generation=1, last_generation=1, starts=1, spawned_at=100.0)
WAITING = replace(RUNNING, last_generation=2, second=SecondRun(generation=2, is_next=True, reason=Reason.USER))
NEXT = replace(WAITING, starts=2, second=SecondRun(generation=2, is_next=True, reason=Reason.USER, is_started=True))
ALIVE = replace(
    NEXT,
    second=SecondRun(generation=2, is_next=True, reason=Reason.USER, is_started=True, spawned_at=200.0),
)
TAKEN_OVER = replace(
    ALIVE,
    generation=2,
    spawned_at=200.0,
    restart_reason=Reason.USER,
    second=SecondRun(generation=1, is_next=False, is_started=True, spawned_at=100.0),
)
ABANDONED = replace(
    ALIVE, second=SecondRun(generation=2, is_next=False, reason=Reason.USER, is_started=True, spawned_at=200.0)
)
END_OLD = (TerminateTree(1), SetTimer(1, 5.0))
END_NEW = (TerminateTree(2), SetTimer(2, 5.0))
KILL_NEW = (KillTree(2), SetTimer(2, KILL_TIMEOUT))


def step(state: State, event: Event, policy: Policy = CHECKED) -> tuple[State, tuple[Effect, ...]]:
    return transition(state, event, policy, 300.0)


def feed(state: State, *events: Event, policy: Policy = CHECKED) -> State:
    for event in events:
        state, _ = step(state, event, policy)
    return state


def test_a_new_run_takes_over_once_it_is_ready_and_the_old_one_ends_then() -> None:
    assert step(RUNNING, Restart()) == (WAITING, (AwaitTurn(2),))
    assert step(WAITING, TurnCame(2)) == (NEXT, (Spawn(2),))
    spawned, effects = step(NEXT, Spawned(2))
    assert (spawned.status, effects) == (Status.RUNNING, ())
    assert step(ALIVE, Ready(2)) == (TAKEN_OVER, (Promote(2), *END_OLD))
    assert step(TAKEN_OVER, TreeExited(1)) == (replace(TAKEN_OVER, second=None), ())


def test_without_a_health_check_a_new_run_has_to_live_for_a_while() -> None:
    state, effects = step(NEXT, Spawned(2), ROLLING)
    assert effects == (SetTimer(2, SETTLE_TIME),)
    state, effects = step(state, TimerExpired(2), ROLLING)
    assert (state.generation, effects) == (2, (Promote(2), *END_OLD))


@pytest.mark.parametrize(
    ("event", "why", "effects"),
    [
        (Exited(2, ExitStatus(3)), "exit 3 after 100.0 s", (SetTimer(2, KILL_TIMEOUT),)),
        (Unhealthy(2, "not ready after 30 s"), "not ready after 30 s", END_NEW),
    ],
)
def test_a_new_run_that_fails_leaves_the_old_one(event: Event, why: str, effects: tuple[Effect, ...]) -> None:
    state, done = step(ALIVE, event)
    assert (state.status, state.generation, state.roll_error, done) == (Status.RUNNING, 1, why, effects)
    state, done = step(state, TreeExited(2))
    assert (state.second, state.status, state.failures, done) == (None, Status.RUNNING, 0, ())


def test_a_new_run_that_cannot_be_spawned_leaves_the_old_one() -> None:
    state, effects = step(NEXT, SpawnFailed(2, "no such file"))
    assert (state.second, state.roll_error, state.status, effects) == (None, "no such file", Status.RUNNING, ())


def test_a_restart_while_one_is_going_on_is_followed_by_another_one() -> None:
    state = feed(ALIVE, Restart(Reason.WATCH, "a.py changed"), Restart(Reason.WATCH, "b.py changed"), Ready(2))
    state, effects = step(state, TreeExited(1))
    assert effects == (AwaitTurn(3),)
    assert state.second == SecondRun(generation=3, is_next=True, reason=Reason.WATCH, detail="b.py changed")


def test_a_restart_while_a_new_run_waits_for_its_turn_changes_nothing() -> None:
    assert step(WAITING, Restart(Reason.WATCH)) == (WAITING, ())


def test_a_stop_ends_both_runs_and_is_done_when_both_have_ended() -> None:
    state, effects = step(ALIVE, Stop())
    assert (state.status, set(effects)) == (Status.STOPPING, {*END_OLD, *END_NEW})
    for first, last in ((1, 2), (2, 1)):
        after = feed(state, Exited(first, ExitStatus(-15)), TreeExited(first))
        assert after.status is Status.STOPPING
        after = feed(after, Exited(last, ExitStatus(-15)), TreeExited(last))
        assert (after.status, after.second) == (Status.STOPPED, None)


def test_a_kill_kills_both_runs() -> None:
    _, effects = step(ALIVE, Kill())
    assert {KillTree(1), KillTree(2)} <= set(effects)


def test_a_removal_is_done_when_both_runs_have_ended() -> None:
    state = feed(ALIVE, Remove(), TreeExited(1))
    assert not state.removed
    assert feed(state, TreeExited(2)).removed


def test_a_new_run_takes_the_place_of_an_old_one_that_crashes() -> None:
    state = feed(ALIVE, Exited(1, ExitStatus(1)))
    state, effects = step(state, TreeExited(1))
    assert (state.status, state.generation, state.second, effects) == (Status.STARTING, 2, None, (Promote(2),))
    assert feed(state, Ready(2)).status is Status.RUNNING


def test_a_start_during_a_stop_of_both_runs_starts_again_after_both() -> None:
    state = feed(ALIVE, Stop(), TreeExited(1), Start())
    assert state.status is Status.STOPPING
    state, effects = step(state, TreeExited(2))
    assert (state.status, effects) == (Status.WAITING, (AwaitDependencies(),))


def test_an_old_run_that_ignores_the_stop_signal_is_killed() -> None:
    state, effects = step(TAKEN_OVER, TimerExpired(1))
    assert effects == (KillTree(1), SetTimer(1, KILL_TIMEOUT))
    assert (state.status, state.generation) == (Status.RUNNING, 2)


def test_a_config_that_no_longer_rolls_gives_up_the_new_run() -> None:
    state, effects = step(ALIVE, ConfigChanged(), Policy(has_health_check=True))
    assert (state.status, set(effects)) == (Status.STOPPING, {*END_OLD, *END_NEW})


def test_only_a_process_that_serves_is_replaced_in_this_way() -> None:
    starting = replace(RUNNING, status=Status.STARTING)
    state, effects = step(starting, Restart())
    assert (state.second, effects) == (None, END_OLD)
    assert step(State(), Restart())[0].second is None


@dataclass
class World:
    """Carries out effects in a random order, and checks what always holds."""

    random: Random
    policy: Policy
    state: State = field(default_factory=State)
    now: float = 1000.0
    spawning: set[int] = field(default_factory=set)
    alive: set[int] = field(default_factory=set)
    emptying: set[int] = field(default_factory=set)
    timers: dict[int, float] = field(default_factory=dict)
    turns: set[int] = field(default_factory=set)
    looking: bool = False

    @property
    def left(self) -> set[int]:
        return self.spawning | self.alive | self.emptying

    def feed(self, event: Event) -> None:
        self.state, effects = transition(self.state, event, self.policy, self.now)
        for effect in effects:
            self.carry_out(effect)
        known = {self.state.generation, self.state.second.generation if self.state.second else 0}
        assert self.left <= known, f"{self.left - known} is forgotten after {event}"
        if self.state.status in INACTIVE_STATES or self.state.removed:
            assert not self.left, f"{self.state.status} while something is left"
        if self.state.status is Status.CRASHED:
            assert self.state.generation not in self.left

    def carry_out(self, effect: Effect) -> None:
        match effect:
            case AwaitDependencies():
                self.looking = True
            case AwaitTurn(generation):
                self.turns.add(generation)
            case Spawn(generation):
                self.spawning.add(generation)
            case KillTree(generation) if generation in self.alive:
                self.end(generation, -9)
            case SetTimer(generation, seconds):
                self.timers[generation] = self.now + seconds

    def end(self, generation: int, code: int) -> None:
        self.alive.discard(generation)
        self.emptying.add(generation)
        self.feed(Exited(generation, ExitStatus(code)))

    def move(self) -> None:
        self.now += self.random.choice((0.001, 0.5, 12.0))
        due = [generation for generation, at in self.timers.items() if at <= self.now]
        if self.looking and self.random.random() < 0.8:
            self.looking = False
            self.feed(DependenciesMet() if self.random.random() < 0.95 else DependenciesFailed("never"))
        elif self.turns and self.random.random() < 0.5:
            self.feed(TurnCame(self.turns.pop()))
        elif self.spawning and self.random.random() < 0.6:
            generation = self.random.choice([*self.spawning])
            self.spawning.discard(generation)
            if self.random.random() < 0.8:
                self.alive.add(generation)
                self.feed(Spawned(generation))
            else:
                self.feed(SpawnFailed(generation, "no", transient=self.random.random() < 0.5))
        elif self.emptying and self.random.random() < 0.6:
            generation = self.random.choice([*self.emptying])
            self.emptying.discard(generation)
            self.feed(TreeExited(generation))
        elif self.alive and self.random.random() < 0.4:
            self.end(self.random.choice([*self.alive]), self.random.choice((0, 1, -11)))
        elif due:
            del self.timers[due[0]]
            self.feed(TimerExpired(due[0]))
        elif self.alive and self.random.random() < 0.5:
            generation = self.random.choice([*self.alive])
            self.feed(Ready(generation) if self.random.random() < 0.8 else Unhealthy(generation, "ill"))

    def settle(self) -> None:
        """Let everything that is asked to end do so."""
        for _ in range(100):
            if self.spawning:
                generation = self.spawning.pop()
                self.alive.add(generation)
                self.feed(Spawned(generation))
            elif self.alive:
                self.end(next(iter(self.alive)), -15)
            elif self.emptying:
                self.feed(TreeExited(self.emptying.pop()))


@pytest.mark.parametrize("seed", range(400))
def test_random_events_never_leave_a_run_behind_and_a_stop_always_ends_in_stopped(seed: int) -> None:
    random = Random(seed)
    policy = Policy(
        restart=random.choice(("always", "on-failure", "never")),
        max_retries=random.choice((-1, 0, 2, 10)),
        backoff=random.choice((0.0, 1.0)),
        healthy_after=random.choice((0.0, 10.0)),
        has_health_check=random.random() < 0.5,
        is_rolling=random.random() < 0.8,
    )
    world = World(random, policy)
    wishes = (Start, Restart, ConfigChanged, Stop, Kill, lambda: Restart(Reason.WATCH), lambda: Restart(rolling=True))
    weights = (4, 6, 4, 1, 1, 6, 6)
    for _ in range(300):
        if random.random() < 0.3:
            world.feed(random.choices(wishes, weights)[0]())
        else:
            world.move()
    is_removal = random.random() < 0.3
    world.feed(Remove() if is_removal else Stop())
    world.settle()
    assert (world.state.status, world.state.second) == (Status.STOPPED, None)
    assert world.state.removed is is_removal


@pytest.mark.parametrize("seed", range(50))
def test_concurrent_restarts_end_in_one_run_that_is_the_newest(seed: int) -> None:
    world = World(Random(seed), CHECKED, RUNNING, alive={1})
    for _ in range(20):
        world.feed(Restart())
        if world.random.random() < 0.5 and world.turns:
            world.feed(TurnCame(world.turns.pop()))
    for _ in range(200):
        if world.turns:
            world.feed(TurnCame(world.turns.pop()))
        elif world.spawning:
            generation = world.spawning.pop()
            world.alive.add(generation)
            world.feed(Spawned(generation))
        elif world.state.second and world.state.second.is_next:
            world.feed(Ready(world.state.second.generation))
        elif world.state.second and world.state.second.generation in world.alive:
            world.end(world.state.second.generation, 0)
        elif world.emptying:
            world.feed(TreeExited(world.emptying.pop()))
    assert world.state.status is Status.RUNNING
    assert world.left == {world.state.generation}
    assert world.state.generation == world.state.last_generation
