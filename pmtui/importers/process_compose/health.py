"""The probes of process-compose."""

import re
from typing import Any

from pmtui.importers.builder import Entry, whole
from pmtui.importers.process_compose.templates import Text
from pmtui.importers.shell_words import by_shell, split

_TIMES = {
    "period_seconds": ("interval", 10),
    "timeout_seconds": ("timeout", 1),
    "failure_threshold": ("failureThreshold", 3),
    "success_threshold": ("successThreshold", 1),
}
_USUAL_START = 30


def put_health(entry: Entry, text: Text, shell: str) -> None:
    """One health check of the two probes and the line that tells readiness."""
    probes = {name: entry.take(name) for name in ("readiness_probe", "liveness_probe")}
    line = entry.take("ready_log_line")
    given = [name for name, probe in probes.items() if isinstance(probe, dict)]
    if given:
        _probe(entry, given[0], probes[given[0]], text, shell)
        for name in given[1:]:
            if probes[name] != probes[given[0]]:
                entry.lose(name, "one health check a process: it tells when it is ready, and restarts it")
        if line:
            entry.lose("ready_log_line", f"{given[0]} tells when it is ready")
    elif line:
        entry.put("ready_log_line", health={"log": re.escape(text.now(str(line)))})


def _probe(entry: Entry, name: str, probe: dict[str, Any], text: Text, shell: str) -> None:
    health = _question(entry, name, probe, text, shell)
    if health is None:
        return
    for key, (field, usual) in _TIMES.items():
        number = whole(probe.get(key)) or usual
        health[field] = number if "Threshold" in field else f"{number}s"
    delay = whole(probe.get("initial_delay_seconds"))
    if delay > _USUAL_START:
        health["startPeriod"] = f"{delay}s"
    reason = "asked from the start on; failures count after startPeriod"
    if name == "readiness_probe":
        reason += "; unhealthy means a restart here"
    entry.put(name, reason, health=health)
    for key in probe:
        if key not in (*_TIMES, "initial_delay_seconds", "exec", "http_get"):
            entry.lose(f"{name}.{key}", "pmtui knows no such field")


def _question(entry: Entry, name: str, probe: dict[str, Any], text: Text, shell: str) -> dict[str, Any] | None:
    match probe:
        case {"http_get": dict(get)}:
            return _http(entry, name, get, text)
        case {"exec": dict(action)} if action.get("command"):
            for key in action:
                if key != "command":
                    entry.lose(f"{name}.exec.{key}", "the command runs in the folder of the process")
            fields = by_shell(text.command(str(action["command"])), shell)
            return {"command": _argv(fields)}
    entry.lose(name, "has neither http_get nor exec.command")
    return None


def _argv(fields: dict[str, Any]) -> list[str]:
    if fields.get("shell"):
        return ["/bin/sh", "-c", fields["command"]]
    return [fields["command"], *fields["args"]] if "args" in fields else split(fields["command"])


def _http(entry: Entry, name: str, get: dict[str, Any], text: Text) -> dict[str, Any]:
    scheme = str(get.get("scheme") or "http").lower()
    host = text.now(str(get.get("host") or "127.0.0.1"))
    port = text.now(str(get.get("port") or (443 if scheme == "https" else 80)))
    path = text.now(str(get.get("path") or "/"))
    for key in get:
        if key not in ("scheme", "host", "port", "path"):
            entry.lose(f"{name}.http_get.{key}", "a GET that is answered by 2xx or 3xx is good")
    return {"http": f"{scheme}://{host}:{port}/{path.lstrip('/')}"}
