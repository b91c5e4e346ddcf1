"""Detect the format of a foreign file and read it."""

import os
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from pmtui.config.files import read_bytes
from pmtui.config.model import ConfigError
from pmtui.importers.builder import ImportContext, Imported, Note, UnsupportedFileError
from pmtui.importers.formats import check_json_names, parse_relaxed_json, parse_yaml
from pmtui.importers.mprocs import read_mprocs
from pmtui.importers.pm2.ecosystem import read_pm2
from pmtui.importers.pm2.javascript import evaluate
from pmtui.importers.process_compose.project import PROJECT_KEYS, read_process_compose
from pmtui.importers.procfile import read_procfile
from pmtui.importers.repair import drop_invalid
from pmtui.importers.supervisord.programs import read_supervisor

_CONTAINERS = (
    'describes containers (docker compose), not processes; a process with command = "docker compose up NAME" runs one'
)
KINDS = ("procfile", "pm2", "supervisord", "process-compose", "mprocs", "dekit")
MAX_FILE_BYTES = 1 << 20

_PROGRAMS = {".js", ".cjs", ".mjs"}
_TREES = ("pm2", "process-compose", "mprocs", "dekit")
_SECTION = re.compile(r"^\[(program|supervisord)\b", re.MULTILINE)
_PROCFILE = re.compile(r"^[A-Za-z0-9_-]+:\s*\S", re.MULTILINE)


def import_file(
    path: str, target: str, environment: Mapping[str, str], kind: str | None = None, env_name: str | None = None
) -> Imported:
    """Convert the file to a config for the directory `target`.

    `kind` is one of KINDS; None detects it. Raises UnsupportedFileError if the file cannot be converted.
    """
    path = os.path.abspath(path)
    origin = ImportContext(os.path.dirname(path), os.path.abspath(target), environment)
    try:
        imported = drop_invalid(_read(path, origin, kind, env_name))
    except UnsupportedFileError as error:
        separator = " " if str(error).startswith(("is ", "does ", "cannot ")) else ": "
        raise UnsupportedFileError(f"{path}{separator}{error}") from None
    if not imported.processes:
        reasons = "; ".join(f"{note.process or note.source}: {note.reason}" for note in imported.losses[:3])
        raise UnsupportedFileError(f"{path}: no process can be made of it{f' ({reasons})' if reasons else ''}")
    return imported


def _read(path: str, origin: ImportContext, kind: str | None, env_name: str | None) -> Imported:
    name = os.path.basename(path)
    ending = os.path.splitext(name)[1].lower()
    if ending in _PROGRAMS and os.path.isfile(path):
        return _evaluated(read_pm2(evaluate(path), origin, env_name), origin.environment)
    if ending == ".lua":
        raise UnsupportedFileError("is a Lua program, which only mprocs can run; convert it to mprocs.yaml")
    text = _text(path)
    if ending in (".json", ".yaml", ".yml") or kind in _TREES:
        values = parse_relaxed_json(text) if ending == ".json" else parse_yaml(text, {"processes": PROJECT_KEYS})
        kind = kind or _tree_kind(name, values)
        if ending == ".json" and kind != "pm2":
            check_json_names(text)
        return _values(values, origin, kind, env_name)
    kind = kind or _kind(name, ending, text)
    if kind == "supervisord":
        return read_supervisor(text, origin)
    if kind == "procfile":
        return read_procfile(text, origin)
    raise UnsupportedFileError(f"is none of {', '.join(KINDS)}, as far as can be seen; --from KIND says what it is")


def _evaluated(imported: Imported, environment: Mapping[str, str]) -> Imported:
    """Evaluate a program. Its values are current ones; what it only passes on from its environment is read at each
    start.
    """
    for fields in imported.processes.values():
        env = fields.get("env", {})
        for name, value in env.items():
            if value and environment.get(name, "").replace("$", "$$") == value:
                env[name] = f"${{{name}}}"
    note = Note("", "the program", "what it exports now", "run by node once, in this environment")
    return msgspec.structs.replace(imported, notes=[note, *imported.notes])


def _text(path: str) -> str:
    try:
        text = read_bytes(path, MAX_FILE_BYTES).decode("utf-8-sig")
    except ConfigError as error:
        raise UnsupportedFileError(str(error).removeprefix(f"{path} ")) from None
    except UnicodeDecodeError:
        raise UnsupportedFileError("is not UTF-8 text") from None
    if not text.strip():
        raise UnsupportedFileError("is empty")
    if "\0" in text:
        raise UnsupportedFileError("is not text: it contains a NUL")
    return text


def _tree_kind(name: str, values: Any) -> str:
    """Return the kind of a YAML or JSON file by what is in it."""
    names = values if isinstance(values, dict) else {}
    if "procs" in names:
        return "dekit" if name.lower().startswith("dekit.") else "mprocs"
    if "services" in names and "processes" not in names and "apps" not in names:
        raise UnsupportedFileError(_CONTAINERS)
    return "process-compose" if "processes" in names else "pm2"


def _values(values: Any, origin: ImportContext, kind: str, env_name: str | None) -> Imported:
    if kind == "process-compose":
        return read_process_compose(values if isinstance(values, dict) else {}, origin)
    if kind in ("mprocs", "dekit"):
        return read_mprocs(values, origin, kind == "dekit")
    return read_pm2(values, origin, env_name)


def _kind(name: str, ending: str, text: str) -> str | None:
    if ending in (".conf", ".ini") or _SECTION.search(text):
        return "supervisord"
    if name.lower().startswith("procfile") or _PROCFILE.search(text):
        return "procfile"
    return None
