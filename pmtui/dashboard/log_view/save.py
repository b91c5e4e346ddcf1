"""Text that leaves the dashboard: copies and saved logs."""

import os
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from pmtui.dashboard.log_view.display import block_lines
from pmtui.dashboard.log_view.lines import Line
from pmtui.dashboard.style.formats import clock_time


def save_copy(text: str) -> Path | None:
    """Save copied text for terminals without a clipboard; return None if that fails."""
    folder = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    path = folder / f"pmtui-{os.getuid()}-copy.txt"
    try:
        path.unlink(missing_ok=True)
        _write(path, text)
    except OSError:
        return None
    return path


def save_lines(title: str, lines: Sequence[Line], folder: Path | None = None) -> Path:
    """Write lines with their times to a new file in the directory. Raises OSError."""
    stamp = f"{datetime.now():%Y%m%d-%H%M%S}"
    path = (folder or Path.cwd()) / f"pmtui-{title.replace(' ', '-')}-{stamp}.log"
    _write(
        path,
        "".join(
            f"{clock_time(line.ms)} {line.process_id} {line.stream} {text}\n"
            for line in lines
            for text in block_lines(line)
        ),
    )
    return path


def _write(path: Path, text: str) -> None:
    with open(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(text)
