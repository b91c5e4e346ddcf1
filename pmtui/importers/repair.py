"""Drop what would be invalid, so that the written config always loads without an error."""

import json
import os
import re
import tempfile
from pathlib import Path

import tomli_w
from msgspec.structs import replace

from pmtui.config.load import load_config
from pmtui.importers.builder import Imported, Note

_KEY = r'"(?:\\.|[^"\\])*"|[A-Za-z0-9_-]+'
_PLACE = re.compile(rf"process\.(?P<id>{_KEY})(?:\.(?P<field>\w+))?(?:\.(?P<key>{_KEY}))?")
_TABLES = {"env", "dependsOn"}


def toml_of(imported: Imported) -> str:
    parts = {"settings": imported.settings, "process": imported.processes}
    text = tomli_w.dumps({name: part for name, part in parts.items() if part})
    return text.encode(errors="replace").decode()


def drop_invalid(imported: Imported) -> Imported:
    """Return the import without what our loader refuses; each removal is a loss."""
    seen = imported
    while problem := _first_error(seen):
        seen = _without(seen, *problem)
    return seen


def _first_error(imported: Imported) -> tuple[str, str] | None:
    with tempfile.TemporaryDirectory(prefix="pmtui-import-") as folder:
        path = Path(folder) / "pmtui.toml"
        path.write_text(toml_of(imported) or "# nothing\n", encoding="utf-8", errors="replace")
        loaded = load_config(path)
    return next(((error.path, error.message) for error in loaded.errors), None)


def _without(imported: Imported, path: str, message: str) -> Imported:
    settings = dict(imported.settings)
    processes = {name: dict(fields) for name, fields in imported.processes.items()}
    found = _PLACE.match(path)
    name = _plain(found["id"]) if found else ""
    source = (found["field"] if found else path.removeprefix("settings.").split(".")[0]) or ""
    if name not in processes:
        _remove_setting(settings, source, processes)
    elif source not in processes[name] or source in ("command", "script"):
        del processes[name]
        message = f"the process is left out: {message}"
    elif found and source in _TABLES and (key := _plain(found["key"])) in processes[name][source]:
        processes[name][source] = {other: value for other, value in processes[name][source].items() if other != key}
        source = f"{source}.{key}"
    else:
        del processes[name][source]
    note = Note(name, source or os.path.basename(path), "", message, is_lost=True)
    return replace(imported, settings=settings, processes=processes, notes=[*imported.notes, note])


def _plain(key: str | None) -> str:
    """Return the key of a path element, quoted or not."""
    return json.loads(key) if key and key.startswith('"') else key or ""


def _remove_setting(settings: dict[str, object], field: str, processes: dict[str, dict[str, object]]) -> None:
    """Remove the setting, or all settings if none is at fault, so that the loop ends."""
    if settings.pop(field, None) is None:
        settings.clear()
        processes.clear()
