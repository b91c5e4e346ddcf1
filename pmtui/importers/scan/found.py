"""A process that a directory suggests, and how its files are read."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from pmtui.config.files import read_bytes
from pmtui.config.model import ConfigError

_MAX_FILE_BYTES = 1 << 20
_MAX_ENTRIES = 2000
_MANIFESTS = ("requirements.txt", "pyproject.toml", "Pipfile", "package.json", "Procfile", "manage.py", ".venv", "venv")
DEV_MODE = "devMode = true  # restart it when its files change"


class FoundProcess(msgspec.Struct):
    """A process that the directory suggests.

    `origin` says where it was found, `notes` what was guessed about it, and `suggestions` are lines that its owner may
    want. `port` is what it listens on; `follows_port` if it listens where `${port}` or PORT says. `role` distinguishes
    it from the main process of its directory.
    """

    id: str
    fields: dict[str, Any]
    origin: str
    suggestions: list[str] = []
    notes: list[str] = []
    role: str = ""
    port: int | None = None
    follows_port: bool = False
    health_path: str = ""
    production: str = ""
    """The command that runs it in production, if that is another one; `build` is what to run before."""
    build: str = ""
    is_frontend: bool = False
    is_named: bool = False
    """Its id is a name that the project gives it."""

    def with_port(self, port: int, follows: bool, reason: str) -> "FoundProcess":
        if not is_port(port):
            return self
        self.port, self.follows_port = port, follows
        self.notes.append(f"port {port}: {reason}")
        return self


def is_port(number: int) -> bool:
    return 0 < number < 65536


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a file, or an empty one."""
    try:
        values = json.loads(read_text(path) or "")
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def read_text(path: Path) -> str:
    """Return the text of a file; "" if it cannot be read."""
    try:
        return read_bytes(str(path), _MAX_FILE_BYTES).decode("utf-8-sig")
    except (ConfigError, ValueError):
        return ""


def subdirectories(folder: Path) -> Iterator[Path]:
    """Yield the directories below, without links, in order."""
    try:
        names = sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.is_symlink())
    except OSError:
        return
    yield from (folder / name for name in names[:_MAX_ENTRIES])


def is_project(folder: Path) -> bool:
    """Return whether the directory is a separate project, not a part of the one above it."""
    return any((folder / name).exists() for name in _MANIFESTS)


def find_health_path(text: str, route: str) -> str:
    """Return the path of a health check that the code serves; `route` is the pattern of what comes before its name."""
    found = re.search(rf"{route}\(\s*[\"'](/(?:[\w.-]+/)*(?:healthz?|health-?check|livez|readyz|ping))/?[\"']", text)
    return found[1] if found else ""
