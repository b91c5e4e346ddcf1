"""Show what is in force, and the file and line that each value comes from."""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from pmtui.config.layers import Layer, ProcessLayers, merge
from pmtui.config.load import Loaded, Reader, read_document
from pmtui.config.model import ConfigError
from pmtui.config.parsing.parser import SyntaxProblem
from pmtui.config.parsing.problems import Problems, join
from pmtui.config.secrets import masked_values
from pmtui.config.sources import read_sources


class Origin(msgspec.Struct, frozen=True):
    """A value in force, and where it is written; without a place if it is not written in a file."""

    value: Any
    file: str = ""
    line: int | None = None


Origins = dict[str, Origin]


def show_config(loaded: Loaded, profiles: Sequence[str] = (), read: Reader | None = None) -> dict[str, Any]:
    """Return `{"process": {ID: {FIELD: Origin}}, "settings": {FIELD: Origin}}` of a loaded config, secrets masked.

    Fields of tables such as `env` are listed one by one, as `env.NAME`. Defaults of pmtui itself are not listed.
    """
    if loaded.path is None:
        return {"process": {}, "settings": {}}
    sources = read_sources((read or read_document)(loaded.path, Problems()), profiles, Problems())
    shown = {owner.id: _origins(owner, loaded.path) for owner in sources.processes if owner.id and owner.raw is None}
    settings = ProcessLayers("", "settings", sources.main, sources.settings)
    return {"process": shown, "settings": _origins(settings, loaded.path)}


def find_origins(loaded: Loaded, profiles: Sequence[str] = (), read: Reader | None = None) -> dict[str, dict[str, str]]:
    """Return `file:line` of each field of each process; nothing if the files cannot be read any more."""
    try:
        shown = show_config(loaded, profiles, read)["process"]
    except (ConfigError, SyntaxProblem):
        return {}
    return {
        name: {
            field: f"{origin.file}:{origin.line}" if origin.line else origin.file for field, origin in fields.items()
        }
        for name, fields in shown.items()
    }


def format_config(shown: dict[str, Any], *, with_origin: bool) -> str:
    """Format the config as TOML, each value followed by its file and line if asked for."""
    tables = [("settings", shown["settings"])] if shown["settings"] else []
    tables += [(join("process", name), origins) for name, origins in shown["process"].items()]
    return "\n\n".join("\n".join(_section(title, origins, with_origin)) for title, origins in tables)


def _section(title: str, origins: Origins, with_origin: bool) -> Iterator[str]:
    yield f"[{title}]"
    lines = [(f"{field} = {format_value(origin.value)}", origin) for field, origin in origins.items()]
    width = max((len(line) for line, _ in lines if len(line) <= 60), default=0)
    for line, origin in lines:
        place = f"{origin.file}:{origin.line}" if origin.line else origin.file
        yield f"{line:<{width}}  # {place}" if with_origin and place else line


def format_value(value: Any) -> str:
    """Format a value as TOML on one line; the strings of JSON are strings of TOML, too."""
    match value:
        case dict():
            pairs = [f"{join('', key)} = {format_value(item)}" for key, item in value.items()]
            return f"{{ {', '.join(pairs)} }}"
        case list():
            return f"[{', '.join(format_value(item) for item in value)}]"
    return json.dumps(value, ensure_ascii=False)


def _origins(owner: ProcessLayers, config: Path) -> Origins:
    values = masked_values(merge(owner.layers, owner.document.directory))
    found: Origins = {}
    for field, value in _flat(values):
        layer = owner.locate(f".{field}")
        found[field] = Origin(value, *_place(layer, field, config))
    return {field: origin for field, origin in found.items() if field not in ("id", "extends")}


def _flat(values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict) and value and key != "hooks":
            for name, item in value.items():
                yield join(key, name), item
        else:
            yield key, value


def _place(layer: Layer, field: str, config: Path) -> tuple[str, int | None]:
    at = layer.document.position(f"{layer.place}.{field}")
    return os.path.relpath(layer.document.path, config.parent), at[0] if at else None
