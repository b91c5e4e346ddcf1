"""The entry for clients that read `.mcp.json`, the file of a project. Needs no SDK."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pmtui.runtime.files import SHARED_MODE, write_atomic, write_new

FILE_NAME = ".mcp.json"
SERVER_NAME = "pmtui"


class ClientConfigError(Exception):
    """The entry cannot be written; the message says why."""


def add_entry(directory: Path, command: str, arguments: Sequence[str]) -> bool:
    """Add the server to the file, and return whether it was not there. What the file has already is never changed."""
    path = directory / FILE_NAME
    entry = {"command": command, "args": [*arguments]}
    try:
        document = _read(path)
        if document is None:
            write_new(path, _text({"mcpServers": {SERVER_NAME: entry}}))
            return True
        servers = document.setdefault("mcpServers", {})
        if not isinstance(servers, dict):
            raise ClientConfigError(f"{path}: mcpServers is not an object; nothing was changed")
        if SERVER_NAME in servers:
            return False
        servers[SERVER_NAME] = entry
        write_atomic(path, _text(document), path.stat().st_mode & SHARED_MODE)
    except OSError as error:
        raise ClientConfigError(f"cannot write {path}: {error.strerror}") from None
    return True


def _read(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    try:
        document = json.loads(path.read_text())
    except ValueError as error:
        raise ClientConfigError(f"{path} is not valid JSON ({error}); nothing was changed") from None
    if not isinstance(document, dict):
        raise ClientConfigError(f"{path} is not an object; nothing was changed")
    return document


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
