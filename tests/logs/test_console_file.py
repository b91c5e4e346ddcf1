"""The manager's own log in a file."""

from pathlib import Path

import pytest

from pmtui.config.model import LogSettings
from pmtui.logs import console
from pmtui.logs.console import FileConsoleLog


def test_it_is_rotated_between_two_lines_and_keeps_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "FILE_SETTINGS", LogSettings(timestamps=False, max_size=1000, keep=2))
    console_log = FileConsoleLog(tmp_path / "manager.log")
    for number in range(100):
        console_log.line("INFO", f"line {number}")
    console_log.close()
    files = sorted(tmp_path.iterdir())
    assert len(files) == 3
    assert all(file.stat().st_size <= 1000 for file in files)
    lines = [line for file in files for line in file.read_text().splitlines()]
    assert [line.rpartition("line ")[2] for line in lines] == [str(n) for n in range(100 - len(lines), 100)]
    assert lines[-1].endswith("Z INFO  [pmtui] line 99")
