"""Small files of a manager and its commands, written whole or not at all. Imports only the standard library."""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PRIVATE_MODE, SHARED_MODE = 0o600, 0o666


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a regular file; an empty one if it is missing or invalid."""
    with contextlib.suppress(OSError, ValueError):
        values = json.loads(path.read_bytes()) if path.is_file() else None
        if isinstance(values, dict):
            return values
    return {}


def write_atomic(path: Path, content: str | bytes, mode: int = PRIVATE_MODE) -> None:
    """Replace the file in one step: a reader sees the old content or the new, never a part."""
    with _draft(path, content, mode) as draft:
        draft.replace(path)


def write_new(path: Path, content: str | bytes, mode: int = SHARED_MODE) -> None:
    """Create the file. Raises FileExistsError if the name is taken, even by a dangling link."""
    with _draft(path, content, mode) as draft:
        os.link(draft, path)


@contextlib.contextmanager
def _draft(path: Path, content: str | bytes, mode: int) -> Iterator[Path]:
    """Write the content under a temporary name beside `path`, and remove that name in the end."""
    draft = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with open(descriptor, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        yield draft
    finally:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()
