"""Restarts without a gap: the transitions of a process that may have a second run beside its main one.

The second run is part of the one state. It is either the next run, which is to take over once it is ready, or one on
its way out: the run before, or a next run that failed. `transition` is the outer function: it answers the events of the
second run, leaves all others to the state machine, and then lets both runs fit together again. A process has ended only
when both have.
"""

from typing import Any

from msgspec.structs import replace

from pmtui.control import IDLE_STATES, Reason, Status
from pmtui.supervisor import state_machine
from pmtui.supervisor.events import (
    AwaitTurn,
    ConfigChanged,
    Effect,
    Event,
    Exited,
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
    TerminateTree,
    TimerExpired,
    TreeExited,
    TurnCame,
    Unhealthy,
    Warn,
)
from pmtui.supervisor.state import Pending, Policy, SecondRun, State
from pmtui.supervisor.state_machine import KILL_TIMEOUT, Next, start_run

SETTLE_TIME = 1.0
"""Seconds after which a new run without a health check counts as ready."""
MAX_STOP_REQUESTS = 2


def transition(state: State, event: Event, policy: Policy, now: float) -> Next:
    if state.removed:
        return state, ()
    second = state.second
    if second and getattr(event, "generation", None) == second.generation:
        return second_run_event(state, second, event, policy, now)
    if isinstance(event, Restart | ConfigChanged) and rolls(state, event, policy):
        return request(state, event)
    if state.status_after and isinstance(event, TimerExpired):
        return state, ()  # nothing of the main run is left
    after, effects = state_machine.transition(state, event, policy, now)
    return fit_together(after, effects, event, policy) if second else (after, effects)


def rolls(state: State, event: Restart | ConfigChanged, policy: Policy) -> bool:
    """Whether this request is to be met by a new run beside the old one, which serves."""
    wanted = policy.is_rolling or (isinstance(event, Restart) and event.rolling)
    return wanted and state.should_run and state.status is Status.RUNNING and state.is_alive


def request(state: State, event: Restart | ConfigChanged) -> Next:
    reason, detail = (event.reason, event.detail) if isinstance(event, Restart) else (Reason.CONFIG, "")
    if state.second is None:
        return begin(state, reason, detail)
    if state.second.is_next and not state.second.is_started:
        return state, ()  # it has yet to start, with everything as it is then
    return replace(state, roll_again=(reason, detail)), ()


def begin(state: State, reason: Reason, detail: str) -> Next:
    generation = state.next_generation
    second = SecondRun(generation=generation, is_next=True, reason=reason, detail=detail)
    state = replace(state, second=second, last_generation=generation, roll_again=None, roll_error="")
    return state, (AwaitTurn(generation),)


# what happens to the second run


def second_run_event(state: State, second: SecondRun, event: Any, policy: Policy, now: float) -> Next:
    generation = second.generation
    match event:
        case TurnCame() if second.is_next and not second.is_started:
            second = replace(second, is_started=True)
            return replace(state, second=second, starts=state.starts + 1), (Spawn(generation),)
        case Spawned():
            return spawned(replace(state, second=replace(second, spawned_at=now)), policy)
        case SpawnFailed():
            return gone(fail(state, event.detail) if second.is_next else state)
        case Ready() if second.is_next:
            return take_over(state, second, policy)
        case Unhealthy() if second.is_next:
            return abandon(fail(state, event.detail), policy)
        case Exited() if second.is_next:
            lifetime = now - (second.spawned_at or now)
            state = fail(state, f"{event.exit} after {lifetime:.1f} s")
            second = replace(second, is_next=False, is_killed=True)  # the guardian kills the rest of its tree
            return replace(state, second=second), (SetTimer(generation, KILL_TIMEOUT),)
        case TreeExited():
            return gone(state)
        case TimerExpired():
            return timer_expired(state, second, policy)
    return state, ()


def spawned(state: State, policy: Policy) -> Next:
    second = state.second
    assert second
    if second.is_killed:
        return state, (KillTree(second.generation), SetTimer(second.generation, KILL_TIMEOUT))
    if not second.is_next:
        return state, terminate(second, policy)
    return state, () if policy.has_health_check else (SetTimer(second.generation, SETTLE_TIME),)


def timer_expired(state: State, second: SecondRun, policy: Policy) -> Next:
    if second.is_next:
        return (state, ()) if policy.has_health_check else take_over(state, second, policy)
    if not second.is_killed:
        return kill_second(state)
    pause = max(policy.max_backoff, KILL_TIMEOUT)
    return state, (Warn("cannot be killed: SIGKILL has no effect"), SetTimer(second.generation, pause))


def take_over(state: State, second: SecondRun, policy: Policy) -> Next:
    """Make the next run the main one, and end the run before."""
    before = SecondRun(
        generation=state.generation, is_next=False, is_started=True, spawned_at=state.spawned_at, is_killed=state.killed
    )
    state = replace(promoted(state, second), status=Status.RUNNING, second=before, failures=0)
    return state, (Promote(second.generation), *terminate(before, policy))


def promoted(state: State, second: SecondRun) -> State:
    return replace(
        state,
        generation=second.generation,
        restart_reason=second.reason,
        next_restart_reason=None,
        detail=second.detail,
        pending=Pending.NONE,
        spawned_at=second.spawned_at,
        exited_at=None,
        ended_by_itself=False,
        stop_requests=0,
        in_stop_command=False,
        is_tree_gone=False,
        killed=False,
        retry_at=None,
    )


def fail(state: State, why: str) -> State:
    return replace(state, roll_error=why)


def terminate(second: SecondRun, policy: Policy) -> tuple[Effect, ...]:
    if second.is_killed:
        return (SetTimer(second.generation, KILL_TIMEOUT),)
    return TerminateTree(second.generation), SetTimer(second.generation, policy.stop_timeout)


def abandon(state: State, policy: Policy) -> Next:
    """End a next run; one that has not been spawned ends as soon as it is."""
    second = state.second
    assert second
    if not second.is_started:
        return gone(state)
    state = replace(state, second=replace(second, is_next=False))
    return state, terminate(second, policy) if second.spawned_at is not None else ()


def kill_second(state: State) -> Next:
    second = state.second
    assert second
    state = replace(state, second=replace(second, is_next=False, is_killed=True))
    if second.spawned_at is None:
        return state, ()
    return state, (KillTree(second.generation), SetTimer(second.generation, KILL_TIMEOUT))


def gone(state: State) -> Next:
    """Nothing of the second run is left: do what has waited for that."""
    state = replace(state, second=None)
    if state.status_after:
        return end(state, state.status_after)
    if state.roll_again and state.should_run and state.status is Status.RUNNING and state.is_alive:
        return begin(state, *state.roll_again)
    return replace(state, roll_again=None), ()


def end(state: State, status: Status) -> Next:
    """Reach the state that the main run has left to be reached, unless something else has been requested."""
    state = replace(state, status_after=None, roll_again=None)
    if state.pending is Pending.REMOVE:
        return replace(state, status=Status.STOPPED, pending=Pending.NONE, removed=True), ()
    if not state.should_run:
        return replace(state, status=Status.STOPPED, pending=Pending.NONE, next_restart_reason=None, detail=""), ()
    if state.pending is not Pending.NONE:
        return start_run(replace(state, failures=0), state.next_restart_reason)
    return replace(state, status=status), ()


# how both runs fit together


def fit_together(state: State, effects: tuple[Effect, ...], event: Event, policy: Policy) -> Next:
    """Let the second run follow what has just happened to the main one."""
    second = state.second
    assert second
    if not state.should_run or isinstance(event, Restart | ConfigChanged | Remove):
        state, more = give_up_second(replace(state, roll_again=None), event, policy)
        effects += more
    elif second.is_next and (state.status in IDLE_STATES or state.status in (Status.CRASHED, Status.WAITING)):
        return replace_main(state, second, effects, policy)
    if state.second and (state.status in IDLE_STATES or state.removed):
        pending = Pending.REMOVE if state.removed else Pending.NONE
        state = replace(state, status=Status.STOPPING, status_after=state.status, pending=pending, removed=False)
    return state, effects


def give_up_second(state: State, event: Event, policy: Policy) -> Next:
    second = state.second
    assert second
    if (isinstance(event, Kill) or state.stop_requests > MAX_STOP_REQUESTS) and not second.is_killed:
        return kill_second(state) if second.is_started else gone(state)
    return abandon(state, policy) if second.is_next else (state, ())


def replace_main(state: State, second: SecondRun, effects: tuple[Effect, ...], policy: Policy) -> Next:
    """Let the next run be the main one at once, for the main run has ended before it was ready."""
    if not second.is_started:
        return replace(state, second=None, roll_again=None), effects
    is_up = second.spawned_at is not None and not policy.has_health_check
    status = Status.RUNNING if is_up else Status.STARTING
    state = replace(promoted(state, second), status=status, second=None, roll_again=None)
    return state, (*(effect for effect in effects if isinstance(effect, Warn)), Promote(second.generation))
