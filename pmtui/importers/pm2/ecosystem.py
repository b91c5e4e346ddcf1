"""Read ecosystem files of pm2."""

import json
import os
from collections.abc import Mapping
from typing import Any

from pmtui.importers.builder import (
    ConfigBuilder,
    ImportContext,
    Imported,
    ProcessBuilder,
    UnsupportedFileError,
    literal,
)
from pmtui.importers.pm2.policy import convert_policy
from pmtui.importers.shell_words import argv_fields, shell_fields, split_words

_OURS = {".js", ".mjs", ".cjs", ".py", ".ts", ".mts", ".sh"}
_INTERPRETERS = {".rb": "ruby", ".php": "php", ".pl": "perl", ".coffee": "coffee"}


def read_pm2(values: Any, origin: ImportContext, env_name: str | None = None) -> Imported:
    """Raises UnsupportedFileError if the values are not an ecosystem."""
    draft = ConfigBuilder(origin)
    for index, app in enumerate(_apps(values, draft)):
        if not isinstance(app, dict):
            draft.add_loss("", f"apps[{index}]", "is not a table")
            continue
        script = app.get("script") or app.get("cmd") or app.get("command")
        stem = os.path.splitext(os.path.basename(str(script or " ").split(" ")[0]))[0]
        entry = draft.add_process(str(app.get("name") or stem or f"app-{index}"), app)
        entry.pop("name")
        try:
            _app(entry, origin, env_name)
        except UnsupportedFileError as error:
            draft.drop_process(entry, "script", str(error))
    return draft.build("pm2")


def _apps(values: Any, draft: ConfigBuilder) -> list[Any]:
    if isinstance(values, dict):
        for key in values:
            if key not in ("apps", "pm2") and ("apps" in values or "pm2" in values):
                draft.add_loss("", key, "is not about processes")
        values = values.get("apps", values.get("pm2", values))
        if isinstance(values, dict) and "apps" in values:
            return _apps(values, draft)
    apps = [values] if isinstance(values, dict) else values
    if not isinstance(apps, list) or not any(isinstance(app, dict) for app in apps):
        raise UnsupportedFileError("no apps in it: expected {apps: [{name, script, …}]}")
    return apps


def _app(entry: ProcessBuilder, origin: ImportContext, env_name: str | None) -> None:
    _program(entry)
    cwd = entry.pop("cwd")
    if cwd:
        entry.set_fields("cwd", cwd=origin.path(str(cwd)))
    elif origin.source != origin.target:
        entry.set_fields("folder of the ecosystem", cwd=origin.source)
    _environment(entry, env_name)
    _instances(entry)
    convert_policy(entry, origin)
    entry.close()


def _program(entry: ProcessBuilder) -> None:
    given = {key: entry.pop(key) for key in ("script", "cmd", "command")}
    source = next((key for key, value in given.items() if value), None)
    if source is None:
        raise UnsupportedFileError("it has no script")
    script = str(given[source]).strip()
    interpreter = entry.pop("interpreter") or entry.pop("exec_interpreter")
    options = [word for key in ("interpreter_args", "node_args", "interpreterArgs") for word in _words(entry, key)]
    args = _words(entry, "args")
    ending = os.path.splitext(script)[1]
    if " " in script:
        entry.set_fields(source, "has blanks: pm2 runs it by bash", **shell_fields(script, "bash"))
        for name, value in (("args", args), ("interpreter", interpreter not in (None, "none"))):
            if value:
                entry.add_loss(name, "pm2 has none for a script with blanks, which it runs by bash")
    elif interpreter == "none" or (not interpreter and ending not in _OURS and ending not in _INTERPRETERS):
        command = argv_fields([script, *args])
        entry.set_fields(source, **command)
        if args:
            entry.set_fields("args", **{name: command[name] for name in command.keys() - {"command"} or command})
    else:
        _script(entry, source, script, str(interpreter or _INTERPRETERS.get(ending, "auto")), options, args)
        return
    if options:
        entry.add_loss("interpreter_args", "is not installed here")


def _script(
    entry: ProcessBuilder, source: str, script: str, interpreter: str, options: list[str], args: list[str]
) -> None:
    entry.set_fields(source, script=script)
    if interpreter != "auto":
        entry.set_fields("interpreter", interpreter=interpreter)
    elif script.endswith(".ts"):
        entry.add_remark("interpreter", "tsx or ts-node of the project, else node; pm2 takes bun")
    if options:
        entry.set_fields("interpreter_args", interpreterArgs=options)
    if args:
        entry.set_fields("args", args=args)


def _words(entry: ProcessBuilder, key: str) -> list[str]:
    value = entry.pop(key)
    return split_words(value) if value not in (None, "", []) else []


def _environment(entry: ProcessBuilder, env_name: str | None) -> None:
    env: dict[str, str] = {}
    for key in [key for key in entry.remaining() if key == "env" or key.startswith("env_")]:
        values = entry.pop(key)
        if key not in ("env", "env_file", f"env_{env_name}"):
            entry.add_loss(key, f"another environment: pmtui import --env {key[4:]} takes that one")
        elif isinstance(values, Mapping):
            env |= {str(name): _value(entry, key, name, value) for name, value in values.items() if value is not None}
            entry.set_fields(key, env=env)
        elif key == "env_file" and values:
            entry.set_fields(key, "pm2 itself does not read the file", envFile=[str(values)])
        elif values:
            entry.add_loss(key, "is not a table of names and values")
    if env_name and f"env_{env_name}" not in entry.seen:
        entry.add_remark(f"env_{env_name}", "does not exist: only env is used")


def _value(entry: ProcessBuilder, key: str, name: str, value: object) -> str:
    if isinstance(value, dict | list):
        entry.add_remark(f"{key}.{name}", "is not a plain value: written as JSON, as in pm2")
        return literal(json.dumps(value))
    return literal(value)


def _instances(entry: ProcessBuilder) -> None:
    wanted = entry.pop("instances")
    mode = str(entry.pop("exec_mode") or "fork").removesuffix("_mode")
    cores = os.cpu_count() or 1
    if wanted in (None, "", 1, "1"):
        count = 1
    elif wanted in ("max", 0, "0"):
        count = cores
        entry.add_remark("instances", f"max is {cores} on this machine")
    else:
        try:
            count = int(wanted)
        except (TypeError, ValueError):
            entry.add_loss("instances", "is not a number")
            count = 1
        count = count if count > 0 else max(1, cores + count)
    if count > 1:
        entry.set_fields(
            "instances", "PMTUI_INSTANCE counts from 1 where NODE_APP_INSTANCE counts from 0", instances=count
        )
    if mode == "cluster":
        _lose_cluster(entry, count)


def _lose_cluster(entry: ProcessBuilder, count: int) -> None:
    if count > 1:
        entry.add_loss("exec_mode", "cluster: these are separate processes, which cannot all listen on one port")
    else:
        entry.add_remark("exec_mode", "cluster of one: a process like any other")
