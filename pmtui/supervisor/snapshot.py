"""Describe a process at one moment."""

import time
from collections.abc import Mapping

import msgspec

from pmtui.config.secrets import mask, masked_config, redact
from pmtui.control import Detail, Rolling, RollingStage, Snapshot, Status
from pmtui.spawner.usage import Usage
from pmtui.supervisor.process import Process
from pmtui.supervisor.state import ACTIVE_STATES
from pmtui.text.timestamps import rfc3339
from pmtui.text.units import format_duration


def snapshot(process: Process, usage: Usage) -> Snapshot:
    state, activity = process.state, process.log.activity.measure()
    uptime = time.monotonic() - state.spawned_at if state.spawned_at is not None and state.is_alive else 0.0
    return Snapshot(
        id=process.id,
        pid=process.main_pid,
        status=process.status,
        start_time=rfc3339(process.started_at) if process.has_tree else None,
        uptime=format_duration(uptime),
        restart_count=state.restarts,
        last_error=process.last_error,
        uptime_seconds=round(uptime, 3),
        cpu=usage.cpu,
        memory=usage.memory,
        ready=process.status is Status.RUNNING and process.notice.stopping_at is None,
        health=process.health if state.is_alive and process.status in ACTIVE_STATES else None,
        exit_code=state.exit.code if state.exit and state.exit.code >= 0 else None,
        signal=state.exit.signal if state.exit else None,
        restart_reason=state.restart_reason,
        next_start=next_start(process),
        failures=0 if process.policy.is_healthy_run(uptime) else state.failures,
        reason=describe(process),
        group=process.config.group,
        labels=process.config.labels,
        origin=process.origin,
        command=process.command_line,
        ports=[*dict.fromkeys([*process.ports.values(), *socket_ports(process), *usage.ports])],
        urls=[
            *(url_of(name, port) for name, port in process.ports.items()),
            *(address.url for address in process.sockets.values() if address.url),
        ],
        stage=process.stage,
        rolling=rolling_of(process),
        roll_error=process.roll_error if process.state.roll_error else "",
        max_retries=process.policy.max_retries,
        blocked=process.status is Status.FAILED and bool(process.blocked_by),
        blocked_by=process.blocked_by if process.status in (Status.WAITING, Status.FAILED) else None,
        wanted_by=state.requester if state.should_run else None,
        wanted_for=state.dependent if state.should_run else None,
        log_problem=process.log.problem(),
        line_rate=activity.rate,
        level=activity.level,
        advice=advice_for(process),
        run=process.current.start,
        schedule=process.config.schedule,
        last_run=process.job.runs[-1] if process.job.runs else None,
    )


def advice_for(process: Process) -> str:
    """Return what the process probably lacks, or what else to set."""
    if process.prepared and process.prepared.hint:
        return process.prepared.hint
    return process.last_hint if process.state.failures else ""


def detail(process: Process, usage: Usage, required_by: list[str], origins: Mapping[str, str]) -> Detail:
    """Return the snapshot and what explains it, with secrets masked."""
    prepared = process.prepared
    env = prepared.env if prepared else process.config.env
    return Detail(
        **msgspec.structs.asdict(snapshot(process, usage)),
        argv=[redact(word, env) for word in prepared.launch.argv] if prepared else [],
        cwd=process.config.cwd,
        interpreter=prepared.command.interpreter if prepared else None,
        env=mask(env),
        config=masked_config(process.config),
        exits=[*process.exits],
        probes=[*process.probes],
        required_by=required_by,
        found=prepared.command.found if prepared else "",
        origins=dict(origins),
    )


def next_start(process: Process) -> str | None:
    match process.status:
        case Status.CRASHED:
            return rfc3339(process.retry_at)
        case Status.SCHEDULED if process.job.due:
            return rfc3339(process.job.due)
        case _:
            return None


def rolling_of(process: Process) -> Rolling | None:
    second = process.state.second
    if second is None or process.second is None:
        return Rolling(pid=0, stage="waiting") if second and second.is_next else None
    if not second.is_next:
        return Rolling(pid=process.second.pid, stage="stopping")
    stage: RollingStage = "waiting-for-health" if second.spawned_at is not None else "spawning"
    return Rolling(pid=process.second.pid, stage=stage)


def socket_ports(process: Process) -> list[int]:
    return [int(address.port) for address in process.sockets.values() if not address.path]


def url_of(name: str, port: int) -> str:
    return f"{'https' if name == 'https' else 'http'}://127.0.0.1:{port}"


def describe(process: Process) -> str:
    state = process.state
    match process.status:
        case Status.WAITING:
            return process.blocked_reason
        case Status.CRASHED:
            most = process.policy.max_retries
            return f"{process.last_error}, try {state.failures}" + (f" of {most}" if most >= 0 else "")
        case Status.FAILED | Status.SCHEDULED:
            return process.last_error if state.detail else ""
        case Status.RUNNING if process.state.roll_error:
            return f"the new run failed, the old one goes on: {process.roll_error or process.state.roll_error}"
        case Status.RUNNING | Status.STARTING if process.notice.status:
            return redact(process.notice.status, process.prepared.env) if process.prepared else process.notice.status
        case Status.RUNNING | Status.STARTING if state.restart_reason:
            return f"{state.restart_reason}: {state.detail}" if state.detail else state.restart_reason
        case Status.STOPPED if process.killed and state.starts:
            return f"had to be killed: {', '.join(process.killed)}"
        case _:
            return state.detail
