"""The life of a process as one pure, total function.

`transition(state, event, policy, now)` returns the next state and the effects for the process to carry out. Every state
answers every event, if only by ignoring it. What the user wants (`should_run`) is separate from what is (`status`).
Every run has a generation; events of an older one are dropped. Times are seconds of a monotonic clock.
"""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from pmtui.config.model import MIN_RESTART_DELAY
from pmtui.control import IDLE_STATES, INACTIVE_STATES, Reason, Requester, Status
from pmtui.supervisor.events import (
    AwaitDependencies,
    ConfigChanged,
    DependenciesFailed,
    DependenciesMet,
    Effect,
    Event,
    Exited,
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
    TurnCame,
    Unhealthy,
    Warn,
)
from pmtui.supervisor.state import ACTIVE_STATES, Pending, Policy, State

KILL_TIMEOUT = 5.0
"""Seconds after SIGKILL until a tree that still exists is reported."""
JOB_REASONS = (Reason.USER, Reason.SCHEDULE, Reason.CATCH_UP)
"""What may start a job that waits for its time."""

Next = tuple[State, tuple[Effect, ...]]


def transition(state: State, event: Event, policy: Policy, now: float) -> Next:
    if state.removed or getattr(event, "generation", state.generation) != state.generation:
        return state, ()
    return HANDLERS[type(event)](state, event, policy, now)


# requests


def start(state: State, event: Start, policy: Policy, now: float) -> Next:
    if event.requester is not Requester.DEPENDENT or not state.should_run:
        state = replace(state, requester=event.requester, dependent=event.dependent)
    if policy.is_job and event.requester is not Requester.USER:
        return wait_for_schedule(state), ()
    if state.status in IDLE_STATES or state.status is Status.CRASHED:
        return start_run(replace(state, failures=0, should_run=True), Reason.USER)
    if state.status is Status.STOPPING:
        return set_pending(replace(state, should_run=True), Pending.RESTART, Reason.USER)
    return state, ()


def restart(state: State, event: Restart, policy: Policy, now: float) -> Next:
    if not state.should_run and event.reason is not Reason.USER:
        return state, ()  # stopped by the user: it stays stopped
    if state.status is Status.SCHEDULED and event.reason not in JOB_REASONS:
        return state, ()  # it waits for its time
    if event.reason is Reason.USER:
        state = replace(state, requester=Requester.USER, dependent=None)
    state = replace(state, should_run=True)
    if state.status in ACTIVE_STATES:
        return stop_run(state, Pending.RESTART, event.reason, event.detail, policy)
    if state.status is Status.STOPPING:
        return set_pending(state, Pending.RESTART, event.reason)
    if state.status is Status.WAITING:
        return state, ()
    return start_run(replace(state, failures=0, detail=event.detail), event.reason)


def config_changed(state: State, event: ConfigChanged, policy: Policy, now: float) -> Next:
    if not state.should_run or (policy.is_job and event.was_job):
        return state, ()  # the run of a job is left alone
    if state.status in ACTIVE_STATES:
        return stop_run(state, Pending.APPLY, Reason.CONFIG, "its configuration has changed", policy)
    if state.status is Status.STOPPING:
        return set_pending(state, Pending.APPLY, Reason.CONFIG)
    if policy.is_job:
        return deactivate(state, Status.SCHEDULED, ""), ()
    return start_run(replace(state, failures=0), Reason.CONFIG)


def stop(state: State, event: Stop, policy: Policy, now: float) -> Next:
    if state.status in ACTIVE_STATES:
        return stop_run(replace(state, should_run=False, stop_requests=1), Pending.NONE, None, "", policy)
    if state.status is Status.STOPPING:
        state, _ = set_pending(
            replace(state, should_run=False, stop_requests=state.stop_requests + 1), Pending.NONE, None
        )
        return kill_now(state, policy, now) if state.stop_requests > 2 else (state, ())
    return deactivate(replace(state, should_run=False), Status.STOPPED, ""), ()


def kill(state: State, event: Kill, policy: Policy, now: float) -> Next:
    state, _ = stop(state, Stop(), policy, now)
    return kill_now(state, policy, now) if state.status is Status.STOPPING else (state, ())


def remove(state: State, event: Remove, policy: Policy, now: float) -> Next:
    state = replace(state, should_run=False)
    if state.status in ACTIVE_STATES:
        return stop_run(state, Pending.REMOVE, None, event.detail, policy)
    if state.status is Status.STOPPING:
        return replace(state, pending=Pending.REMOVE), ()
    return replace(deactivate(state, Status.STOPPED, ""), removed=True), ()


# what happens to the process


def dependencies_met(state: State, event: DependenciesMet, policy: Policy, now: float) -> Next:
    if state.status is not Status.WAITING:
        return state, ()
    state = replace(
        state,
        status=Status.STARTING,
        generation=state.next_generation,
        last_generation=state.next_generation,
        starts=state.starts + 1,
        restart_reason=state.next_restart_reason if state.starts else None,
        start_reason=state.next_restart_reason,
        next_restart_reason=None,
        spawned_at=None,
        exited_at=None,
        exit=None,
        ended_by_itself=False,
        stop_requests=0,
        in_stop_command=False,
        is_tree_gone=False,
        killed=False,
    )
    return state, (Spawn(state.generation),)


def dependencies_failed(state: State, event: DependenciesFailed, policy: Policy, now: float) -> Next:
    return (give_up(state, event.detail, policy), ()) if state.status is Status.WAITING else (state, ())


def spawned(state: State, event: Spawned, policy: Policy, now: float) -> Next:
    state = replace(state, spawned_at=now)
    if state.status is Status.STOPPING:  # the stop came before the spawn
        return kill_now(state, policy, now) if state.killed else terminate(state, policy)
    if state.status is Status.STARTING and not policy.has_health_check:
        state = replace(state, status=Status.RUNNING)
    return state, ()


def spawn_failed(state: State, event: SpawnFailed, policy: Policy, now: float) -> Next:
    if state.status is Status.STOPPING and state.pending is not Pending.RETRY:
        return finish_run(state, policy, now)
    state = replace(state, detail=event.detail, next_restart_reason=Reason.CRASH)
    if event.transient:
        seconds = backoff_delay(state.failures, policy.backoff, policy.max_backoff)
        return retry_in(state, max(seconds, MIN_RESTART_DELAY), now, Warn(event.detail))
    if policy.is_job:  # the next run may find what is missing
        return give_up(replace(state, failures=state.failures + 1), event.detail, policy), ()
    return retry_or_fail(state, Reason.CRASH, policy, now)


def ready(state: State, event: Ready, policy: Policy, now: float) -> Next:
    return (replace(state, status=Status.RUNNING), ()) if state.status is Status.STARTING else (state, ())


def unhealthy(state: State, event: Unhealthy, policy: Policy, now: float) -> Next:
    return (
        stop_run(state, Pending.RETRY, event.reason, event.detail, policy)
        if state.status in ACTIVE_STATES
        else (state, ())
    )


def exited(state: State, event: Exited, policy: Policy, now: float) -> Next:
    if policy.is_detached and event.exit.code == 0 and state.status in ACTIVE_STATES:
        return replace(state, exit=event.exit), ()  # what it has started goes on, and with it the run
    state = replace(state, exited_at=now, exit=event.exit)
    if state.status in ACTIVE_STATES:  # by itself; the guardian kills the rest of its tree
        detail = f"{event.exit} after {state.lifetime:.1f} s"
        state = replace(state, status=Status.STOPPING, killed=True, ended_by_itself=True, detail=detail)
        return state, (SetTimer(state.generation, KILL_TIMEOUT),)
    return state, ()


def tree_exited(state: State, event: TreeExited, policy: Policy, now: float) -> Next:
    if state.status is not Status.STOPPING:
        return state, ()
    if state.exited_at is None:  # a detached run, whose leader exited long ago
        state = replace(state, exited_at=now)
    if state.in_stop_command:
        return replace(state, is_tree_gone=True), ()
    return finish_run(state, policy, now)


def stop_command_ended(state: State, event: StopCommandEnded, policy: Policy, now: float) -> Next:
    if state.status is not Status.STOPPING or not state.in_stop_command:
        return state, ()
    state = replace(state, in_stop_command=False)
    return finish_run(state, policy, now) if state.is_tree_gone else (state, stop_signal_effects(state, policy))


def timer_expired(state: State, event: TimerExpired, policy: Policy, now: float) -> Next:
    if state.status is Status.CRASHED:
        return start_run(state, state.next_restart_reason)
    if state.status is not Status.STOPPING:
        return state, ()
    if state.in_stop_command:
        return stop_command_ended(state, StopCommandEnded(state.generation), policy, now)
    if not state.killed:
        return kill_now(state, policy, now, overdue=True)
    pause = max(policy.max_backoff, KILL_TIMEOUT)
    return state, (Warn("cannot be killed: SIGKILL has no effect"), SetTimer(state.generation, pause))


def ignore(state: State, event: Event, policy: Policy, now: float) -> Next:
    return state, ()


HANDLERS: dict[type[Event], Callable[[State, Any, Policy, float], Next]] = {
    Start: start,
    Restart: restart,
    ConfigChanged: config_changed,
    Stop: stop,
    Kill: kill,
    Remove: remove,
    DependenciesMet: dependencies_met,
    DependenciesFailed: dependencies_failed,
    Spawned: spawned,
    SpawnFailed: spawn_failed,
    Ready: ready,
    Unhealthy: unhealthy,
    Exited: exited,
    TreeExited: tree_exited,
    StopCommandEnded: stop_command_ended,
    TurnCame: ignore,  # it is for a second run, see `rolling`
    TimerExpired: timer_expired,
}


def is_crash(state: State, event: Event, policy: Policy) -> bool:
    """Whether the run could not be spawned, or exited by itself without success."""
    if isinstance(event, Exited) and event.generation == state.generation:
        stays = policy.is_detached and event.exit.code == 0
        return state.status in ACTIVE_STATES and not stays and event.exit.code not in policy.success_exit_codes
    if isinstance(event, SpawnFailed) and event.generation == state.generation:
        return state.status is Status.STARTING and not event.transient
    return False


# parts of the answers


def start_run(state: State, reason: Reason | None) -> Next:
    """Start a new run as soon as its dependencies allow it."""
    state = replace(state, status=Status.WAITING, pending=Pending.NONE, next_restart_reason=reason, retry_at=None)
    return state, (AwaitDependencies(),)


def stop_run(state: State, pending: Pending, reason: Reason | None, why: str, policy: Policy) -> Next:
    state = replace(state, status=Status.STOPPING, pending=pending, next_restart_reason=reason, detail=why)
    return terminate(state, policy) if state.spawned_at is not None else (state, ())


def terminate(state: State, policy: Policy) -> Next:
    """Ask a run to end: by its stop command if there is one, which the stop signal follows."""
    if policy.has_stop_command:
        effects = RunStopCommand(state.generation), SetTimer(state.generation, policy.stop_timeout)
        return replace(state, in_stop_command=True), effects
    return state, stop_signal_effects(state, policy)


def stop_signal_effects(state: State, policy: Policy) -> tuple[Effect, ...]:
    return TerminateTree(state.generation), SetTimer(state.generation, policy.stop_timeout)


def kill_now(state: State, policy: Policy, now: float, *, overdue: bool = False) -> Next:
    if state.is_tree_gone:  # only the stop command was left
        return finish_run(replace(state, in_stop_command=False), policy, now)
    state = replace(state, killed=True, in_stop_command=False)
    return state, (KillTree(state.generation, overdue), SetTimer(state.generation, KILL_TIMEOUT))


def set_pending(state: State, pending: Pending, reason: Reason | None) -> Next:
    """Change what follows this run. The last request wins, except over a removal."""
    if state.pending is Pending.REMOVE:
        return replace(state, should_run=False), ()
    return replace(state, pending=pending, next_restart_reason=reason), ()


def finish_run(state: State, policy: Policy, now: float) -> Next:
    """Do what is pending, or else what the restart policy says."""
    succeeded = state.exit is not None and state.exit.code in policy.success_exit_codes
    if state.ended_by_itself or (state.exit and state.pending is Pending.RETRY):
        has_succeeded = state.has_succeeded or (state.ended_by_itself and succeeded)
        state = replace(state, has_ended=True, has_succeeded=has_succeeded)
    if state.pending is Pending.REMOVE:
        return replace(deactivate(state, Status.STOPPED, ""), removed=True), ()
    if not state.should_run:
        return deactivate(state, Status.STOPPED, ""), ()
    if policy.is_job and (state.pending is Pending.APPLY or is_done(state, succeeded)):
        return deactivate(replace(state, failures=0), Status.SCHEDULED, ""), ()
    if state.pending in (Pending.RESTART, Pending.APPLY):
        return start_run(replace(state, failures=0), state.next_restart_reason)
    if state.pending is Pending.RETRY:
        return retry_or_fail(state, state.next_restart_reason, policy, now)
    if succeeded and policy.restart != "always":
        return deactivate(state, Status.COMPLETED, state.detail), ()
    return retry_or_fail(state, Reason.EXIT if succeeded else Reason.CRASH, policy, now)


def retry_or_fail(state: State, reason: Reason | None, policy: Policy, now: float) -> Next:
    """Restart immediately after a long enough run, else after a growing delay, until the retries are used up."""
    if policy.is_healthy_run(state.lifetime) and policy.retries != 0:
        return start_run(replace(state, failures=0), reason)
    state = replace(state, failures=state.failures + 1, next_restart_reason=reason)
    if 0 <= policy.retries < state.failures:
        return give_up(state, state.detail, policy), ()
    seconds = backoff_delay(state.failures, policy.backoff, policy.max_backoff)
    return retry_in(state, max(seconds, MIN_RESTART_DELAY), now)


def backoff_delay(failures: int, first: float, longest: float) -> float:
    """Return first, 2·first, 4·first … after 1, 2, 3 … failures, up to `longest`. Seconds."""
    doublings = min(max(failures, 1) - 1, 60)  # more would overflow a float, and exceed `longest` anyway
    return float(min(first * 2**doublings, longest))


def retry_in(state: State, seconds: float, now: float, *effects: Effect) -> Next:
    state = replace(state, status=Status.CRASHED, pending=Pending.NONE, retry_at=now + seconds)
    return state, (*effects, SetTimer(state.generation, seconds))


def is_done(state: State, succeeded: bool) -> bool:
    """Whether a job has succeeded, or was stopped by a user who wants it back on its schedule."""
    return state.pending is Pending.NONE and (succeeded or not state.ended_by_itself)


def wait_for_schedule(state: State) -> State:
    if state.status in INACTIVE_STATES:
        return deactivate(replace(state, should_run=True, failures=0), Status.SCHEDULED, "")
    if state.status is Status.STOPPING and state.pending is not Pending.REMOVE:
        return replace(state, should_run=True)
    return state


def give_up(state: State, why: str, policy: Policy) -> State:
    return deactivate(state, Status.SCHEDULED if policy.is_job else Status.FAILED, why)


def deactivate(state: State, status: Status, why: str) -> State:
    return replace(state, status=status, pending=Pending.NONE, next_restart_reason=None, retry_at=None, detail=why)
