"""Export Kubernetes manifests: a Deployment or a Job per process, and a Service if its port is known."""

import hashlib
import math
import os
import re
from typing import Any
from urllib.parse import urlsplit

from pmtui.config.environment import env_files
from pmtui.config.model import Health, ProcessConfig
from pmtui.exporters.argv import CONTAINER_ROOT, container_argv, container_directory, stop_argv
from pmtui.exporters.compose import is_local, port_of
from pmtui.exporters.cron_job import cron_job
from pmtui.exporters.environment import Reference, environment_of
from pmtui.exporters.result import Exported, Project, warn_unsupported
from pmtui.exporters.yaml import dump_yaml

Manifest = dict[str, Any]

_NO_NAME = re.compile(r"[^a-z0-9]+")
_WAITER = "busybox:stable"


def export_kubernetes(project: Project) -> Exported:
    out = Exported()
    names = resource_names(project)
    manifests: list[Manifest] = []
    for config in project.processes:
        manifests.append(_workload(project, config, names, out))
        port = port_of(config.health)
        if port:
            manifests.append(_service(project, names[config.id], port[1]))
        _warn(config, port[0] if port else "", out)
    out.files["kubernetes.yaml"] = "---\n".join(dump_yaml(manifest) for manifest in manifests)
    out.warn(
        "",
        f"the image {project.image} has to hold the folder {project.directory} as {CONTAINER_ROOT}, "
        "and its interpreters",
    )
    return out


def resource_names(project: Project) -> dict[str, str]:
    """Return a DNS label for each id; labels that would clash or be too long carry a digest."""
    names: dict[str, str] = {}
    for config in project.processes:
        name = dns_label(config.id)
        if name in names.values() or len(name) > 52:
            name = f"{name[:43].rstrip('-')}-{hashlib.sha256(config.id.encode()).hexdigest()[:8]}"
        names[config.id] = name
    return names


def dns_label(text: str) -> str:
    label = _NO_NAME.sub("-", text.lower()).strip("-")
    return label if label[:1].isalpha() else f"p-{label}".rstrip("-")


def _metadata(project: Project, name: str) -> Manifest:
    labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": dns_label(project.name)[:52].rstrip("-")}
    return {"name": name, "labels": labels}


def _workload(project: Project, config: ProcessConfig, names: dict[str, str], out: Exported) -> Manifest:
    metadata = _metadata(project, names[config.id])
    pod = _pod(project, config, names, out)
    template = {"metadata": {"labels": metadata["labels"]}, "spec": pod}
    if config.schedule:
        return cron_job(config, metadata, template, out)
    if config.restart == "always":
        if config.max_retries > 0:
            out.warn(config.id, "maxRetries is lost: it is restarted without end")
        spec = {
            "replicas": 1 if config.autostart else 0,
            "selector": {"matchLabels": {"app.kubernetes.io/name": names[config.id]}},
            "template": template,
        }
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}
    pod["restartPolicy"] = "OnFailure" if config.restart == "on-failure" else "Never"
    retries = 0 if config.restart == "never" else config.max_retries if config.max_retries >= 0 else 1000
    job = {"backoffLimit": retries, "suspend": not config.autostart, "template": template}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": job}


def _pod(project: Project, config: ProcessConfig, names: dict[str, str], out: Exported) -> Manifest:
    container: Manifest = {
        "name": names[config.id],
        "image": project.image,
        "command": [word.replace("$(", "$$(") for word in container_argv(config, project.directory)],
        "workingDir": container_directory(config, project.directory),
        "env": _environment(project, config, out),
        **_probes(config),
    }
    files = _env_files(project, config, out)
    if files:
        container["envFrom"] = files
    port = port_of(config.health)
    if port and is_local(port[0]):
        container["ports"] = [{"containerPort": port[1]}]
    if config.max_memory:
        container["resources"] = {"limits": {"memory": str(config.max_memory)}}
    if config.tty or config.stdin != "null":
        container |= {"stdin": True, "tty": config.tty}
    if config.stop_command:
        command = [word.replace("$(", "$$(") for word in stop_argv(config)]
        container["lifecycle"] = {"preStop": {"exec": {"command": command}}}
    waiting = _waiters(project, config, names, out)
    return {
        **({"initContainers": waiting} if waiting else {}),
        "containers": [container],
        "terminationGracePeriodSeconds": max(1, math.ceil(config.stop_timeout)),
        **_security(config, out),
    }


def _environment(project: Project, config: ProcessConfig, out: Exported) -> list[Manifest]:
    """Return variables in order: what a value refers to comes first, from a Secret that the user creates."""
    variables: dict[str, Manifest] = {}
    secret = f"{dns_label(project.name)}-env"
    for name, value in environment_of(config, project.settings, out).items():
        text = ""
        for part in value:
            if isinstance(part, str):
                text += part.replace("$(", "$$(")
            elif part.kind == "-":
                text += part.word.replace("$(", "$$(")
                out.warn(config.id, f"{name} has the default that the config gives {part.name}")
            else:
                text += f"$({part.name})"
                variables.setdefault(part.name, _from_secret(part, secret))
                out.warn(config.id, f"{part.name} comes from the secret {secret}: kubectl create secret generic")
        if value != (Reference(name, "", ""),) and value != (Reference(name, "?", ""),):
            variables.pop(name, None)
            variables[name] = {"name": name, "value": text}
    return list(variables.values())


def _from_secret(part: Reference, secret: str) -> Manifest:
    key = {"name": secret, "key": part.name, **({} if part.kind else {"optional": True})}
    return {"name": part.name, "valueFrom": {"secretKeyRef": key}}


def _env_files(project: Project, config: ProcessConfig, out: Exported) -> list[Manifest]:
    """Return each file as a Secret that the user creates from it; its values are not written."""
    sources: list[Manifest] = []
    for path in env_files(config):
        name = dns_label(f"{project.name}-file-{os.path.relpath(path, project.directory)}")
        sources.append({"secretRef": {"name": name}})
        out.warn(config.id, f"envFile: kubectl create secret generic {name} --from-env-file={path}")
    return sources


def _probes(config: ProcessConfig) -> Manifest:
    health = config.health
    action = _action(health) if health else None
    if not (health and action):
        return {}
    asked = {
        **action,
        "timeoutSeconds": max(1, math.ceil(health.timeout)),
        "periodSeconds": max(1, math.ceil(health.interval)),
        "failureThreshold": health.failure_threshold,
    }
    start = {**action, "periodSeconds": 1, "failureThreshold": max(1, math.ceil(health.start_period))}
    start["timeoutSeconds"] = asked["timeoutSeconds"]
    ready = {**asked, "successThreshold": health.success_threshold}
    return {"startupProbe": start, "livenessProbe": asked, "readinessProbe": ready}


def _action(health: Health) -> Manifest | None:
    port = port_of(health)
    if health.http and port:
        url = urlsplit(health.http)
        path = f"{url.path or '/'}{f'?{url.query}' if url.query else ''}"
        host = {} if is_local(port[0]) else {"host": port[0]}
        return {"httpGet": {**host, "path": path, "port": port[1], "scheme": url.scheme.upper()}}
    if health.tcp and port:
        return {"tcpSocket": {**({} if is_local(port[0]) else {"host": port[0]}), "port": port[1]}}
    return {"exec": {"command": health.command}} if health.command else None


def _waiters(project: Project, config: ProcessConfig, names: dict[str, str], out: Exported) -> list[Manifest]:
    """Return init containers that wait for the ports of dependencies, since Kubernetes starts everything at once."""
    waiters: list[Manifest] = []
    targets = {other.id: other for other in project.processes}
    for name in config.depends_on:
        port = port_of(targets[name].health) if name in targets else None
        if port is None:
            out.warn(config.id, f"dependsOn {name} is lost: no port of it is known that could be waited for")
            continue
        host = names[name] if is_local(port[0]) else port[0]
        script = f"until nc -z -w 2 {host} {port[1]}; do sleep 1; done"
        waiters.append({"name": f"wait-{names[name]}", "image": _WAITER, "command": ["sh", "-c", script]})
    return waiters


def _security(config: ProcessConfig, out: Exported) -> Manifest:
    if not config.user:
        return {}
    user, _, group = config.user.partition(":")
    if not user.isdecimal() or (group and not group.isdecimal()):
        out.warn(config.id, "user is lost: Kubernetes takes numbers; set it in the image")
        return {}
    return {"securityContext": {"runAsUser": int(user), **({"runAsGroup": int(group)} if group else {})}}


def _service(project: Project, name: str, port: int) -> Manifest:
    spec = {"selector": {"app.kubernetes.io/name": name}, "ports": [{"port": port, "targetPort": port}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": _metadata(project, name), "spec": spec}


def _warn(config: ProcessConfig, host: str, out: Exported) -> None:
    if is_local(host):
        out.warn(config.id, "has to listen on all addresses: probes and other pods do not reach its loopback")
    if config.stop_signal != "SIGTERM":
        out.warn(config.id, "stopSignal is lost: set STOPSIGNAL in the image")
    if config.success_exit_codes != [0]:
        out.warn(config.id, "successExitCodes is lost: only 0 is a success")
    if config.umask is not None:
        out.warn(config.id, "umask is lost")
    if config.max_memory:
        out.warn(config.id, "maxMemory: the kernel kills it there, where pmtui stops and restarts it")
    warn_unsupported(config, out, carried=frozenset({"tty", "stdin", "stop_command", "schedule"}))
