"""Read ecosystem files of pm2."""

import json
import os
import re
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
from pmtui.importers.pm2.policy import FIELDS, convert_policy
from pmtui.importers.pm2.program import convert_program

_CAMEL = re.compile(r"(?<=[a-z])([A-Z])")
_ALIASES = {"exec": "script", "err": "error_file", "err_log": "error_file", "out_log": "out_file"}


def read_pm2(values: Any, origin: ImportContext, env_name: str | None = None) -> Imported:
    """Raises UnsupportedFileError if the values are not an ecosystem."""
    draft = ConfigBuilder(origin)
    for index, app in enumerate(_apps(values, draft)):
        if not isinstance(app, dict):
            draft.add_loss("", f"apps[{index}]", "is not a table")
            continue
        app = _with_known_names(app)
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
                what = "pm2's own server of files" if key == "static" else "is not about processes"
                draft.add_loss("", key, what)
        values = values.get("apps", values.get("pm2", values))
        if isinstance(values, dict) and "apps" in values:
            return _apps(values, draft)
    apps = [values] if isinstance(values, dict) else values
    if not isinstance(apps, list) or not any(isinstance(app, dict) for app in apps):
        raise UnsupportedFileError("no apps in it: expected {apps: [{name, script, …}]}")
    return apps


def _with_known_names(app: dict[str, Any]) -> dict[str, Any]:
    """Return the app with the names of its fields as they are documented."""
    known: dict[str, Any] = {}
    for key, value in app.items():
        name = _CAMEL.sub(lambda found: f"_{found[1].lower()}", str(key))
        name = _ALIASES.get(str(key), name if name in FIELDS else str(key))
        known[str(key) if name in app else name] = value
    return known


def _app(entry: ProcessBuilder, origin: ImportContext, env_name: str | None) -> None:
    is_node = convert_program(entry, origin)
    cwd = entry.pop("cwd")
    if cwd:
        entry.set_fields("cwd", cwd=origin.path(str(cwd)))
    elif origin.source != origin.target:
        entry.set_fields("folder of the ecosystem", cwd=origin.source)
    _environment(entry, env_name)
    _instances(entry, is_node)
    convert_policy(entry, origin)
    entry.close()


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
    port = entry.pop("port")
    if port is not None:
        env["PORT"] = literal(port)
        entry.set_fields("port", env=env)
    if env_name and f"env_{env_name}" not in entry.seen:
        entry.add_remark(f"env_{env_name}", "does not exist: only env is used")


def _value(entry: ProcessBuilder, key: str, name: str, value: object) -> str:
    if isinstance(value, dict | list):
        entry.add_remark(f"{key}.{name}", "is not a plain value: written as JSON, as in pm2")
        return literal(json.dumps(value))
    return literal(value)


def _instances(entry: ProcessBuilder, is_node: bool) -> None:
    wanted = entry.pop("instances")
    usual = "cluster" if is_node and wanted not in (None, "") else "fork"
    mode = str(entry.pop("exec_mode") or usual).removesuffix("_mode")
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
