"""process-compose's projects, already parsed."""

import os
from typing import Any

from pmtui.config.envfile import read_env_file
from pmtui.config.model import ConfigError
from pmtui.importers.builder import Draft, Entry, ForeignFileError, Imported, Origin, id_of, table, texts, whole
from pmtui.importers.process_compose.health import put_health
from pmtui.importers.process_compose.policy import put_policy
from pmtui.importers.process_compose.templates import Text
from pmtui.importers.shell_words import by_shell, by_words, split

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


def read_process_compose(values: dict[str, Any], origin: Origin) -> Imported:
    """Raises ForeignFileError where it names no process."""
    draft = Draft(origin)
    processes = values.get("processes")
    if not isinstance(processes, dict) or not processes:
        raise ForeignFileError("no processes in it: expected {processes: {name: {command: …}}}")
    environment = _environment(draft, values)
    _project(draft, values)
    shell = _shell(draft, values)
    for name, raw in processes.items():
        if not isinstance(raw, dict):
            draft.lose(str(name), "processes", "is no table")
            continue
        vars_ = table(values.get("vars")) | table(raw.get("vars"))
        if whole(raw.get("replicas"), 1) == 1:
            vars_ |= {"PC_REPLICA_NUM": 0}
        text = Text(environment, vars_, bool(values.get("disable_env_expansion")))
        entry = draft.entry(str(name), {key: text.filled(raw[key]) if key in _FILLED else raw[key] for key in raw})
        try:
            _process(entry, text, origin, shell)
        except ForeignFileError as error:
            draft.drop(entry, "command", str(error))
    _rename_dependencies(draft, [str(name) for name in processes])
    _share_env_file(draft, values)
    return draft.finish("process-compose")


def _environment(draft: Draft, values: dict[str, Any]) -> dict[str, str]:
    """What fills in variables now: this environment, over which the .env wins."""
    environment = dict(draft.origin.environment)
    path = os.path.join(draft.origin.source, ".env")
    if not values.get("is_dotenv_disabled") and os.path.lexists(path):
        try:
            environment |= {name: value.replace("$$", "$") for name, value in read_env_file(path).items()}
        except ConfigError as error:
            draft.lose("", ".env", f"cannot be read: {error}")
    return environment


def _share_env_file(draft: Draft, values: dict[str, Any]) -> None:
    path = os.path.join(draft.origin.source, ".env")
    if values.get("is_dotenv_disabled") or not os.path.lexists(path) or any(n.source == ".env" for n in draft.notes):
        return
    for entry in draft.entries.values():
        entry.fields["envFile"] = [draft.origin.path(".env"), *entry.fields.get("envFile", [])]
    draft.note("", ".env", "envFile", "read again at each start")


def _project(draft: Draft, values: dict[str, Any]) -> None:
    for key, value in values.items():
        if key == "environment":
            text = Text({}, table(values.get("vars")), bool(values.get("disable_env_expansion")))
            draft.settings["env"] = env_pairs(value, text)
            draft.note("", key, "settings.env")
        elif key not in ("processes", "shell") and _PROJECT.get(key):
            draft.note("", key, "(as always)", _PROJECT[key])
        elif key not in ("processes", "shell"):
            reason = "import that file too, and merge them by hand" if key == "extends" else "pmtui knows no such field"
            draft.lose("", key, reason)


def _shell(draft: Draft, values: dict[str, Any]) -> str:
    shell = table(values.get("shell"))
    if shell.get("shell_command"):
        draft.note("", "shell", "command, args", "where a command needs a shell")
    if shell.get("shell_argument", "-c") != "-c":
        draft.lose("", "shell.shell_argument", "a shell is called with -c")
    return str(shell.get("shell_command") or "bash")


def _process(entry: Entry, text: Text, origin: Origin, shell: str) -> None:
    entry.take("vars")
    _command(entry, text, shell)
    if folder := entry.take("working_dir"):
        entry.put("working_dir", cwd=origin.path(text.now(str(folder))))
    elif origin.source != origin.target:
        entry.put("folder of the project", cwd=origin.source)
    if environment := entry.take("environment"):
        entry.put("environment", env=env_pairs(environment, text))
    if files := entry.take("env_file"):
        entry.put("env_file", envFile=[origin.path(text.now(name)) for name in texts(files)])
    put_health(entry, text, shell)
    put_policy(entry, text, origin)
    entry.close()
    for unknown in dict.fromkeys(text.unknown):
        entry.lose(unknown, "is not known here")


def _command(entry: Entry, text: Text, shell: str) -> None:
    command, entrypoint, args = entry.take("command"), entry.take("entrypoint"), entry.take("args")
    if command:
        entry.put("command", **by_shell(text.command(str(command)), shell))
        for name, value in (("entrypoint", entrypoint), ("args", args)):
            if value:
                entry.lose(name, "command wins")
    elif entrypoint:
        entry.put("entrypoint", **by_words([text.now(word) for word in [*split(entrypoint), *split(args or [])]]))
    else:
        raise ForeignFileError("it has no command")


def env_pairs(value: object, text: Text) -> dict[str, str]:
    """A list of `NAME=value`, or a table. Raises ForeignFileError."""
    if isinstance(value, dict):
        return {str(name): text.value(_plain(item)) for name, item in value.items()}
    if not isinstance(value, list) or not all(isinstance(pair, str) and "=" in pair for pair in value):
        raise ForeignFileError("environment: expected a list of NAME=value")
    return {name: text.value(item) for name, _, item in (pair.partition("=") for pair in value)}


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _rename_dependencies(draft: Draft, names: list[str]) -> None:
    """Dependencies are on names; the ids may be written otherwise."""
    for entry in draft.entries.values():
        wanted = entry.fields.get("dependsOn", {})
        entry.fields |= {"dependsOn": {id_of(name): how for name, how in wanted.items()}} if wanted else {}
        for name in wanted:
            if name not in names:
                entry.fields["dependsOn"].pop(id_of(name), None)
                entry.lose("depends_on", f"no process has the name {name}")
