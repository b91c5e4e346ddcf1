"""When a manager without a dashboard ends by itself, and with which exit code."""

import asyncio

import msgspec

from pmtui.control import INACTIVE_STATES, RunExit, Status
from pmtui.supervisor.supervisor import Supervisor
from pmtui.text.units import signal_number

DONE, FAILURE = 0, 1


class ExitPolicy(msgspec.Struct, frozen=True):
    """End once a process is `failed` (`on_failure`), or once the process `with_process` has ended for the first time.

    `settings.onIdle` applies besides.
    """

    on_failure: bool = False
    with_process: str | None = None


async def wait_exit(supervisor: Supervisor, policy: ExitPolicy) -> int:
    """Shut down when the policy says so; return the exit code once the manager shuts down for whatever reason."""
    code: int | None = None

    def is_due() -> bool:
        nonlocal code
        code = exit_code(supervisor, policy)
        return code is not None

    due = asyncio.create_task(supervisor.wait_until(is_due))
    ending = asyncio.create_task(supervisor.wait_shutdown())
    try:
        await asyncio.wait((due, ending), return_when=asyncio.FIRST_COMPLETED)
        return DONE if ending.done() or code is None else code
    finally:
        due.cancel()
        ending.cancel()
        if due.done() and not ending.done():
            supervisor.shutdown()


def exit_code(supervisor: Supervisor, policy: ExitPolicy) -> int | None:
    """Return the exit code; None while there is no reason to end."""
    if policy.with_process and (watched := supervisor.processes.get(policy.with_process)):
        if watched.exits:
            return code_of(watched.exits[0])
        if watched.status is Status.FAILED or watched.job.failures:  # it could not be started
            return FAILURE
    if policy.on_failure and has_failed(supervisor):
        return FAILURE
    if supervisor.settings.on_idle == "down" and is_idle(supervisor):
        return FAILURE if has_failed(supervisor) else DONE
    return None


def is_idle(supervisor: Supervisor) -> bool:
    """Return whether nothing runs or is about to, after something did."""
    processes = supervisor.processes.values()
    return all(one.status in INACTIVE_STATES for one in processes) and any(one.state.starts for one in processes)


def has_failed(supervisor: Supervisor) -> bool:
    return any(process.status is Status.FAILED for process in supervisor.processes.values())


def code_of(ended: RunExit) -> int:
    """Return the exit code as a shell does: 128 + n for signal n."""
    if ended.code is not None:
        return ended.code
    try:
        return 128 + signal_number(ended.signal or "")
    except ValueError:
        return FAILURE
