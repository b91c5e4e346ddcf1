"""The output of all processes, in memory and in files."""

import threading
from pathlib import Path

from pmtui.config.model import LogSettings
from pmtui.logs.files.writer import Writer
from pmtui.logs.process_log import Echo, ProcessLog

__all__ = ["Echo", "LogStore", "ProcessLog"]


class LogStore:
    """Owns the logs of one manager, written to `directory` by one thread, or kept in memory only.

    `echo` gets every chunk, in a thread that may not be the loop's. `bulk_reader` is for the pipe reader. One lock is
    shared by all that read or feed bulk pipes: the logs, the bulk reader and the pipe reader.
    """

    def __init__(self, directory: Path | None, echo: Echo | None = None) -> None:
        self.directory = directory
        self.echo = echo
        self._lock = threading.Lock()
        self._writer = Writer(self._lock)
        self.bulk_reader = self._writer.bulk_reader
        self._logs: dict[str, ProcessLog] = {}

    def start(self) -> None:
        """Start the writer's thread, before processes can take the last one. Raises OSError if there is none left."""
        self._writer.start()

    def open(self, process_id: str, settings: LogSettings) -> ProcessLog:
        """Return the process's log. If it is open already, it gets these settings and keeps its lines."""
        if log := self._logs.get(process_id):
            log.configure(settings)
            return log
        log = ProcessLog(process_id, settings, self.directory, self._writer, self._lock)
        log.echo = self.echo
        self._logs[process_id] = log
        return log

    def drop(self, process_id: str) -> None:
        if log := self._logs.pop(process_id, None):
            log.close()

    def has_problem(self) -> bool:
        """Return whether some log file cannot be written."""
        return self._writer.has_problem

    def retry(self) -> None:
        """Try again to write to the files that failed, even if there are no new lines."""
        self._writer.retry()

    def close(self) -> None:
        """Write what waits, as long as the disk makes progress. Called once, at the very end."""
        for log in self._logs.values():
            log.close()
        self._writer.close()
