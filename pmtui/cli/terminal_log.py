"""What a manager without a dashboard prints on a terminal: lines as those of `pmtui logs -f`."""

from collections.abc import Iterable
from datetime import UTC, datetime

from pmtui.cli.log_lines import RowHead, clock_time
from pmtui.cli.output import Output
from pmtui.logs.console import OutputRecord
from pmtui.text.sanitize import keep_colors, strip_escapes

MANAGER = "pmtui"
MAX_NAME_WIDTH = 24
TONES = {"INFO": "dim", "WARN": "warn", "ERROR": "bad"}


class TerminalLog:
    """Formats the output of processes and the messages of the manager. Called by one thread."""

    def __init__(self, output: Output, ids: Iterable[str]) -> None:
        self._output = output
        self._head = RowHead(output, min(MAX_NAME_WIDTH, max(map(len, [MANAGER, *ids]))))

    def __call__(self, record: OutputRecord) -> bytes:
        time = clock_time(datetime.fromtimestamp(record.ms / 1000, UTC))
        lines = record.data.removesuffix(b"\n").split(b"\n")
        if record.stream is None:
            head = self._output.paint(self._head.format_plain(time, record.source, None), "dim")
            texts = [self._output.paint(strip_escapes(line), TONES[record.level]) for line in lines]
        else:
            head = self._head.format(time, record.source, record.stream)
            texts = [self._text(line) for line in lines]
        return "".join(f"{head}{text}\n" for text in texts).encode(errors="replace")

    def _text(self, line: bytes) -> str:
        if not self._output.has_colors:
            return strip_escapes(line)
        text = keep_colors(line)
        return f"{text}\x1b[0m" if "\x1b" in text else text
