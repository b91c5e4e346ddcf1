"""Export a compose.yaml: one service per process, all of one image."""

import os
from typing import Any
from urllib.parse import urlsplit

from pmtui.config.environment import env_files
from pmtui.config.model import Health, ProcessConfig
from pmtui.exporters.argv import CONTAINER_ROOT, container_argv, container_directory
from pmtui.exporters.environment import Value, environment_of
from pmtui.exporters.probe import probe_command
from pmtui.exporters.result import Exported, Project, warn_unsupported
from pmtui.exporters.yaml import dump_yaml

_CONDITIONS = {
    "started": "service_started",
    "healthy": "service_healthy",
    "completed": "service_completed_successfully",
    "succeeded": "service_completed_successfully",
}
_LOCAL = ("localhost", "127.0.0.1", "::1")


def export_compose(project: Project) -> Exported:
    out = Exported()
    services = {config.id: _service(project, config, out) for config in project.processes}
    out.files["compose.yaml"] = dump_yaml({"services": services})
    out.warn(
        "",
        f"the image {project.image} has to hold the folder {project.directory} as {CONTAINER_ROOT}, "
        "and its interpreters",
    )
    out.warn("", "ports are not in the config: publish what is to be reached; services find each other by name")
    return out


def _service(project: Project, config: ProcessConfig, out: Exported) -> dict[str, Any]:
    service: dict[str, Any] = {
        "image": escaped(project.image),
        "command": [escaped(word) for word in container_argv(config, project.directory)],
        "working_dir": escaped(container_directory(config, project.directory)),
        "init": True,
        "environment": {
            name: _template(value) for name, value in environment_of(config, project.settings, out).items()
        },
        "restart": _restart(config, out),
        "stop_signal": config.stop_signal,
        "stop_grace_period": f"{round(config.stop_timeout * 1000)}ms",
    }
    files = [os.path.relpath(path, project.directory) for path in env_files(config)]
    if files:
        service["env_file"] = [escaped(f"./{path}") for path in files]
    if config.depends_on:
        service["depends_on"] = _dependencies(project, config, out)
    if config.health and (check := _healthcheck(config.health)):
        service["healthcheck"] = check
        out.warn(config.id, "an unhealthy container is only told, not restarted, by compose")
    if config.tty:
        service["tty"] = True
    if config.tty or config.stdin != "null":
        service["stdin_open"] = True
    if config.group:
        service["labels"] = {"pmtui.group": escaped(config.group)}
    if not config.autostart:
        service["profiles"] = ["manual"]
    return service | _limits(config, out)


def escaped(text: str) -> str:
    return text.replace("$", "$$")


def _template(value: Value) -> str:
    parts = []
    for part in value:
        if isinstance(part, str):
            parts.append(escaped(part))
        else:
            kind = f":{part.kind}{escaped(part.word)}" if part.kind else ""
            parts.append(f"${{{part.name}{kind}}}")
    return "".join(parts)


def _restart(config: ProcessConfig, out: Exported) -> str:
    if config.success_exit_codes != [0]:
        out.warn(config.id, "successExitCodes is lost: only 0 is a success")
    if config.restart == "never" or config.max_retries == 0:
        return "no"
    if config.restart == "always":
        if config.max_retries > 0:
            out.warn(config.id, "maxRetries is lost: it is restarted without end")
        return "always"
    return "on-failure" if config.max_retries < 0 else f"on-failure:{config.max_retries}"


def _dependencies(project: Project, config: ProcessConfig, out: Exported) -> dict[str, Any]:
    targets = {other.id: other for other in project.processes}
    wanted: dict[str, Any] = {}
    for name, condition in config.depends_on.items():
        health = targets[name].health if name in targets else None
        word = _CONDITIONS[condition or ("healthy" if health else "started")]
        if word == "service_healthy" and not (health and _healthcheck(health)):
            out.warn(config.id, f"dependsOn {name}: is only waited for until it is started")
            word = "service_started"
        if condition == "completed":
            out.warn(config.id, f"dependsOn {name}: a bad end is not taken for one")
        wanted[name] = {"condition": word}
    return wanted


def _healthcheck(health: Health) -> dict[str, Any] | None:
    if health.command is not None:
        test = ["CMD", *(escaped(word) for word in health.command)]
    else:
        probe = probe_command(health)
        if probe is None:
            return None
        test = ["CMD-SHELL", escaped(probe)]
    return {
        "test": test,
        "interval": f"{round(health.interval * 1000)}ms",
        "timeout": f"{round(health.timeout * 1000)}ms",
        "retries": health.failure_threshold,
        "start_period": f"{round(health.start_period * 1000)}ms",
    }


def _limits(config: ProcessConfig, out: Exported) -> dict[str, Any]:
    limits = {"nofile": config.limits.nofile, "core": config.limits.core, "cpu": config.limits.cpu}
    ulimits = {name: number for name, number in limits.items() if number is not None}
    warn_unsupported(config, out, carried=frozenset({*limits, "tty", "stdin"}))
    if config.umask is not None:
        out.warn(config.id, "umask is lost")
    if config.max_memory:
        out.warn(config.id, "maxMemory: the kernel kills it there, where pmtui stops and restarts it")
    return {
        **({"ulimits": ulimits} if ulimits else {}),
        **({"mem_limit": f"{config.max_memory}b"} if config.max_memory else {}),
        **({"user": escaped(config.user)} if config.user else {}),
    }


def port_of(health: Health | None) -> tuple[str, int] | None:
    """Return the host and port that a health check connects to, if any."""
    if health and health.tcp:
        host, _, port = health.tcp.rpartition(":")
        return host.strip("[]"), int(port)
    if health and health.http:
        url = urlsplit(health.http)
        return url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
    return None


def is_local(host: str) -> bool:
    return host in _LOCAL
