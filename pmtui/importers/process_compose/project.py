"""Read parsed projects of process-compose."""

import os
from typing import Any

from pmtui.config.model import ConfigError
from pmtui.importers.builder import (
    ConfigBuilder,
    ImportContext,
    Imported,
    ProcessBuilder,
    UnsupportedFileError,
    id_of,
    table,
    texts,
    whole,
)
from pmtui.importers.dotenv import godotenv_values, report_differences
from pmtui.importers.process_compose.health import convert_health
from pmtui.importers.process_compose.policy import convert_policy
from pmtui.importers.process_compose.templates import TemplateText
from pmtui.importers.shell_words import argv_fields, shell_fields, split_words

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
    "mcp_server": "",
}

_FILLED = ("availability", "disabled", "is_disabled", "namespace", "replicas", "shutdown", "success_exit_codes")
"""Fields of a process whose variables are filled in now: what is left of them says how it is to be run."""


def read_process_compose(values: dict[str, Any], origin: ImportContext) -> Imported:
    """Raises UnsupportedFileError if it names no process."""
    draft = ConfigBuilder(origin)
    processes = values.get("processes")
    if not isinstance(processes, dict) or not processes:
        raise UnsupportedFileError("no processes in it: expected {processes: {name: {command: …}}}")
    environment = _environment(draft, values)
    _project(draft, values)
    shell = _shell(draft, values)
    for name, raw in processes.items():
        if not isinstance(raw, dict):
            draft.add_loss(str(name), "processes", "is not a table")
            continue
        vars_ = table(values.get("vars")) | table(raw.get("vars"))
        if whole(raw.get("replicas"), 1) == 1:
            vars_ |= {"PC_REPLICA_NUM": 0}
        text = TemplateText(environment, vars_, bool(values.get("disable_env_expansion")))
        entry = draft.add_process(
            str(name), {key: text.expand_values(raw[key]) if key in _FILLED else raw[key] for key in raw}
        )
        try:
            _process(entry, text, origin, shell)
        except UnsupportedFileError as error:
            draft.drop_process(entry, "command", str(error))
    _rename_dependencies(draft, [str(name) for name in processes])
    _share_env_file(draft, values)
    return draft.build("process-compose")


def _environment(draft: ConfigBuilder, values: dict[str, Any]) -> dict[str, str]:
    """Return what expands variables now: this environment, overridden by the .env."""
    environment = dict(draft.context.environment)
    path = os.path.join(draft.context.source, ".env")
    if not values.get("is_dotenv_disabled") and os.path.lexists(path):
        try:
            environment |= godotenv_values(path)
            report_differences(draft, path, {"process-compose": godotenv_values(path)})
        except ConfigError as error:
            draft.add_loss("", ".env", f"cannot be read: {error}")
    return environment


def _share_env_file(draft: ConfigBuilder, values: dict[str, Any]) -> None:
    path = os.path.join(draft.context.source, ".env")
    if values.get("is_dotenv_disabled") or not os.path.lexists(path) or any(n.source == ".env" for n in draft.notes):
        return
    for entry in draft.processes.values():
        entry.fields["envFile"] = [draft.context.path(".env"), *entry.fields.get("envFile", [])]
    draft.add_note("", ".env", "envFile", "read again at each start")


def _project(draft: ConfigBuilder, values: dict[str, Any]) -> None:
    for key, value in values.items():
        if key == "environment":
            text = TemplateText({}, table(values.get("vars")), bool(values.get("disable_env_expansion")))
            draft.settings["env"] = env_pairs(value, text)
            draft.add_note("", key, "settings.env")
        elif key not in ("processes", "shell") and _PROJECT.get(key):
            draft.add_note("", key, "(as always)", _PROJECT[key])
        elif key not in ("processes", "shell"):
            reason = "import that file too, and merge them by hand" if key == "extends" else "pmtui knows no such field"
            draft.add_loss("", key, reason)


def _shell(draft: ConfigBuilder, values: dict[str, Any]) -> str:
    shell = table(values.get("shell"))
    if shell.get("shell_command"):
        draft.add_note("", "shell", "command, args", "where a command needs a shell")
    if shell.get("shell_argument", "-c") != "-c":
        draft.add_loss("", "shell.shell_argument", "a shell is called with -c")
    return str(shell.get("shell_command") or "bash")


def _process(entry: ProcessBuilder, text: TemplateText, origin: ImportContext, shell: str) -> None:
    entry.pop("vars")
    _command(entry, text, shell)
    if folder := entry.pop("working_dir"):
        entry.set_fields("working_dir", cwd=origin.path(text.expand_now(str(folder))))
    elif origin.source != origin.target:
        entry.set_fields("folder of the project", cwd=origin.source)
    if environment := entry.pop("environment"):
        entry.set_fields("environment", env=env_pairs(environment, text))
    if files := entry.pop("env_file"):
        entry.set_fields("env_file", envFile=[origin.path(text.expand_now(name)) for name in texts(files)])
    convert_health(entry, text, shell)
    convert_policy(entry, text, origin)
    entry.close()
    for unknown in dict.fromkeys(text.unknown):
        entry.add_loss(unknown, "is not known here")


def _command(entry: ProcessBuilder, text: TemplateText, shell: str) -> None:
    command, entrypoint, args = entry.pop("command"), entry.pop("entrypoint"), entry.pop("args")
    if command:
        entry.set_fields("command", **shell_fields(text.command(str(command)), shell))
        for name, value in (("entrypoint", entrypoint), ("args", args)):
            if value:
                entry.add_loss(name, "command wins")
    elif entrypoint:
        entry.set_fields(
            "entrypoint",
            **argv_fields([text.expand_now(word) for word in [*split_words(entrypoint), *split_words(args or [])]]),
        )
    else:
        raise UnsupportedFileError("it has no command")


def env_pairs(value: object, text: TemplateText) -> dict[str, str]:
    """Read a list of `NAME=value`, or a table. Raises UnsupportedFileError."""
    if isinstance(value, dict):
        return {str(name): text.value(_plain(item)) for name, item in value.items()}
    if not isinstance(value, list) or not all(isinstance(pair, str) and "=" in pair for pair in value):
        raise UnsupportedFileError("environment: expected a list of NAME=value")
    return {name: text.value(item) for name, _, item in (pair.partition("=") for pair in value)}


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _rename_dependencies(draft: ConfigBuilder, names: list[str]) -> None:
    """Rename dependencies to ids, which may be spelled differently."""
    for entry in draft.processes.values():
        wanted = entry.fields.get("dependsOn", {})
        entry.fields |= {"dependsOn": {id_of(name): how for name, how in wanted.items()}} if wanted else {}
        for name in wanted:
            if name not in names:
                entry.fields["dependsOn"].pop(id_of(name), None)
                entry.add_loss("depends_on", f"no process has the name {name}")
