"""Export systemd units: one per process, a target for all, and two for each health check."""

import math
import os
import re
from collections.abc import Iterator, Sequence

from pmtui.config.environment import build_environment, env_files, injected_environment
from pmtui.config.interpreter import resolve
from pmtui.config.model import ConfigError, Health, ProcessConfig
from pmtui.exporters.argv import stop_argv
from pmtui.exporters.environment import Reference, Value, environment_of, literal_text, names_in_files
from pmtui.exporters.probe import probe_command
from pmtui.exporters.result import Exported, Project, warn_unsupported
from pmtui.exporters.systemd_escape import assignment, command_line, path_value, unit_name
from pmtui.exporters.systemd_timer import job_timer

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LIMITS = {"nofile": "LimitNOFILE", "core": "LimitCORE", "cpu": "LimitCPU", "address_space": "LimitAS", "nice": "Nice"}
_RESTART = {"always": "always", "on-failure": "on-failure", "never": "no"}


def export_systemd(project: Project) -> Exported:
    """Return unit files by name. A process whose program cannot be found is left out with a warning."""
    out = Exported()
    awaited = awaited_processes(project)
    units: list[str] = []
    for config in project.processes:
        try:
            base = build_environment(
                config, project.settings, os.environ, injected_environment(config, project.settings, "")
            )[0]
            argv = resolve(config, base).argv
        except ConfigError as error:
            out.warn(config.id, f"is left out: {error}")
            continue
        name = unit_of(project, config.id)
        is_job = config.id in awaited or config.schedule is not None
        out.files[name] = _text(_service(project, config, argv, is_job, out))
        starter = _job_timer(project, config, out) if config.schedule else name
        units += [starter] if config.autostart and starter else []
        _health_units(project, config, out)
        warn_unsupported(config, out, carried=frozenset({*_LIMITS, "stop_command", "schedule"}))
    target = f"{unit_name(project.name)}.target"
    wanted_by = "default.target" if project.is_user else "multi-user.target"
    wants = [f"Wants={' '.join(units)}"] if units else []
    lines = ["[Unit]", f"Description=All of {path_value(project.name)}", *wants]
    out.files[target] = _text([*lines, "", "[Install]", f"WantedBy={wanted_by}"])
    return out


def awaited_processes(project: Project) -> set[str]:
    """Return the processes whose end others wait for."""
    conditions = [pair for config in project.processes for pair in config.depends_on.items()]
    return {name for name, condition in conditions if condition in ("completed", "succeeded")}


def _job_timer(project: Project, config: ProcessConfig, out: Exported) -> str:
    """Add the timer of a job and return its name; empty if there is none."""
    what, target = f"{config.id} of {path_value(project.name)}", f"{unit_name(project.name)}.target"
    name, lines = unit_of(project, config.id, ".timer"), job_timer(config, what, target, out)
    if lines:
        out.files[name] = _text(lines)
    return name if lines else ""


def unit_of(project: Project, process_id: str, ending: str = ".service") -> str:
    return f"{unit_name(f'{project.name}-{process_id}')}{ending}"


def _text(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"


def _service(project: Project, config: ProcessConfig, argv: list[str], is_job: bool, out: Exported) -> list[str]:
    target = f"{unit_name(project.name)}.target"
    return [
        "[Unit]",
        f"Description={config.id} of {path_value(project.name)}",
        f"PartOf={target}",
        *_dependencies(project, config, out),
        *_start_limit(config),
        "",
        "[Service]",
        f"Type={'oneshot' if is_job else 'exec'}",
        f"ExecStart={command_line(argv)}",
        *([] if is_job else _readiness(config)),
        *([f"TimeoutStartSec={f'{config.deadline:g}' if config.deadline else 'infinity'}"] if is_job else []),
        *_execution(project, config, out),
        *_restarts(config, is_job, out),
        *([f"ExecStop={command_line(stop_argv(config))}"] if config.stop_command else []),
        f"KillSignal={config.stop_signal}",
        f"TimeoutStopSec={config.stop_timeout:g}",
        *(
            f"{directive}={getattr(config.limits, name)}"
            for name, directive in _LIMITS.items()
            if getattr(config.limits, name) is not None
        ),
        *_memory(config, out),
        *(["", "[Install]", f"WantedBy={target}"] if config.autostart and not config.schedule else []),
    ]


def _dependencies(project: Project, config: ProcessConfig, out: Exported) -> Iterator[str]:
    for name, condition in config.depends_on.items():
        unit = unit_of(project, name)
        yield f"{'Requires' if condition == 'succeeded' else 'Wants'}={unit}"
        yield f"After={unit}"
        target = next((other for other in project.processes if other.id == name), None)
        if condition == "healthy" and target and target.health and probe_command(target.health) is None:
            out.warn(config.id, f"dependsOn {name}: is only waited for until it is started")


def _start_limit(config: ProcessConfig) -> Iterator[str]:
    """Limit consecutive failures by the number of starts within the longest time they can take."""
    if config.max_retries < 0:
        yield "StartLimitIntervalSec=0"
    elif config.max_retries and config.restart != "never":
        span = (config.max_retries + 1) * (config.backoff + config.healthy_after)
        yield f"StartLimitIntervalSec={math.ceil(span)}"
        yield f"StartLimitBurst={config.max_retries + 1}"


def _readiness(config: ProcessConfig) -> Iterator[str]:
    probe = probe_command(config.health) if config.health else None
    if config.health and probe:
        waiting = f"until {probe}; do sleep 1; done"
        yield f"ExecStartPost={command_line(['/bin/sh', '-c', waiting])}"
        span = config.health.start_period + config.health.interval * config.health.failure_threshold
        yield f"TimeoutStartSec={math.ceil(span)}"


def _execution(project: Project, config: ProcessConfig, out: Exported) -> Iterator[str]:
    """Return directory, user and environment."""
    yield f"WorkingDirectory={path_value(config.cwd)}"
    if config.user and project.is_user:
        out.warn(config.id, "user is lost: a unit of a user runs as that user")
    elif config.user:
        user, _, group = config.user.partition(":")
        yield f"User={user}"
        yield from [f"Group={group}"] if group else []
    if config.umask is not None:
        yield f"UMask={config.umask:04o}"
    values = environment_of(config, project.settings, out)
    if "PATH" not in values:
        yield f"Environment={assignment('PATH', os.environ.get('PATH', os.defpath))}"
    for name, value in values.items():
        yield from _variable(config, name, value, out)
    for path in env_files(config):
        yield f"EnvironmentFile={path_value(path)}"
        out.warn(config.id, f"envFile {path} is read by systemd's rules: no `export`, no ${{…}}")
    twice = sorted(names_in_files(config, out) & set(config.env))
    if twice:
        out.warn(config.id, f"envFile wins over env under systemd: {', '.join(twice)}")


def _variable(config: ProcessConfig, name: str, value: Value, out: Exported) -> Iterator[str]:
    text = literal_text(value)
    if not _VARIABLE.fullmatch(name):
        out.warn(config.id, f"env {name!a} is lost: systemd takes letters, digits and _ only")
    elif text is not None:
        yield f"Environment={assignment(name, text)}"
    elif value == (Reference(name, "", ""),):
        yield f"PassEnvironment={name}"
        out.warn(config.id, f"{name} comes from the environment of systemd: systemctl set-environment, or a drop-in")
    elif all(isinstance(part, str) or part.kind == "-" for part in value):
        filled = "".join(part if isinstance(part, str) else part.word for part in value)
        yield f"Environment={assignment(name, filled)}"
        out.warn(config.id, f"{name} has the default that the config gives it")
    else:
        names = ", ".join(part.name for part in value if isinstance(part, Reference))
        out.warn(config.id, f"{name} is lost, for it is made of {names}: set it in a drop-in (systemctl edit)")


def _restarts(config: ProcessConfig, is_job: bool, out: Exported) -> Iterator[str]:
    policy = _RESTART[config.restart or "always"]
    if config.max_retries == 0 or (config.schedule and policy == "always"):
        policy = "no"
    elif is_job and policy == "always":
        policy = "on-failure"
        if not config.schedule:
            out.warn(config.id, "others wait for its end, so it is not started again after a good one")
    yield f"Restart={policy}"
    if policy != "no":
        yield f"RestartSec={config.backoff:g}"
        if config.max_backoff > config.backoff:
            out.warn(config.id, "backoff does not grow: systemd waits the same time before each try")
    codes = [str(code) for code in config.success_exit_codes if code]
    if codes:
        yield f"SuccessExitStatus={' '.join(codes)}"
    if 0 not in config.success_exit_codes:
        out.warn(config.id, "successExitCodes: systemd takes 0 for a success always")


def _memory(config: ProcessConfig, out: Exported) -> Iterator[str]:
    if config.max_memory:
        yield f"MemoryMax={config.max_memory}"
        out.warn(config.id, "maxMemory: the kernel kills it there, where pmtui stops and restarts it")


def _health_units(project: Project, config: ProcessConfig, out: Exported) -> None:
    """Return a timer that checks, and a service that restarts the process once it is unhealthy."""
    probe = probe_command(config.health) if config.health else None
    if not (config.health and probe):
        return
    unit, what = unit_of(project, config.id), f"{config.id} of {path_value(project.name)}"
    asking = _check_service(unit, what, config.health, probe, project.is_user)
    timer = _timer(unit, what, config.health)
    out.files[unit_of(project, config.id, "-health.service")] = _text([*asking, *_execution(project, config, out)])
    out.files[unit_of(project, config.id, "-health.timer")] = _text(timer)


def _check_service(unit: str, what: str, health: Health, probe: str, is_user: bool) -> list[str]:
    """Return a service that fails after that many consecutive failures and then restarts the process as systemd."""
    loop = (
        f"n=0; until {probe}; do n=$((n+1)); [ $n -lt {health.failure_threshold} ] || exit 1; "
        f"sleep {health.interval:g}; done"
    )
    restart = f'[ "$SERVICE_RESULT" = success ] || systemctl {"--user " if is_user else ""}restart {unit}'
    return [
        "[Unit]",
        f"Description=Whether {what} is well",
        f"After={unit}",
        "",
        "[Service]",
        "Type=oneshot",
        "TimeoutStartSec=infinity",
        f"ExecStart={command_line(['/bin/sh', '-c', loop])}",
        f"ExecStopPost=+{command_line(['/bin/sh', '-c', restart])}",
    ]


def _timer(unit: str, what: str, health: Health) -> list[str]:
    """Return a timer without After=: it is started before the unit it belongs to can be."""
    return [
        "[Unit]",
        f"Description=Asks how {what} is",
        f"BindsTo={unit}",
        "",
        "[Timer]",
        f"OnActiveSec={max(1, health.start_period):g}",
        f"OnUnitInactiveSec={health.interval:g}",
        "AccuracySec=1",
        "",
        "[Install]",
        f"WantedBy={unit}",
    ]
