"""Merge a project with the one that it extends, as process-compose does."""

import os
from collections.abc import Collection, Mapping
from typing import Any

from pmtui.config.files import read_bytes
from pmtui.config.model import ConfigError
from pmtui.importers.builder import UnsupportedFileError, table
from pmtui.importers.formats import parse_yaml
from pmtui.importers.process_compose.environment import plain_pairs

_MAX_FILE_BYTES = 1 << 20
_MAX_DEPTH = 10


def with_base(values: Mapping[str, Any], folder: str, read: Collection[str], depth: int = 0) -> dict[str, Any]:
    """Return the project over the one named by `extends`; `read` are the keys that are read of a file.

    Raises UnsupportedFileError.
    """
    name = values.get("extends")
    if not name:
        return dict(values)
    path = os.path.normpath(os.path.join(folder, os.path.expandvars(str(name))))
    if depth == _MAX_DEPTH:
        raise UnsupportedFileError(f"extends: {path} extends itself, or too many files do")
    try:
        text = read_bytes(path, _MAX_FILE_BYTES).decode("utf-8-sig", "replace")
        base = table(parse_yaml(text, {"processes": read}))
    except ConfigError as error:
        raise UnsupportedFileError(f"extends: {error}") from None
    except UnsupportedFileError as error:
        raise UnsupportedFileError(f"extends: {path} {error}") from None
    return _merged(with_base(base, os.path.dirname(path), read, depth + 1), values)


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Merge tables by their keys and environments by their names; whatever else is there twice is replaced."""
    merged = dict(base)
    for key, value in over.items():
        known = merged.get(key)
        if key == "environment" and known and value:
            pairs = plain_pairs(known) | plain_pairs(value)
            merged[key] = {name: item for name, item in pairs.items() if item is not None}
        elif isinstance(known, dict) and isinstance(value, dict):
            merged[key] = _merged(known, value)
        else:
            merged[key] = value
    return merged
