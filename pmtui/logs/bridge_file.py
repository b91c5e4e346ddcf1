"""The manager's own log in a file, where it runs in the background."""

from pathlib import Path

from pmtui.config.model import LogSettings
from pmtui.logs.console import ConsoleLog, Format
from pmtui.logs.files.log_file import LineBatch, LogFile

SETTINGS = LogSettings(timestamps=False)
"""Each line has its time already; 10 MB a file, five archives."""


class FileConsoleLog(ConsoleLog):
    """Writes what would be printed to a file that is rotated as the logs of processes are."""

    def __init__(self, path: Path, format: Format = "text") -> None:
        super().__init__(-1, format)
        self._file = LogFile(path.parent, path.stem, SETTINGS)
        self._next = 1

    def close(self) -> None:
        super().close()
        self._file.close()

    def _write(self, text: bytes) -> None:
        lines = text.count(b"\n")
        self._file.write([LineBatch(self._next, lines, len(text), (text,))])
        self._next += lines
        self._worker.mark_progress()
