"""Read parsed projects of process-compose."""

import os
from typing import Any

from pmtui.importers.builder import (
    ConfigBuilder,
    ImportContext,
    Imported,
    ProcessBuilder,
    UnsupportedFileError,
    id_of,
    table,
    whole,
)
from pmtui.importers.process_compose.environment import ProjectEnvironment, convert_environment
from pmtui.importers.process_compose.extends import with_base
from pmtui.importers.process_compose.health import convert_health
from pmtui.importers.process_compose.policy import convert_policy
from pmtui.importers.process_compose.shell import Shell, project_shell
from pmtui.importers.process_compose.templates import TemplateText
from pmtui.importers.shell_words import argv_fields, split_words

_PROJECT = {
    "version": "of the form of the file",
    "log_level": "about process-compose itself",
    "log_length": "lines in memory are bounded anyway",
    "log_location": "logs are in .pmtui/logs",
    "log_configuration": "logs are in .pmtui/logs",
    "is_strict": "our files are always read strictly",
    "is_tui_disabled": "pmtui --no-ui",
    "ordered_shutdown": "the stop is in reverse order of the dependencies",
    "name": "a manager is known by its config",
    "vars": "filled in",
    "disable_env_expansion": "obeyed",
    "is_dotenv_disabled": "obeyed",
    "env_cmds": "env of each process",
    "environment": "settings.env",
    "extends": "merged with that file",
    "shell": "command",
    "processes": "",
}
_LOST = {
    "log_format": "logs are in .pmtui/logs",
    "mcp_server": "pmtui has its own REST API",
}
PROJECT_KEYS = frozenset(_PROJECT | _LOST)
"""What is read of a file; all else is passed over there without a look."""

_OVERRIDES = tuple(f"process-compose.override.{ending}" for ending in ("yml", "yaml"))
_AS_THEY_ARE = ("command", "entrypoint", "args", "environment", "env_file", "working_dir", "vars", "watch", "shutdown")
"""Fields whose variables are filled in where they are converted; those of all others now."""
_LEFT = "vars has no such name; the text stays as it is"
_UNSET = "it is not set here, and so empty: set it in .env, or where pmtui is started"
_MAX_COPIES = 100
_NUMBER = "PC_REPLICA_NUM"


def read_process_compose(values: dict[str, Any], origin: ImportContext) -> Imported:
    """Raises UnsupportedFileError if it names no process."""
    draft = ConfigBuilder(origin)
    values = with_base(values, origin.source, PROJECT_KEYS)
    processes = values.get("processes")
    if not isinstance(processes, dict) or not processes:
        raise UnsupportedFileError("no processes in it: expected {processes: {name: {command: …}}}")
    _project(draft, values)
    shell = project_shell(draft, values)
    project = ProjectEnvironment(draft, values, shell.program)
    copies: dict[str, list[str]] = {}
    for name, raw in processes.items():
        if not isinstance(raw, dict):
            draft.add_loss(str(name), "processes", "is not a table")
            continue
        copies[str(name)] = []
        for number, (label, part) in enumerate(_copies(str(name), raw)):
            copies[str(name)].append(id_of(label))
            text = _text_of(part, values, project, number)
            fields = {
                key: value if key in _AS_THEY_ARE or "probe" in key else text.expand_values(value)
                for key, value in part.items()
            }
            entry = draft.add_process(label, fields)
            try:
                _process(draft, entry, part, text, project, shell, number)
            except UnsupportedFileError as error:
                draft.drop_process(entry, "command", str(error))
    _rename_dependencies(draft, copies)
    return draft.build("process-compose")


def _copies(name: str, raw: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the process, or each of its replicas if they differ by their number."""
    count = whole(raw.get("replicas"), 1)
    if not 1 < count <= _MAX_COPIES or _NUMBER not in str(raw):
        return [(name, raw)]
    part = {key: value for key, value in raw.items() if key != "replicas"}
    return [(f"{name}-{number}", part) for number in range(count)]


def _text_of(raw: dict[str, Any], values: dict[str, Any], project: ProjectEnvironment, number: int) -> TemplateText:
    vars_ = table(values.get("vars")) | table(raw.get("vars"))
    if whole(raw.get("replicas"), 1) <= 1:
        vars_ |= {_NUMBER: number}
    return TemplateText(project.now, vars_, bool(values.get("disable_env_expansion")))


def _project(draft: ConfigBuilder, values: dict[str, Any]) -> None:
    for key, value in values.items():
        if key in _LOST:
            draft.add_loss("", key, _LOST[key])
        elif str(key).startswith("x-"):
            draft.add_note("", key, "(as always)", "process-compose does not read it either")
        elif key not in _PROJECT:
            draft.add_loss("", str(key), "pmtui knows no such field")
        elif key not in ("processes", "shell", "environment", "env_cmds") and value is not None:
            draft.add_note("", key, "(as always)", _PROJECT[key])
    reason = 'process-compose ends; pmtui --no-ui does with settings.onIdle = "down"'
    draft.add_note("", "end of all processes", "(as always)", reason)
    for name in _OVERRIDES:
        if os.path.lexists(os.path.join(draft.context.source, name)):
            draft.add_loss("", name, "process-compose merges it into the project; pmtui.local.toml can do the same")


def _process(
    draft: ConfigBuilder,
    entry: ProcessBuilder,
    raw: dict[str, Any],
    text: TemplateText,
    project: ProjectEnvironment,
    shell: Shell,
    number: int,
) -> None:
    entry.pop("vars")
    hidden = convert_environment(draft, entry, text, project, raw, number)
    _command(entry, text, shell, hidden)
    if folder := entry.pop("working_dir"):
        entry.set_fields("working_dir", cwd=draft.context.path(text.expand_now(str(folder))))
    elif draft.context.source != draft.context.target:
        entry.set_fields("folder of the project", cwd=draft.context.source)
    convert_health(entry, text, shell, hidden)
    convert_policy(entry, text, draft.context, shell, hidden)
    entry.close()
    for unknown in dict.fromkeys(text.unknown):
        entry.add_loss(unknown, _LEFT if unknown.startswith("{{") else _UNSET)


def _command(entry: ProcessBuilder, text: TemplateText, shell: Shell, hidden: set[str]) -> None:
    command, entrypoint, args = entry.pop("command"), entry.pop("entrypoint"), entry.pop("args")
    is_rendered = entry.pop("is_template_disabled") is not True
    if command:
        entry.set_fields("command", **shell.fields(text.command(str(command), hidden, is_rendered)))
        for name in sorted(text.references(str(command), braced=True) & hidden):
            entry.add_remark(f"${{{name}}}", "filled in now: process-compose does so before the process gets its own")
        for name in sorted((text.references(str(command)) - text.references(str(command), braced=True)) & hidden):
            entry.add_remark(f"${name}", "left to the shell, as recent versions do; older ones fill it in before")
        for name, value in (("entrypoint", entrypoint), ("args", args)):
            if value:
                entry.add_loss(name, "process-compose does not use it either beside command: write it into command")
    elif entrypoint:
        entry.set_fields(
            "entrypoint",
            **argv_fields([text.expand_now(word) for word in [*split_words(entrypoint), *split_words(args or [])]]),
        )
    else:
        raise UnsupportedFileError("it has no command")


def _rename_dependencies(draft: ConfigBuilder, copies: dict[str, list[str]]) -> None:
    """Rename dependencies to ids, which may be spelled differently, and to all copies of a process."""
    for entry in draft.processes.values():
        wanted = entry.fields.get("dependsOn", {})
        if wanted:
            renamed = {name: how for label, how in wanted.items() for name in copies.get(label, ())}
            entry.fields["dependsOn"] = renamed
        for name in wanted:
            if name not in copies:
                entry.add_loss("depends_on", f"no process has the name {name}")
