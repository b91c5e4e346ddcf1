"""When the wait for an operation is over: it is done, it cannot be done any more, or another request overruled it."""

from collections.abc import Mapping, Sequence

from pmtui.control import IDLE_STATES, INACTIVE_STATES, Operation, Result, Status
from pmtui.supervisor.dependencies import root_blocker
from pmtui.supervisor.process import Process
from pmtui.wording import requester_text

UP_STATES = frozenset({Status.RUNNING, Status.COMPLETED})
Processes = Mapping[str, Process]


def is_over(operation: Operation, process: Process, processes: Processes) -> bool:
    """Return whether there is nothing left to wait for. Call it after the operation was requested."""
    if process.state.removed:
        return True
    if operation == "stop":
        return process.state.should_run or process.status in INACTIVE_STATES
    if process.state.should_run and is_rolling(process):
        return False
    return (
        not process.state.should_run
        or process.status in UP_STATES | IDLE_STATES
        or needs_stopped_process(process, processes)
    )


def is_rolling(process: Process) -> bool:
    """Whether a new run is to take over from the one that serves."""
    second = process.state.second
    return (second is not None and second.is_next) or process.state.roll_again is not None


def needs_stopped_process(process: Process, processes: Processes) -> bool:
    """Return whether it waits, directly or not, for a process that only the user can start."""
    if process.status is not Status.WAITING:
        return False
    root = root_blocker(process, processes)
    return root.status is Status.STOPPED and not root.state.should_run


def result_of(operation: Operation, process: Process, processes: Processes) -> Result:
    """Return what became of the operation."""
    if operation != "stop":
        error = _start_error(process, processes)
    elif process.state.should_run and not process.state.removed:
        error = f"was started again {requester_text(process.state.requester, process.state.dependent)}."
    else:
        error = ""
    return Result(id=process.id, ok=not error, message=f"Process '{process.id}' {error}" if error else "")


def stop_note(process_id: str, dependents: Sequence[str]) -> str:
    """Say which processes need the one that is stopped, and would start it again; empty if none does."""
    if not dependents:
        return ""
    names = ", ".join(dependents)
    verb = "depends" if len(dependents) == 1 else "depend"
    return f"{names} still {verb} on {process_id}: the next start or restart of {names} starts it again"


def _start_error(process: Process, processes: Processes) -> str:
    if process.state.removed:
        return "was removed from the config."
    if process.status is Status.FAILED or (process.status is Status.SCHEDULED and process.state.detail):
        why = process.last_error or process.state.detail
        verb = "is" if process.status is Status.FAILED else "has"
        return f"{verb} failed{': ' * bool(why)}{why}."
    if process.state.roll_error:
        return f"was not restarted, the old run goes on: {process.roll_error or process.state.roll_error}."
    if not process.state.should_run:
        return "was stopped by the user."
    if needs_stopped_process(process, processes):
        root = root_blocker(process, processes)
        return f"waits for {root.id}, which is stopped; start {root.id}."
    return ""
