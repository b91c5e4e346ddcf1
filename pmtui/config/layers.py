"""Combine the files and tables that define a process: defaults, `extends`, the entry, profiles and the local file.

Later wins: defaults < extends < entry < profiles in the order given < `pmtui.local.toml`. Tables such as `env` are
merged key by key, lists are replaced. Every layer keeps its document, so that each value can be traced to its file and
line.
"""

import json
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from pmtui.config.discovery import absolute_path
from pmtui.config.parsing.parser import Document
from pmtui.config.parsing.validators import PROBES

_STEP = re.compile(r"""\.(?:("(?:[^"\\]|\\.)*")|([A-Za-z0-9_-]+))|\[(\d+)\]""")


class Layer(msgspec.Struct, frozen=True, eq=False):
    """Values for a process, or for the settings, and where they are written."""

    document: Document
    place: str
    values: Mapping[str, Any]


class ProcessLayers(msgspec.Struct, eq=False):
    """A process and its layers, lowest first. `place` is unique among all files; `raw` replaces layers if invalid."""

    id: str
    place: str
    document: Document
    layers: list[Layer]
    raw: Any = None

    @property
    def entry(self) -> Layer:
        place = self.place.rpartition("\0")[2]
        own = (layer for layer in self.layers if layer.document is self.document and layer.place == place)
        return next(own, Layer(self.document, place, {}))

    def merged(self) -> Any:
        """Return the values in force, with paths of other directories made absolute."""
        return self.raw if self.raw is not None else merge(self.layers, self.document.directory)

    def locate(self, field: str) -> Layer:
        """Return the layer that a field (`.env.X`, `.args[0]`) comes from."""
        while field:
            for layer in reversed(self.layers):
                if _holds(layer.values, field):
                    return layer
            field = field[: max(field.rfind("."), field.rfind("["))]
        return self.entry


def merge(layers: Iterable[Layer], directory: str) -> dict[str, Any]:
    """Return the values of the layers, lowest first; relative paths stay relative to `directory`."""
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, value in _rebased(layer, directory).items():
            low = merged.get(key)
            if isinstance(low, dict) and isinstance(value, dict):
                if key == "health" and any(probe in value for probe in PROBES):
                    low = {name: item for name, item in low.items() if name not in PROBES}
                value = low | value
            merged[key] = value
    return merged


def _holds(value: Any, field: str) -> bool:
    for quoted, name, index in _STEP.findall(field):
        key = json.loads(quoted) if quoted else name
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and index and int(index) < len(value):
            value = value[int(index)]
        else:
            return False
    return True


def _rebased(layer: Layer, directory: str) -> dict[str, Any]:
    """Return the values, with paths made absolute if they are meant from another directory."""
    values, base = dict(layer.values), layer.document.directory
    if isinstance(values.get("env"), dict):
        values["env"] = {name: _with_directory(value, base) for name, value in values["env"].items()}
    if base == directory:
        return values
    if isinstance(values.get("cwd"), str):
        values["cwd"] = absolute_path(values["cwd"], base)
    for key in ("envFile", "watchPaths"):
        if key in values:
            values[key] = _absolute_if_there(values[key], base)
    return values


def _with_directory(value: Any, base: str) -> Any:
    """Say from where the paths of a value of `env` that is read elsewhere are meant."""
    return {**value, "directory": base} if isinstance(value, dict) and "directory" not in value else value


def _absolute_if_there(value: Any, base: str) -> Any:
    if isinstance(value, list):
        return [_absolute_if_there(item, base) for item in value]
    if not isinstance(value, str):
        return value
    path = absolute_path(value, base)
    return path if os.path.lexists(path) else value
