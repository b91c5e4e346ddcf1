"""Put the variables of a process in the order of process-compose.

Later wins there: `.env`, its own environment, `environment` of the project, `env_file`, `environment` of the process.
"""

import os
from collections.abc import Mapping
from typing import Any

from pmtui.config.envfile import env_file_values
from pmtui.config.model import ConfigError
from pmtui.importers.builder import ConfigBuilder, ProcessBuilder, UnsupportedFileError, table, texts
from pmtui.importers.dotenv import godotenv_values, report_differences
from pmtui.importers.process_compose.templates import TemplateText

_BARE = "$NAME is filled in, as documented; recent versions leave it as it is: write ${NAME}, or $$NAME"
_OWN = {"PC_PROC_NAME", "PC_REPLICA_NUM"}


class ProjectEnvironment:
    """What all processes of a project get. `now` has the variables that are filled in when the file is read."""

    def __init__(self, draft: ConfigBuilder, values: Mapping[str, Any], shell: str) -> None:
        self._draft = draft
        self._shell = shell
        self.commands = {str(name): str(command) for name, command in table(values.get("env_cmds")).items()}
        self.dotenv: dict[str, str] = {}
        self.has_dotenv = False
        path = os.path.join(draft.context.source, ".env")
        if not values.get("is_dotenv_disabled") and os.path.lexists(path):
            self._read_dotenv(path)
        self.now = {**draft.context.environment, **self.dotenv}
        self.text = TemplateText(self.now, table(values.get("vars")), bool(values.get("disable_env_expansion")))
        self.pairs = env_pairs(draft, "", values.get("environment"))
        self._share()

    def _read_dotenv(self, path: str) -> None:
        try:
            self.dotenv = godotenv_values(path)
            report_differences(self._draft, path, {"process-compose": self.dotenv})
            self.has_dotenv = True
        except ConfigError as error:
            self._draft.add_loss("", ".env", f"cannot be read: {error}")

    def _share(self) -> None:
        """Set what is the same for all; a variable that `.env` has as well is left to each process."""
        shared = {name: self.text.value(value) for name, value in self.pairs.items() if not self._meets_dotenv(name)}
        if shared:
            self._draft.settings["env"] = shared
            self._draft.add_note("", "environment", "settings.env")
        if self.has_dotenv:
            reason = "read again at each start; here it wins over the variables of the shell"
            self._draft.add_note("", ".env", "envFile", reason)
        for name, value in self.dotenv.items():
            if name not in self.pairs and self._draft.context.environment.get(name, value) != value:
                reason = "the shell sets it too, and wins in process-compose; in pmtui the file wins: unset one of them"
                self._draft.add_loss("", f".env: {name}", reason)

    def _meets_dotenv(self, name: str) -> bool:
        return name in self.dotenv or bool(self.text.references(self.pairs[name]) & self.dotenv.keys())

    def over_dotenv(self) -> dict[str, str]:
        """Return the variables of the project that a process has to set itself, because its envFile would win."""
        return {name: value for name, value in self.pairs.items() if self._meets_dotenv(name)}

    def command_of(self, name: str) -> dict[str, list[str]]:
        return {"command": [self._shell, "-c", self.text.command(self.commands[name])]}


def convert_environment(
    draft: ConfigBuilder,
    entry: ProcessBuilder,
    text: TemplateText,
    project: ProjectEnvironment,
    raw: Mapping[str, Any],
    number: int,
) -> set[str]:
    """Set env and envFile; return the names that mean something else within the process than in the file."""
    own = env_pairs(draft, entry.id, entry.pop("environment"))
    folder = text.expand_now(str(raw.get("working_dir") or ""))
    names, files = _env_files(draft, entry, text, folder)
    is_dotenv_used = project.has_dotenv and str(entry.pop("is_dotenv_disabled")).lower() != "true"
    if is_dotenv_used:
        entry.fields["envFile"] = [draft.context.path(".env"), *files]
    elif files:
        entry.fields["envFile"] = files
    hidden = set(project.pairs) | names | set(project.commands)
    env: dict[str, Any] = {}
    for name in project.commands:
        if name not in hidden - set(project.commands) | own.keys():
            env[name] = project.command_of(name)
            entry.set_fields(f"env_cmds.{name}", "run again at each start", env=env)
    for name, value in project.over_dotenv().items():
        if name not in names and name not in own:
            env[name] = text.value(value, names)
            entry.set_fields(f"environment: {name}", "wins over .env", env=env)
    for name in sorted(_OWN - own.keys()):
        if name in str(raw) and f"{{{{.{name}" not in str(raw):
            env[name] = entry.id if name == "PC_PROC_NAME" else str(number)
            entry.set_fields(name, "as process-compose sets it", env=env)
    for name, value in own.items():
        env[name] = text.value(value, hidden | (env.keys() & own.keys()))
        if text.references(value) - text.references(value, braced=True):
            entry.add_remark(f"environment: {name}", _BARE)
    if own:
        entry.set_fields("environment", env=env)
    return hidden | own.keys() | (_OWN & env.keys())


def _env_files(
    draft: ConfigBuilder, entry: ProcessBuilder, text: TemplateText, folder: str
) -> tuple[set[str], list[str]]:
    """Return the names that the files of `env_file` set, and their paths: they are looked for in `working_dir`."""
    given = entry.pop("env_file")
    names: set[str] = set()
    files: list[str] = []
    for name in texts(given) if given else []:
        name = os.path.join(folder, text.expand_now(name))
        path = os.path.join(draft.context.source, os.path.expanduser(name))
        files.append(draft.context.path(name))
        try:
            names |= env_file_values(path, draft.context.environment).keys()
            report_differences(draft, path, {"process-compose": godotenv_values(path)}, entry.id, "env_file")
        except ConfigError as error:
            reason = "process-compose goes on without it, pmtui does not start the process"
            draft.add_loss(entry.id, "env_file", f"{error}: {reason}")
    if files:
        draft.add_note(entry.id, "env_file", "envFile")
    return names, files


def env_pairs(draft: ConfigBuilder, process: str, value: object) -> dict[str, str]:
    """Read a list of `NAME=value`, or a table, without expanding it. Raises UnsupportedFileError."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    pairs = plain_pairs(value)
    for name in [name for name, item in pairs.items() if item is None]:
        draft.add_note(process, f"environment: {name}", "(as always)", "sets nothing: a process inherits it")
    return {name: _plain(item) for name, item in pairs.items() if item is not None}


def plain_pairs(value: object) -> dict[str, Any]:
    """Read a list of `NAME=value`, or a table; a name without a value has None. Raises UnsupportedFileError."""
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if not isinstance(value, list) or not all(isinstance(pair, str | int | float) for pair in value):
        raise UnsupportedFileError("environment: expected a list of NAME=value")
    parts = [_plain(pair).partition("=") for pair in value]
    return {name: item if is_set else None for name, is_set, item in parts}


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
