"""Read the configs of mprocs and of dekit, its successor: `mprocs.yaml` and `dekit.yaml`."""

import os
import shlex
import sys
from collections.abc import Mapping
from typing import Any

from pmtui.importers.builder import (
    ConfigBuilder,
    ImportContext,
    Imported,
    ProcessBuilder,
    UnsupportedFileError,
    id_of,
    literal,
    table,
    texts,
)
from pmtui.importers.shell_words import argv_fields, shell_fields, split_words

_CONFIG_DIR = "<CONFIG_DIR>"
_SYSTEM = {"darwin": "macos"}.get(sys.platform, sys.platform)
_SIGNALS = {"SIGINT": "SIGINT", "SIGTERM": "SIGTERM", "SIGKILL": "SIGKILL", "hard-kill": "SIGKILL"}
_KEY_SIGNALS = {"<C-c>": "SIGINT", "<C-\\>": "SIGQUIT"}
_QUIT = ("quit", "quit-or-ask", "force-quit")
_SCREEN = "about the screen of mprocs"
_FILE = {
    "hide_keymap_window": _SCREEN,
    "mouse_scroll_speed": _SCREEN,
    "scrollback": _SCREEN,
    "proc_list_width": _SCREEN,
    "proc_list_title": _SCREEN,
    "tui": _SCREEN,
    "server": "pmtui has its own REST API",
}
_KEYS = "the keys of the dashboard are its own: press ? there"
_LOST = {
    "keymap": _KEYS,
    "keymap_procs": _KEYS,
    "keymap_term": _KEYS,
    "keymap_copy": _KEYS,
    "log": "about the log of dekit itself: pmtui --log-file",
    "on_init": "there are no commands for the dashboard: start and stop by pmtui start, pmtui stop",
    "on_all_finished": "the only thing that can be done then is to quit",
}
_ANYWAY = {
    "scrollback_len": "about the screen of dekit",
    "mouse_scroll_speed": "about the screen of dekit",
}


def read_mprocs(values: Any, origin: ImportContext, is_dekit: bool = False) -> Imported:
    """Raises UnsupportedFileError if it has no processes, or selects no value for this system."""
    values = _select(values)
    processes = values.get("procs") if isinstance(values, dict) else None
    if not isinstance(processes, dict) or not processes:
        raise UnsupportedFileError("no processes in it: expected {procs: {name: {shell: …}}}")
    draft = ConfigBuilder(origin)
    defaults = {} if not is_dekit else table(values.get("proc_defaults"))
    if not is_dekit and values.get("proc_log") is not None:
        defaults["log"] = values["proc_log"]
    for name, given in processes.items():
        _process(draft, str(name), given, defaults, is_dekit)
    _rename_dependencies(draft)
    _file(draft, values, is_dekit)
    return draft.build("dekit" if is_dekit else "mprocs")


def _select(value: Any) -> Any:
    """Replace each `{$select: os, linux: …, $else: …}` by the value for this system."""
    if isinstance(value, list):
        return [_select(item) for item in value]
    if not isinstance(value, dict):
        return value
    if next(iter(value), None) != "$select":
        return {name: _select(item) for name, item in value.items()}
    if value["$select"] != "os":
        raise UnsupportedFileError(f"$select: {value['$select']} is unknown: expected os")
    for name in (_SYSTEM, "$else"):
        if name in value:
            return _select(value[name])
    raise UnsupportedFileError(f"a $select has no value for {_SYSTEM}, and no $else")


def _file(draft: ConfigBuilder, values: Mapping[str, Any], is_dekit: bool) -> None:
    for key, value in values.items():
        if key in _FILE:
            draft.add_note("", key, "(as always)", _FILE[key])
        elif key == "on_all_finished" and isinstance(value, dict) and value.get("c") in _QUIT:
            draft.settings["onIdle"] = "down"
            draft.add_note("", key, "settings.onIdle", "ends pmtui --no-ui; a dashboard stays open")
        elif key in _LOST:
            draft.add_loss("", key, _LOST[key])
        elif str(key).startswith("x-"):
            draft.add_note("", key, "(as always)", "mprocs does not read it either")
        elif key != "procs" and not (key == "proc_defaults" if is_dekit else key == "proc_log" and value is not None):
            draft.add_loss("", str(key), "pmtui knows no such field")


def _process(draft: ConfigBuilder, name: str, given: Any, defaults: Mapping[str, Any], is_dekit: bool) -> None:
    if given is None:
        draft.add_note(name, "null", "(as always)", "it is switched off, and left out")
        return
    fields = given if isinstance(given, dict) else {"shell" if isinstance(given, str) else "cmd": given}
    log = _merged_log(defaults.get("log"), fields.get("log"))
    fields = {**defaults, **fields} | ({"log": log} if log is not None else {})
    entry = draft.add_process(name, fields)
    try:
        words = _unset_words(entry)
        _command(entry, words)
        _directory(entry, draft.context)
        _environment(entry, fields.get("add_path"))
        _policy(entry, is_dekit)
        entry.account_for(_ANYWAY, {})
        entry.close()
    except UnsupportedFileError as error:
        draft.drop_process(entry, "cmd" if "cmd" in fields else "shell", str(error))


def _unset_words(entry: ProcessBuilder) -> list[str]:
    """Return the `env -u NAME` for variables that are null: pmtui has no field that removes one."""
    env = entry.peek("env")
    names = [str(name) for name, value in env.items() if value is None] if isinstance(env, dict) else []
    for name in names:
        entry.add_remark(f"env.{name}", "null: env -u removes it before the command")
    return ["env", *(word for name in names for word in ("-u", name))] if names else []


def _command(entry: ProcessBuilder, unset: list[str]) -> None:
    shell, command = entry.pop("shell"), entry.pop("cmd")
    if (shell is None) == (command is None):
        raise UnsupportedFileError("expected either shell or cmd")
    if shell is not None:
        if not isinstance(shell, str) or not shell.strip():
            raise UnsupportedFileError("the command is empty" if not shell else "shell is not a text")
        fields = argv_fields([*unset, "/bin/sh", "-c", shell]) if unset else shell_fields(shell, "/bin/sh")
        entry.set_fields("shell", **fields)
        return
    if not isinstance(command, str | list):
        raise UnsupportedFileError("cmd is not a list of words")
    entry.set_fields("cmd", **argv_fields([*unset, *split_words(command)]))


def _directory(entry: ProcessBuilder, origin: ImportContext) -> None:
    folder = entry.pop("cwd")
    if isinstance(folder, str) and folder:
        here = folder.removeprefix(_CONFIG_DIR)
        path = f"{origin.source}/{here.lstrip('/')}" if here != folder else folder
        entry.set_fields("cwd", cwd=os.path.normpath(path) if here != folder else origin.path(path))
    elif origin.source != origin.target:
        entry.set_fields("folder of the file", "where mprocs is started, most likely", cwd=origin.source)


def _environment(entry: ProcessBuilder, add_path: object) -> None:
    given = entry.pop("env")
    if given is not None and not isinstance(given, dict):
        entry.add_loss("env", "is not a table of names and values")
    env = {str(name): literal(value) for name, value in table(given).items() if value is not None}
    if env:
        entry.set_fields("env", env=env)
    entry.pop("add_path")
    if add_path:
        paths = [os.path.expanduser(path) if path.startswith("~/") else path for path in texts(add_path)]
        base = env.get("PATH", "${PATH}")
        entry.set_fields("add_path", "after the others", env=env | {"PATH": ":".join([base, *map(literal, paths)])})


def _policy(entry: ProcessBuilder, is_dekit: bool) -> None:
    entry.set_fields("terminal", "each process has one", tty=True)
    autostart, restart = entry.pop("autostart"), entry.pop("autorestart")
    if autostart is False or (is_dekit and autostart is None):
        entry.set_fields("autostart" if autostart is False else "dekit's default of autostart", autostart=False)
    if restart is True:
        reason = "a run under 1s is retried once; mprocs does not retry it"
        entry.set_fields("autorestart", reason, restart="always", healthyAfter="1s", maxRetries=1)
    else:
        entry.set_fields("autorestart" if restart is False else "default of autorestart", restart="never")
    _stop(entry, entry.pop("stop"))
    wanted = entry.pop("deps")
    if wanted:
        entry.set_fields("deps", dependsOn={str(name): "started" for name in texts(wanted)})
    _log(entry, entry.pop("log"))


def _stop(entry: ProcessBuilder, stop: object) -> None:
    match stop:
        case None:
            return
        case str() if stop in _SIGNALS:
            entry.set_fields("stop", stopSignal=_SIGNALS[stop])
        case {"cmd": str(command)}:
            entry.set_fields("stop.cmd", "then stopSignal", stopCommand=["/bin/sh", "-c", command])
        case {"send-keys": [str(key), *others]} if key in _KEY_SIGNALS and all(other == key for other in others):
            entry.set_fields("stop.send-keys", "what a terminal makes of it", stopSignal=_KEY_SIGNALS[key])
        case {"send-keys": _}:
            entry.add_loss(
                "stop.send-keys", "a stop is a signal; a stopCommand can do more, such as pmtui send ID TEXT"
            )
        case _:
            entry.add_loss("stop", f"expected one of {', '.join(_SIGNALS)}, {{send-keys}} or {{cmd}}")


def _merged_log(default: object, own: object) -> object:
    if isinstance(default, dict) and isinstance(own, dict):
        return default | own
    return default if own is None else own


def _log(entry: ProcessBuilder, log: object) -> None:
    if log is False or (isinstance(log, dict) and log.get("enabled") is False):
        entry.set_table_fields("log", "log", file=False)
    elif log is True:
        entry.add_remark("log", "each process has a log")
    elif log:
        entry.add_loss("log", "logs are in .pmtui/logs")


def _rename_dependencies(draft: ConfigBuilder) -> None:
    """Rename dependencies to ids, and drop those that do not exist."""
    for entry in draft.processes.values():
        wanted = entry.fields.pop("dependsOn", {})
        known = {id_of(name): how for name, how in wanted.items() if id_of(name) in draft.processes}
        if known:
            entry.fields["dependsOn"] = known
        for name in wanted:
            if id_of(name) not in known:
                entry.add_loss("deps", f"no process has the name {shlex.quote(name)}")
