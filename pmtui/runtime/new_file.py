"""Files that are made and never overwritten."""

import contextlib
import os
from pathlib import Path

DEFAULT_MODE = 0o666


def write_new(path: Path, text: str, mode: int = DEFAULT_MODE) -> None:
    """Whole or not at all. Raises FileExistsError where something has that name, be it a link to nothing."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.link(draft, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(draft)
