"""Translate the probes of process-compose."""

import re
import shlex
from collections.abc import Collection
from typing import Any

from pmtui.importers.builder import ProcessBuilder, whole
from pmtui.importers.process_compose.shell import Shell
from pmtui.importers.process_compose.templates import TemplateText
from pmtui.importers.shell_words import split_words

_TIMES = {
    "period_seconds": ("interval", 10),
    "timeout_seconds": ("timeout", 1),
    "failure_threshold": ("failureThreshold", 3),
    "success_threshold": ("successThreshold", 1),
}
_REASONS = {
    "readiness_probe": "asked from the start on, each second until it succeeds; answers with 2xx and 3xx are good",
    "liveness_probe": "process-compose heeds it for is_daemon only; here an unhealthy process is restarted",
}
_STARTUP_INTERVAL = 1
"""Seconds between two checks of pmtui before the first success."""


def convert_health(entry: ProcessBuilder, text: TemplateText, shell: Shell, hidden: Collection[str]) -> None:
    """Combine the two probes and the ready line into one health check."""
    probes = {name: entry.pop(name) for name in ("readiness_probe", "liveness_probe")}
    line = entry.pop("ready_log_line")
    given = [name for name, probe in probes.items() if isinstance(probe, dict)]
    if given:
        _probe(entry, given[0], probes[given[0]], text, shell, hidden)
        for name in given[1:]:
            if probes[name] != probes[given[0]]:
                entry.add_loss(name, "a process has one health check, for readiness and for restarts")
        if line:
            entry.add_loss("ready_log_line", f"{given[0]} is used for readiness")
    elif line:
        entry.set_fields("ready_log_line", health={"log": re.escape(text.expand_now(str(line)))})


def _probe(
    entry: ProcessBuilder, name: str, probe: dict[str, Any], text: TemplateText, shell: Shell, hidden: Collection[str]
) -> None:
    health = _convert_probe(entry, name, probe, text, shell, hidden)
    if health is None:
        return
    times = {key: whole(text.expand_values(probe.get(key))) or usual for key, (_, usual) in _TIMES.items()}
    for key, (field, _) in _TIMES.items():
        health[field] = times[key] if "Threshold" in field else f"{times[key]}s"
    delay = whole(text.expand_values(probe.get("initial_delay_seconds")))
    patience = delay + times["failure_threshold"] * (times["period_seconds"] - _STARTUP_INTERVAL)
    health["startPeriod"] = f"{patience}s"
    entry.set_fields(name, _REASONS[name], health=health)
    for key in probe:
        if key not in (*_TIMES, "initial_delay_seconds", "exec", "http_get"):
            entry.add_loss(f"{name}.{key}", "pmtui knows no such field")


def _convert_probe(
    entry: ProcessBuilder, name: str, probe: dict[str, Any], text: TemplateText, shell: Shell, hidden: Collection[str]
) -> dict[str, Any] | None:
    match probe:
        case {"exec": dict(action)} if action.get("command"):
            for key in action:
                if key not in ("command", "working_dir"):
                    entry.add_loss(f"{name}.exec.{key}", "pmtui knows no such field")
            command = text.command(str(action["command"]), hidden)
            if folder := action.get("working_dir"):
                command = f"cd {shlex.quote(text.expand_now(str(folder)))} && {command}"
            return {"command": _argv(shell.fields(command))}
        case {"http_get": dict(get)}:
            return _http(entry, name, get, text)
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
        if key not in ("scheme", "host", "port", "path") and not (key == "status_code" and str(get[key]) == "200"):
            entry.add_loss(f"{name}.http_get.{key}", "a plain GET that is answered by 2xx or 3xx is good")
    return {"http": f"{scheme}://{host}:{port}/{path.lstrip('/')}"}
