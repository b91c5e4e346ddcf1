"""Export a Procfile, which has names and commands only."""

import re
import shlex

from pmtui.config.environment import env_files
from pmtui.config.model import ProcessConfig
from pmtui.exporters.argv import local_argv
from pmtui.exporters.environment import Reference, Value, environment_of
from pmtui.exporters.result import Exported, Project, warn_unsupported

_NO_LABEL = re.compile(r"[^A-Za-z0-9_-]")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LOST = {
    "depends_on": "dependsOn",
    "health": "health",
    "max_memory": "maxMemory",
    "user": "user",
    "group": "group",
}


def export_procfile(project: Project) -> Exported:
    out = Exported()
    lines: list[str] = []
    for config in project.processes:
        if not config.autostart:
            out.warn(config.id, "is left out: all of a Procfile is started, and autostart is off")
            continue
        line = _command(project, config, out)
        if "\n" in line:
            out.warn(config.id, "is left out: a line of a Procfile cannot hold a new line")
            continue
        lines.append(f"{_NO_LABEL.sub('-', config.id)}: {line}")
        _warn(config, out)
    out.files["Procfile"] = "".join(f"{line}\n" for line in lines)
    if lines:
        out.warn("", "restart, backoff and stop rules are lost: foreman and honcho end all when one ends")
    return out


def _command(project: Project, config: ProcessConfig, out: Exported) -> str:
    values = environment_of(config, project.settings, out)
    pairs = [f"{name}={_quoted(value)}" for name, value in values.items() if _VARIABLE.fullmatch(name)]
    folder = f"cd {shlex.quote(config.cwd)} && " if config.cwd != project.directory else ""
    umask = f"umask {config.umask:04o} && " if config.umask is not None else ""
    return f"{folder}{umask}exec {' '.join(['env', *pairs, shlex.join(local_argv(config))])}"


def _quoted(value: Value) -> str:
    parts = [shlex.quote(part) if isinstance(part, str) else _reference(part) for part in value]
    return "".join(parts) or "''"


def _reference(part: Reference) -> str:
    word = part.word.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("`", "\\`")
    return f'"${{{part.name}{f":{part.kind}{word}" if part.kind else ""}}}"'


def _warn(config: ProcessConfig, out: Exported) -> None:
    lost = [shown for name, shown in _LOST.items() if getattr(config, name)]
    if lost:
        out.warn(config.id, f"{', '.join(lost)} lost: a Procfile has none")
    others = [path for path in env_files(config) if not path.endswith("/.env")]
    if others:
        out.warn(config.id, f"envFile {', '.join(others)} lost: only .env is read")
    warn_unsupported(config, out)
