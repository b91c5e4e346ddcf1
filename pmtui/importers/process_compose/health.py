"""Translate the probes of process-compose."""

import re
from typing import Any

from pmtui.importers.builder import ProcessBuilder, whole
from pmtui.importers.process_compose.templates import TemplateText
from pmtui.importers.shell_words import shell_fields, split_words

_TIMES = {
    "period_seconds": ("interval", 10),
    "timeout_seconds": ("timeout", 1),
    "failure_threshold": ("failureThreshold", 3),
    "success_threshold": ("successThreshold", 1),
}
_DEFAULT_START_DELAY = 30


def convert_health(entry: ProcessBuilder, text: TemplateText, shell: str) -> None:
    """Combine the two probes and the ready line into one health check."""
    probes = {name: entry.pop(name) for name in ("readiness_probe", "liveness_probe")}
    line = entry.pop("ready_log_line")
    given = [name for name, probe in probes.items() if isinstance(probe, dict)]
    if given:
        _probe(entry, given[0], probes[given[0]], text, shell)
        for name in given[1:]:
            if probes[name] != probes[given[0]]:
                entry.add_loss(name, "a process has one health check, for readiness and for restarts")
        if line:
            entry.add_loss("ready_log_line", f"{given[0]} is used for readiness")
    elif line:
        entry.set_fields("ready_log_line", health={"log": re.escape(text.expand_now(str(line)))})


def _probe(entry: ProcessBuilder, name: str, probe: dict[str, Any], text: TemplateText, shell: str) -> None:
    health = _convert_probe(entry, name, probe, text, shell)
    if health is None:
        return
    for key, (field, usual) in _TIMES.items():
        number = whole(probe.get(key)) or usual
        health[field] = number if "Threshold" in field else f"{number}s"
    delay = whole(probe.get("initial_delay_seconds"))
    if delay > _DEFAULT_START_DELAY:
        health["startPeriod"] = f"{delay}s"
    reason = "asked from the start on; failures count after startPeriod"
    if name == "readiness_probe":
        reason += "; unhealthy means a restart here"
    entry.set_fields(name, reason, health=health)
    for key in probe:
        if key not in (*_TIMES, "initial_delay_seconds", "exec", "http_get"):
            entry.add_loss(f"{name}.{key}", "pmtui knows no such field")


def _convert_probe(
    entry: ProcessBuilder, name: str, probe: dict[str, Any], text: TemplateText, shell: str
) -> dict[str, Any] | None:
    match probe:
        case {"http_get": dict(get)}:
            return _http(entry, name, get, text)
        case {"exec": dict(action)} if action.get("command"):
            for key in action:
                if key != "command":
                    entry.add_loss(f"{name}.exec.{key}", "the command runs in the folder of the process")
            fields = shell_fields(text.command(str(action["command"])), shell)
            return {"command": _argv(fields)}
    entry.add_loss(name, "has neither http_get nor exec.command")
    return None


def _argv(fields: dict[str, Any]) -> list[str]:
    if fields.get("shell"):
        return ["/bin/sh", "-c", fields["command"]]
    return [fields["command"], *fields["args"]] if "args" in fields else split_words(fields["command"])


def _http(entry: ProcessBuilder, name: str, get: dict[str, Any], text: TemplateText) -> dict[str, Any]:
    scheme = str(get.get("scheme") or "http").lower()
    host = text.expand_now(str(get.get("host") or "127.0.0.1"))
    port = text.expand_now(str(get.get("port") or (443 if scheme == "https" else 80)))
    path = text.expand_now(str(get.get("path") or "/"))
    for key in get:
        if key not in ("scheme", "host", "port", "path"):
            entry.add_loss(f"{name}.http_get.{key}", "a GET that is answered by 2xx or 3xx is good")
    return {"http": f"{scheme}://{host}:{port}/{path.lstrip('/')}"}
