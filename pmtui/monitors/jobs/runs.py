"""Describe a run of a job that has ended."""

from pmtui.control import JobRun, Reason, Status, Trigger
from pmtui.supervisor.process import Process
from pmtui.supervisor.state import Pending, State
from pmtui.text.timestamps import now_ms, rfc3339

_TRIGGERS: dict[Reason | None, Trigger] = {
    Reason.SCHEDULE: "schedule",
    Reason.CATCH_UP: "catchUp",
    Reason.CRASH: "retry",
    Reason.EXIT: "retry",
    Reason.HEALTH: "retry",
    Reason.MEMORY: "retry",
    Reason.DEADLINE: "retry",
}


def describe_run(process: Process, before: State, *, is_shutdown: bool) -> JobRun:
    """`before` is the last state of the run; the state of the process is the one after it."""
    after = process.state
    code = after.exit.code if after.exit else None
    return JobRun(
        run=process.current.start,
        trigger=_TRIGGERS.get(before.start_reason, "user"),
        start_time=rfc3339(process.started_at or now_ms()),
        duration=round(after.lifetime, 3),
        exit_code=code if code is not None and code >= 0 else None,
        signal=after.exit.signal if after.exit else None,
        reason=end_reason(process, before, is_shutdown=is_shutdown),
    )


def end_reason(process: Process, before: State, *, is_shutdown: bool) -> str:
    """Say what ended the run, or why it failed; empty if it succeeded."""
    is_stopped = before.status is Status.STOPPING and not before.ended_by_itself
    if is_stopped and not before.should_run:
        return "shutdown" if is_shutdown else "removed" if before.pending is Pending.REMOVE else "user"
    if is_stopped and before.next_restart_reason in (Reason.SCHEDULE, Reason.CATCH_UP):
        return "replaced"
    if is_stopped and before.next_restart_reason:
        return str(before.next_restart_reason)
    exit = process.state.exit
    return "" if exit and exit.code in process.policy.success_exit_codes else process.last_error
