"""What the manager prints without a dashboard: the output of its processes and its own messages."""

import os
import select
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

import msgspec

from pmtui.config.model import LogSettings
from pmtui.control import Stream
from pmtui.logs.files.batch_worker import BatchWorker
from pmtui.logs.files.log_file import LineBatch, LogFile
from pmtui.text.formatting import printable
from pmtui.text.sanitize import is_plain, keep_colors, strip_escapes
from pmtui.text.timestamps import now_ms, rfc3339

ConsoleLevel = Literal["INFO", "WARN", "ERROR"]
Format = Literal["text", "json"]
FormatRecord = Callable[["OutputRecord"], bytes]
"""Formats the lines of one record, for a console that is neither of these."""
MAX_BUFFERED_BYTES = 4 << 20
"""Bytes that wait for a slow reader before lines are dropped."""
RATE_LIMIT = 4 << 20
"""Bytes per second printed of one process; the rest is only in its log files."""
BURST_BYTES = 1 << 20
MAX_CONCURRENT_FLOODS = 4
"""How many processes may print at the full rate at the same time."""
SMALL_CHUNK = 4 << 10
"""Bytes in one chunk that are printed even if the others use up the total rate."""
_FLUSH_TIMEOUT = 0.5  # seconds without progress after which `close` gives up if the reader takes no more
_BUSY_TIMEOUT = 5.0  # seconds after which it gives up in any case
_OVERHEAD_BYTES = 100  # bytes of a record without its text
_BATCH_SIZE = 64  # records per write
_MAX_WRITE_BYTES = 64 << 10
FILE_SETTINGS = LogSettings(timestamps=False)
"""Lines have their time already; 10 MB per file, five archives."""
_DIM, _RESET = "\x1b[2m", "\x1b[0m"
_COLORS: dict[ConsoleLevel, str] = {"INFO": "\x1b[32m", "WARN": "\x1b[33m", "ERROR": "\x1b[31m"}
_json = msgspec.json.Encoder()


class OutputRecord(NamedTuple):
    """Lines of one source. `stream` is None for the manager's own."""

    ms: int
    level: ConsoleLevel
    source: str
    stream: Stream | None
    data: bytes
    lines: int
    cut: bool = False


class ConsoleLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line in JSON format."""

    time: str
    level: ConsoleLevel
    id: str
    text: str
    stream: Stream | None = None
    cut: bool = False


class TokenBucket:
    """Permits `share` times RATE_LIMIT, with bursts of `share` times BURST_BYTES."""

    __slots__ = ("_credit", "_ms", "_share", "suppressed")

    def __init__(self, share: int = 1) -> None:
        self.suppressed = 0
        self._share = share
        self._credit = float(BURST_BYTES * share)
        self._ms = 0

    def is_left(self, ms: int) -> bool:
        earned = max(ms - self._ms, 0) * RATE_LIMIT * self._share / 1000
        self._credit = min(BURST_BYTES * self._share, self._credit + earned)
        self._ms = ms
        return self._credit >= 0

    def spend(self, size: int) -> None:
        self._credit -= size


class Console(Protocol):
    """Where the manager's own words and the output of its processes go."""

    def start(self) -> None: ...

    def line(self, level: ConsoleLevel, text: str) -> None: ...

    def chunk(self, process_id: str, stream: Stream, ms: int, data: bytes, lines: int, cut: bool = False) -> None: ...

    def close(self) -> None: ...


class ConsoleLog:
    """Writes lines to `fd` in a separate thread: a reader that stalls costs lines, never time.

    Lines that are not shown are counted and reported as soon as others are. A terminal without NO_COLOR gets colors.
    """

    def __init__(self, fd: int = 1, format: Format | FormatRecord = "text") -> None:
        self._fd = fd
        self._worker: BatchWorker[OutputRecord] = BatchWorker("pmtui-console-log", self._process)
        self._dropped = 0
        self._lock = threading.Lock()
        self._total = TokenBucket(MAX_CONCURRENT_FLOODS)
        self._buckets: dict[str, TokenBucket] = {}
        self._is_broken = False
        has_colors = os.isatty(fd) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self._format: FormatRecord = as_json if format == "json" else as_colors if has_colors else as_text
        if callable(format):
            self._format = format

    def start(self) -> None:
        self._worker.start()

    def line(self, level: ConsoleLevel, text: str) -> None:
        """Print a message of the manager, always as one line."""
        self._enqueue(OutputRecord(now_ms(), level, "pmtui", None, printable(text.rstrip("\n")).encode() + b"\n", 1))

    def chunk(self, process_id: str, stream: Stream, ms: int, data: bytes, lines: int, cut: bool = False) -> None:
        """Print whole lines of a process, as `LogStore`'s `echo`. Called by one thread at a time."""
        bucket = self._buckets.get(process_id) or self._buckets.setdefault(process_id, TokenBucket())
        if not bucket.is_left(ms) or (len(data) > SMALL_CHUNK and not self._total.is_left(ms)):
            bucket.suppressed += lines
            return
        bucket.spend(len(data))
        self._total.spend(len(data))
        self._report_suppressed(process_id, bucket)
        self._enqueue(OutputRecord(ms, "ERROR" if stream == "stderr" else "INFO", process_id, stream, data, lines, cut))

    def close(self) -> None:
        """Write what waits, unless the reader has stalled."""
        for process_id, bucket in self._buckets.items():
            self._report_suppressed(process_id, bucket)
        self._report_dropped()
        deadline = time.monotonic() + _BUSY_TIMEOUT
        while not self._worker.close(_FLUSH_TIMEOUT) and self._can_write() and time.monotonic() < deadline:
            pass

    def _can_write(self) -> bool:
        """Return whether the reader would take more: then the machine is busy, and nothing has stalled."""
        output = select.poll()
        output.register(self._fd, select.POLLOUT)
        return bool(output.poll(0))

    def _enqueue(self, record: OutputRecord) -> None:
        if self._is_broken:
            return
        with self._lock:
            if self._worker.load > MAX_BUFFERED_BYTES:
                self._dropped += record.lines
                return
            self._report_dropped()
            self._worker.put(record, len(record.data) + _OVERHEAD_BYTES)

    def _report_suppressed(self, process_id: str, bucket: TokenBucket) -> None:
        if count := bucket.suppressed:
            self.line("WARN", f"{process_id}: {count} lines not shown here (output rate limit); see its log file")
            bucket.suppressed = 0

    def _report_dropped(self) -> None:
        if self._dropped:
            text = b"%d lines not shown here (slow reader)\n" % self._dropped
            self._dropped = 0
            self._worker.put(OutputRecord(now_ms(), "WARN", "pmtui", None, text, 1), len(text))

    def _process(self, batch: list[OutputRecord]) -> None:
        for begin in range(0, len(batch), _BATCH_SIZE):
            self._write(b"".join(map(self._format, batch[begin : begin + _BATCH_SIZE])))

    def _write(self, text: bytes) -> None:
        view = memoryview(text)
        while view and not self._is_broken:
            try:
                view = view[os.write(self._fd, view[:_MAX_WRITE_BYTES]) :]
                self._worker.mark_progress()
            except BlockingIOError:  # another process has made the terminal non-blocking
                select.select([], [self._fd], [])
            except OSError:
                self._is_broken = True


class FileConsoleLog(ConsoleLog):
    """Writes to a file that is rotated like the logs of processes, for a manager in the background."""

    def __init__(self, path: Path, format: Format = "text") -> None:
        super().__init__(-1, format)
        self._file = LogFile(path.parent, path.stem, FILE_SETTINGS)
        self._next = 1

    def close(self) -> None:
        super().close()
        self._file.close()

    def _can_write(self) -> bool:
        return True

    def _write(self, text: bytes) -> None:
        lines = text.count(b"\n")
        self._file.write([LineBatch(self._next, lines, len(text), (text,))])
        self._next += lines
        self._worker.mark_progress()


def as_text(record: OutputRecord) -> bytes:
    head = _head(record).encode()
    if is_plain(record.data):
        return head + record.data.replace(b"\n", b"\n" + head, record.lines - 1)
    return b"".join(b"%s%s\n" % (head, strip_escapes(line).encode()) for line in _lines(record))


def as_colors(record: OutputRecord) -> bytes:
    time, _, rest = _head(record).partition(" ")
    level, _, source = rest.partition("[")
    head = f"{_DIM}{time}{_RESET} {_COLORS[record.level]}{level}{_RESET}[{source}"
    return "".join(f"{head}{_closed(keep_colors(line))}\n" for line in _lines(record)).encode()


def as_json(record: OutputRecord) -> bytes:
    time = rfc3339(record.ms)
    texts = map(strip_escapes, _lines(record))
    return _json.encode_lines(
        ConsoleLine(time, record.level, record.source, text, record.stream, record.cut) for text in texts
    )


def _head(record: OutputRecord) -> str:
    stream = f"[{record.stream.upper()}]" if record.stream else ""
    return f"{rfc3339(record.ms)} {record.level:<5} [{record.source}]{stream} "


def _closed(text: str) -> str:
    return text + _RESET if "\x1b" in text else text


def _lines(record: OutputRecord) -> list[bytes]:
    return record.data.removesuffix(b"\n").split(b"\n")
