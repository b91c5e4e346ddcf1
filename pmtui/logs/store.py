"""The output of all processes: in memory for those who look, in files for those who come later."""

from pathlib import Path

from pmtui.config.model import LogSettings
from pmtui.logs.files.writer import Writer
from pmtui.logs.process_log import Echo, ProcessLog

__all__ = ["Echo", "LogStore", "ProcessLog"]


class LogStore:
    """The logs of one manager, written to `folder` by one thread. Without a folder there is only memory.

    `echo` gets every chunk, in a thread that may not be the loop's. `bulk_reader` is for the pipe reader: pipes that
    the writing thread had better read itself.
    """

    def __init__(self, folder: Path | None, echo: Echo | None = None) -> None:
        self.directory = folder
        self.echo = echo
        self._writer = Writer()
        self.bulk_reader = self._writer.bulk_reader
        self._logs: dict[str, ProcessLog] = {}

    def start(self) -> None:
        """Takes the thread that writes, before processes can take the last one. OSError where there is none."""
        self._writer.start()

    def open(self, process_id: str, settings: LogSettings) -> ProcessLog:
        """The log of that process. One that is open already gets these settings, and keeps its lines."""
        if log := self._logs.get(process_id):
            log.configure(settings)
            return log
        log = ProcessLog(process_id, settings, self.directory, self._writer)
        log.echo = self.echo
        self._logs[process_id] = log
        return log

    def drop(self, process_id: str) -> None:
        """The process is no more; its files stay."""
        if log := self._logs.pop(process_id, None):
            log.close()

    def close(self) -> None:
        """Writes what waits, for as long as the disk moves; called once, at the very end."""
        for log in self._logs.values():
            log.close()
        self._writer.close()
