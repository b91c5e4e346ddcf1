"""The manager's own log, and PocketBase's beside it."""

from collections.abc import Callable

from pmtui.control import Stream
from pmtui.logs.console import Console, ConsoleLevel
from pmtui.pocketbase.log_bridge import ERROR, INFO, WARN, LogBridge

LEVELS: dict[ConsoleLevel, int] = {"INFO": INFO, "WARN": WARN, "ERROR": ERROR}


class PocketBaseConsole:
    """Writes to both what the console is given; `run_of` gives the PMTUI_RUN of a process."""

    def __init__(self, console: Console, bridge: LogBridge, run_of: Callable[[str], str]) -> None:
        self._console, self._bridge, self._run_of = console, bridge, run_of

    def start(self) -> None:
        self._console.start()
        self._bridge.start()

    def line(self, level: ConsoleLevel, text: str) -> None:
        self._console.line(level, text)
        self._bridge.line(LEVELS[level], text)

    def chunk(self, process_id: str, stream: Stream, ms: int, data: bytes, lines: int, cut: bool = False) -> None:
        self._console.chunk(process_id, stream, ms, data, lines, cut)
        self._bridge.chunk(process_id, stream, self._run_of(process_id), data, lines)

    def close(self) -> None:
        self._console.close()
        self._bridge.close()
