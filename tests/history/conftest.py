"""A history in memory, whose disk is never busy."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.eventually import DEADLINE

MEMORY = "/dev/shm"


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory. Why: SQLite waits thousands of times for a disk, and a busy one takes its time."""
    if not os.access(MEMORY, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        yield Path(folder)


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANSWER_TIMEOUT", "CLOSE_TIMEOUT"):
        monkeypatch.setattr(f"pmtui.history.recorder.{name}", DEADLINE)
