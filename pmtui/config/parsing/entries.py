"""Validate each process of a file: its fields, how they combine, and whether its id is unique."""

import os
from collections.abc import Iterable
from typing import Any, Protocol

from pmtui.config.discovery import absolute_path
from pmtui.config.interpreter import SHELL_OPERATORS, split_command
from pmtui.config.model import ConfigError, ProcessConfig, ValueSource
from pmtui.config.parsing.decode import read_struct
from pmtui.config.parsing.dependencies import ConfigEntry, instance_ids, restart_targets
from pmtui.config.parsing.jobs import check_job
from pmtui.config.parsing.parser import Document
from pmtui.config.parsing.ports import check_fields
from pmtui.config.parsing.problems import Problems, join
from pmtui.config.parsing.validators import read_env, read_source
from pmtui.config.rolling import rolling_obstacle

_MAX_ID_LENGTH = 64


class RawEntry(Protocol):
    """A process as it is written: `place` is unique, `document` says from where its relative paths start."""

    @property
    def place(self) -> str: ...

    @property
    def document(self) -> Document: ...

    def merged(self) -> Any: ...


def read_entries(raws: Iterable[RawEntry], root: str, problems: Problems) -> list[ConfigEntry]:
    """Return every process that has a unique id; those with errors without a config.

    `root` is the directory of the config that includes all others. Of two processes with one id, the first keeps it.
    """
    entries: list[ConfigEntry] = []
    taken: dict[str, str] = {}
    routes: dict[str, str] = {}
    written_twice = [problem.path for problem in problems.found]
    for entry in raws:
        before, place, raw = problems.errors, entry.place, entry.merged()
        sources: dict[str, ValueSource] = {}
        if isinstance(raw, dict):
            raw.pop("extends", None)
            raw, sources = _split_sources(raw, place, problems)
        fields = read_struct(ProcessConfig, raw, place, problems) | {"env_sources": sources}
        fields["restart_after"] = restart_targets(raw)
        _check(raw, fields, place, problems)
        _check_route(fields, place, routes, problems)
        is_good = problems.errors == before and not any(_is_within(place, path) for path in written_twice)
        config = _build_config(fields, entry.document.directory, root) if is_good else None
        if config and config.rolling and (obstacle := rolling_obstacle(config)):
            problems.error(f"{place}.rolling", obstacle)
            config = None
        if "id" in fields and _is_free(fields["id"], config, place, taken, problems):
            entries.append(ConfigEntry(place, fields["id"], list(fields.get("depends_on", ())), config))
    return entries


def _split_sources(
    raw: dict[str, Any], place: str, problems: Problems
) -> tuple[dict[str, Any], dict[str, ValueSource]]:
    """Take the values of `env` that are kept elsewhere out of it."""
    env = raw.get("env")
    if not isinstance(env, dict) or not any(isinstance(value, dict) for value in env.values()):
        return raw, {}
    sources = {name: value for name, value in env.items() if isinstance(value, dict)}
    read = {name: read_source(value, join(f"{place}.env", name), problems) for name, value in sources.items()}
    plain = {name: value for name, value in env.items() if name not in sources}
    plain_names = dict.fromkeys(sources, "")
    read_env(plain_names, f"{place}.env", problems)
    return raw | {"env": plain}, {name: source for name, source in read.items() if source}


def _is_within(place: str, path: str) -> bool:
    return path.startswith((f"{place}.", f"{place}["))


def _is_free(name: str, config: ProcessConfig | None, place: str, taken: dict[str, str], problems: Problems) -> bool:
    names = {name: place} | dict.fromkeys(instance_ids(config) if config else [], place)
    clash = next((own for own in names if own in taken), None)
    if clash is not None:
        other = taken[clash].replace("\0", ": ")
        problems.error(f"{place}.id", f"{clash} is the id of {other} too")
        return False
    taken |= names
    return True


def _build_config(fields: dict[str, Any], folder: str, root: str) -> ProcessConfig:
    cwd = absolute_path(fields.get("cwd", ""), folder)
    watched = [_resolve_watch_path(name, cwd, folder) for name in fields.get("watch_paths", [])]
    return ProcessConfig(
        **fields | {"folder": folder, "root": "" if root == folder else root, "cwd": cwd, "watch_paths": watched}
    )


def _check(raw: Any, fields: dict[str, Any], place: str, problems: Problems) -> None:
    if not isinstance(raw, dict):
        return
    if "id" not in raw:
        problems.error(place, "has no id")
    _check_program(raw, fields, place, problems)
    _check_instances(fields, place, problems)
    check_fields(fields, place, problems)
    check_job(fields, place, problems)


def _check_program(raw: dict[str, Any], fields: dict[str, Any], place: str, problems: Problems) -> None:
    given = [name for name in ("script", "command") if raw.get(name) not in (None, "")]
    if len(given) != 1:
        problems.error(place, f"expected either script or command, got {'both' if given else 'neither'}")
    if given == ["script"] and fields.get("shell"):
        problems.error(f"{place}.shell", "a script has its interpreter; shell is for command")
    if given == ["command"] and raw.get("interpreter", "auto") != "auto":
        problems.warn(f"{place}.interpreter", "has no effect on a command; it is for script")
    if fields.get("shell") and fields.get("args"):
        problems.error(f"{place}.args", "ignored with shell: write the arguments in command")
    if fields.get("tty") and fields.get("stdin", "null") != "null":
        problems.warn(f"{place}.stdin", "has no effect with tty: the terminal is stdin")
    if isinstance(fields.get("stop_command"), str) and not fields.get("shell"):
        _check_words(fields["stop_command"], f"{place}.stopCommand", problems)
    if fields.get("command") and not fields.get("shell") and not fields.get("args"):
        _check_words(fields["command"], f"{place}.command", problems)


def _check_words(command: str, path: str, problems: Problems) -> None:
    try:
        words = split_command(command)
    except ConfigError as error:
        problems.error(path, str(error))
        return
    operator = next((word for word in words if word in SHELL_OPERATORS), None)
    if operator:
        problems.warn(
            path, f"{operator} is passed to the program, because there is no shell; set shell to true to use one"
        )


def _check_route(fields: dict[str, Any], place: str, routes: dict[str, str], problems: Problems) -> None:
    if route := fields.get("pocketbase"):
        if not fields.get("port") and not fields.get("ports"):
            problems.error(f"{place}.pocketbase", "has no port to pass requests on to; set port as well")
        other = routes.setdefault(route.route, place)
        if other != place:
            problems.error(f"{place}.pocketbase.route", f"{route.route} is the route of {other} too")


def _check_instances(fields: dict[str, Any], place: str, problems: Problems) -> None:
    count = fields.get("instances", 1)
    if count > 1 and len(f"{fields.get('id', '')}-{count}") > _MAX_ID_LENGTH:
        problems.error(
            f"{place}.instances", f"the id of instance {count} would be longer than {_MAX_ID_LENGTH} characters"
        )


def _resolve_watch_path(name: str, cwd: str, folder: str) -> str:
    """Resolve the path from the config file's directory, or from `cwd` if it exists only there."""
    first, second = absolute_path(name, folder), absolute_path(name, cwd)
    return second if os.path.lexists(second) and not os.path.lexists(first) else first
