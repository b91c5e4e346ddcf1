"""What the manager prints when nobody sees a dashboard: the output of its processes, and its own words."""

import os
import select
import threading
from collections.abc import Callable
from typing import Literal, NamedTuple

import msgspec

from pmtui.control import Stream
from pmtui.logs.files.batch_worker import BatchWorker
from pmtui.text.formatting import printable
from pmtui.text.sanitize import is_plain, keep_colors, strip_escapes
from pmtui.text.timestamps import now_ms, rfc3339

ConsoleLevel = Literal["INFO", "WARN", "ERROR"]
Format = Literal["text", "json"]
MAX_BUFFERED_BYTES = 4 << 20
"""Bytes that wait for a slow reader before lines are dropped."""
RATE_LIMIT = 4 << 20
"""Bytes a second of one process that are printed; of a flood the rest is in its files alone."""
BURST_BYTES = 1 << 20
MAX_CONCURRENT_FLOODS = 4
"""How many processes may flood what is printed at the same time."""
SMALL_CHUNK = 4 << 10
"""Bytes read at once that are printed though others flood."""
_FLUSH_TIMEOUT = 0.5  # seconds without progress for which the exit waits
_OVERHEAD_BYTES = 100  # bytes that an entry takes beside its text
_BATCH_SIZE = 64  # entries that become one write
_MAX_WRITE_BYTES = 64 << 10
_DIM, _RESET = "\x1b[2m", "\x1b[0m"
_COLORS: dict[ConsoleLevel, str] = {"INFO": "\x1b[32m", "WARN": "\x1b[33m", "ERROR": "\x1b[31m"}
_json = msgspec.json.Encoder()


class OutputRecord(NamedTuple):
    """Lines of one source; `stream` None: the manager's own."""

    ms: int
    level: ConsoleLevel
    source: str
    stream: Stream | None
    data: bytes
    lines: int


class ConsoleLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line in the JSON form."""

    time: str
    level: ConsoleLevel
    id: str
    text: str
    stream: Stream | None = None


class TokenBucket:
    """How much is printed: RATE in the long run, BURST at once, `share` times that."""

    __slots__ = ("_credit", "_ms", "_share", "held_back")

    def __init__(self, share: int = 1) -> None:
        self.held_back = 0
        self._share = share
        self._credit = float(BURST_BYTES * share)
        self._ms = 0

    def is_left(self, ms: int) -> bool:
        """Whether anything may be printed at that time."""
        earned = max(ms - self._ms, 0) * RATE_LIMIT * self._share / 1000
        self._credit = min(BURST_BYTES * self._share, self._credit + earned)
        self._ms = ms
        return self._credit >= 0

    def spend(self, size: int) -> None:
        self._credit -= size


class ConsoleLog:
    """Writes lines to `fd` in a thread of its own: a reader that stands still costs lines, never time.

    The lines lost are counted and told when the reader moves again, those of a flood when it ebbs. Colours are for a
    terminal without NO_COLOR.
    """

    def __init__(self, fd: int = 1, format: Format = "text") -> None:
        self._fd = fd
        self._worker: BatchWorker[OutputRecord] = BatchWorker("pmtui-log-bridge", self._process)
        self._dropped = 0
        self._lock = threading.Lock()
        self._total = TokenBucket(MAX_CONCURRENT_FLOODS)
        self._buckets: dict[str, TokenBucket] = {}
        self._is_broken = False
        has_colours = os.isatty(fd) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self._format: Callable[[OutputRecord], bytes] = (
            as_json if format == "json" else as_colors if has_colours else as_text
        )

    def start(self) -> None:
        """Has the thread now. OSError where the machine gives none."""
        self._worker.start()

    def line(self, level: ConsoleLevel, text: str) -> None:
        """A word of the manager's own; one line, whatever the names of files and programs in it are."""
        self._enqueue(OutputRecord(now_ms(), level, "pmtui", None, printable(text.rstrip("\n")).encode() + b"\n", 1))

    def chunk(self, process_id: str, stream: Stream, ms: int, data: bytes, lines: int) -> None:
        """Whole lines of a process, from one thread at a time; fits `LogStore`'s `echo`."""
        credit = self._buckets.get(process_id) or self._buckets.setdefault(process_id, TokenBucket())
        if not credit.is_left(ms) or (len(data) > SMALL_CHUNK and not self._total.is_left(ms)):
            credit.held_back += lines
            return
        credit.spend(len(data))
        self._total.spend(len(data))
        self._report_suppressed(process_id, credit)
        self._enqueue(OutputRecord(ms, "ERROR" if stream == "stderr" else "INFO", process_id, stream, data, lines))

    def close(self) -> None:
        """Writes what waits, unless nobody reads it."""
        for process_id, credit in self._buckets.items():
            self._report_suppressed(process_id, credit)
        self._report_dropped()
        self._worker.close(_FLUSH_TIMEOUT)

    def _enqueue(self, entry: OutputRecord) -> None:
        if self._is_broken:
            return
        with self._lock:
            if self._worker.load > MAX_BUFFERED_BYTES:
                self._dropped += entry.lines
                return
            self._report_dropped()
            self._worker.put(entry, len(entry.data) + _OVERHEAD_BYTES)

    def _report_suppressed(self, process_id: str, credit: TokenBucket) -> None:
        if credit.held_back:
            self.line("WARN", f"{credit.held_back} lines of {process_id} are in its log alone: too many at once")
            credit.held_back = 0

    def _report_dropped(self) -> None:
        if self._dropped:
            text = b"%d lines are missing here: nobody read them\n" % self._dropped
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
            except BlockingIOError:  # whoever shares the terminal made it so
                select.select([], [self._fd], [])
            except OSError:
                self._is_broken = True


def as_text(entry: OutputRecord) -> bytes:
    head = _head(entry).encode()
    if is_plain(entry.data):
        return head + entry.data.replace(b"\n", b"\n" + head, entry.lines - 1)
    return b"".join(b"%s%s\n" % (head, strip_escapes(line).encode()) for line in _lines(entry))


def as_colors(entry: OutputRecord) -> bytes:
    time, _, rest = _head(entry).partition(" ")
    level, _, source = rest.partition("[")
    head = f"{_DIM}{time}{_RESET} {_COLORS[entry.level]}{level}{_RESET}[{source}"
    return "".join(f"{head}{_closed(keep_colors(line))}\n" for line in _lines(entry)).encode()


def as_json(entry: OutputRecord) -> bytes:
    time = rfc3339(entry.ms)
    rows = [ConsoleLine(time, entry.level, entry.source, strip_escapes(line), entry.stream) for line in _lines(entry)]
    return _json.encode_lines(rows)


def _head(entry: OutputRecord) -> str:
    stream = f"[{entry.stream.upper()}]" if entry.stream else ""
    return f"{rfc3339(entry.ms)} {entry.level:<5} [{entry.source}]{stream} "


def _closed(text: str) -> str:
    return text + _RESET if "\x1b" in text else text


def _lines(entry: OutputRecord) -> list[bytes]:
    return entry.data.removesuffix(b"\n").split(b"\n")
