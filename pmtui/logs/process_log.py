"""The output of one process: the newest lines in memory, more in files."""

import math
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from functools import partial
from pathlib import Path

from pmtui.config.model import LogSettings
from pmtui.control import LogProblem, Stream
from pmtui.logs.activity import LineActivity
from pmtui.logs.capture.line_splitter import LineSplitter
from pmtui.logs.files.history import CUT_MARKER, number_after, read_backwards
from pmtui.logs.files.log_file import LineBatch, LogFile
from pmtui.logs.files.run_index import RunIndex, RunRecord
from pmtui.logs.files.skip import oldest_number
from pmtui.logs.files.stream_files import StreamFiles
from pmtui.logs.files.stream_order import StreamOrder
from pmtui.logs.files.writer import Writer
from pmtui.logs.ring_buffer import MAX_NUMBER, RawLine, RingBuffer, split
from pmtui.text.sanitize import strip_escapes
from pmtui.text.timestamps import now_ms, stamp

Echo = Callable[[str, Stream, int, bytes, int, bool], None]
"""Called with every chunk of whole lines: id, stream, milliseconds since 1970, bytes, number of lines, and whether it
is a part of a line that continues in the next chunk of the stream."""
MAX_REASON_LINES, MAX_REASON_BYTES = 1000, 256 << 10
"""The end of a run's output, in which `failure_reason` looks."""
REASON_TIMEOUT = 10_000
"""Milliseconds before the last line. What is older has not ended the run."""
MIN_LARGE_BYTES = 64 << 20
"""The size of the files from which on times are looked up instead of reading all lines behind them."""
MAX_CLOCK_STEP = 300_000
"""Milliseconds by which lines in a large log may be out of order."""
STREAMS: tuple[Stream, Stream] = ("stdout", "stderr")
_MAX_RUNS = 1000
_MAX_CLOCK_SLIP = 1000  # milliseconds; if the clock is set back by less, times do not go back
_DISK_TIMEOUT = 3.0  # seconds for which a reader waits for a stalled disk
_CHECK_INTERVAL = 0.1  # seconds between checks for that


class ProcessLog:
    """Holds all runs of one process. A thread that feeds its sinks holds `lock`.

    `ring`, `tail` and `newest_first` may be used in any thread.
    """

    def __init__(
        self, process_id: str, settings: LogSettings, directory: Path | None, writer: Writer, lock: threading.Lock
    ) -> None:
        self.process_id = process_id
        self.settings = settings
        self.ring = RingBuffer(process_id)
        self.activity = LineActivity(self.ring)
        self.run = 0
        self.runs: list[RunRecord] = []
        self.bytes_written = 0
        self.echo: Echo | None = None
        self.files: dict[Stream, LogFile] = {}
        self._directory = directory
        self._writer = writer
        self._lock = lock
        self._order = StreamOrder()
        self._unsaved: RunRecord | None = None
        self._last_ms = 0
        self.configure(settings)

    @property
    def dropped_bytes(self) -> int:
        return sum(file.dropped + self._writer.lost(file)[1] for file in self.files.values())

    def problem(self) -> LogProblem | None:
        """Return why the files cannot be written, if they cannot."""
        return self._writer.problem_of(self.files.values())

    def configure(self, settings: LogSettings) -> None:
        """Apply the settings from the next line on."""
        self.settings = settings
        with self._lock:
            for file in self.files.values():
                file.settings = settings
            if not self._directory or not settings.file:
                self.close()
                self.files = {}
            elif not self.files:
                self.files = {s: LogFile(self._directory, f"{self.process_id}-{s}", settings) for s in STREAMS}
                self._order = StreamOrder(floor=self.ring.end)

    def start_run(self, run: int) -> None:
        """Attribute all further output to this run."""
        ms = now_ms()
        if 0 <= self._last_ms - ms < _MAX_CLOCK_SLIP:
            ms = self._last_ms + 1
        self._last_ms = ms
        self.run = run
        self._unsaved = RunRecord(run, ms, self.ring.end)
        self.runs = [*self.runs[1 - _MAX_RUNS :], self._unsaved]

    def sink(self, stream: Stream) -> LineSplitter:
        on_lines, on_partial = (partial(method, stream, self.run) for method in (self._append, self._set_partial))
        return LineSplitter(on_lines, self._writer.has_room, on_partial)

    def tail(self, count: int) -> list[str]:
        """Return the last lines of the present run: from stderr, or if there are none, from stdout."""
        return self._stream_tail("stderr", count) or self._stream_tail("stdout", count)

    def failure_reason(self) -> str:
        """Why the present run gave up, in its own words; empty if it has not said."""
        from pmtui.logs.failures.reason import failure_reason  # only once something fails

        return failure_reason([(line.stream, line.text) for line in self._last_output()])

    def _last_output(self) -> list[RawLine]:
        lines: list[RawLine] = []
        size = 0
        for chunk in reversed(self.ring.chunks()):
            if chunk.run != self.run or (lines and lines[-1].ms - chunk.ms > REASON_TIMEOUT):
                break
            lines[:0] = split(chunk, chunk.first, chunk.first + chunk.lines)
            size += len(chunk.data)
            if len(lines) >= MAX_REASON_LINES or size >= MAX_REASON_BYTES:
                break
        return lines[-MAX_REASON_LINES:]

    def _stream_tail(self, stream: Stream, count: int) -> list[str]:
        found: list[str] = []
        for chunk in reversed([chunk for chunk in self.ring.chunks() if chunk.run == self.run]):
            if chunk.stream == stream and len(found) < count:
                lines = split(chunk, chunk.first, chunk.first + chunk.lines)
                found[:0] = [strip_escapes(line.data) for line in lines][len(found) - count :]
        return found

    def clear(self) -> None:
        with self._lock:
            self.ring.clear()
            for file in self.files.values():
                self._writer.call(file.clear)

    def close(self) -> None:
        """Close the files after everything is written. Further lines open them again."""
        for file in self.files.values():
            self._writer.call(file.finish)

    def newest_first(
        self, since_ms: int = 0, below: int = MAX_NUMBER, deadline: float = math.inf
    ) -> Generator[RawLine, None, None]:
        """Yield the lines with numbers below `below`, first from memory, then from the files. May wait for the disk.

        Skips files not written since `since_ms`, and all files if the disk stalls for 3 s. Raises TimeoutError when the
        monotonic clock reaches `deadline`.
        """
        with self._lock:  # what has left memory is with the writer then
            start, chunks = self.ring.view()
        for chunk in reversed(chunks):
            if chunk.first < below:
                yield from reversed(list(split(chunk, max(chunk.first, start), below)))
        streams = self._open_files() if self.files else []
        try:
            former = RunIndex(self._run_path).load() if streams else []
            yield from read_backwards(streams, self._order, self.runs, former, since_ms, min(below, start), deadline)
        finally:
            for stream in streams:
                stream.close()

    def oldest_number(self, deadline: float = math.inf) -> int:
        """Return a number that no line is below, in memory or in the files. May wait for the disk, and TimeoutError."""
        streams = self._open_files() if self.files else []
        try:
            return min(self.ring.start, oldest_number(streams, self._order, deadline) if streams else self.ring.start)
        finally:
            for stream in streams:
                stream.close()

    def numbers_between(self, since_ms: int, until_ms: int, deadline: float = math.inf) -> tuple[int, int]:
        """Return the first number and the end of a range with all lines of that time, if the log is large.

        Unless the clock was set back by more than five minutes. May wait for the disk, and raise TimeoutError.
        """
        streams = self._open_files() if self.files and self.settings.timestamps else []
        try:
            if sum(file.size for stream in streams for file in stream.files) < MIN_LARGE_BYTES:
                return -MAX_NUMBER, MAX_NUMBER
            edges = since_ms - MAX_CLOCK_STEP - 1, until_ms + MAX_CLOCK_STEP
            first, end = (number_after(streams, self._order, self.ring.start, ms, deadline) for ms in edges)
            return first, MAX_NUMBER if end == self.ring.start else end
        finally:
            for stream in streams:
                stream.close()

    def former_runs(self) -> list[RunRecord]:
        """Return the runs of former managers, as far as they are remembered."""
        known = RunIndex(self._run_path).load() if self.files else []
        return [run for run in known if not self.runs or run.ms < self.runs[0].ms]

    @property
    def _run_path(self) -> Path:
        return (self._directory or Path()) / f"{self.process_id}.runs"

    def _open_files(self) -> list[StreamFiles]:
        """Return the files as they are when everything so far is written, or none if the disk stalls."""
        opened: Future[list[StreamFiles]] = Future()
        self._writer.call_soon(partial(self._open_now, opened))
        while True:
            try:
                return opened.result(_CHECK_INTERVAL)
            except TimeoutError:
                if self._writer.stalled() > _DISK_TIMEOUT:
                    opened.cancel()
                    opened.add_done_callback(_close_files)
                    return []

    def _open_now(self, opened: Future[list[StreamFiles]]) -> None:
        if opened.set_running_or_notify_cancel():
            timestamps = self.settings.timestamps
            streams = [StreamFiles(s, f.open_files(), f.last, list(f.gaps), timestamps) for s, f in self.files.items()]
            opened.set_result(streams)

    def _append(self, stream: Stream, run: int, read: bytes, is_cut: bool) -> None:
        ms = self._last_ms = self._time()
        file = self.files.get(stream)
        data = read + b"\n" if is_cut else read
        parts: tuple[bytes | memoryview, ...] = (read,)
        if file and self.settings.timestamps:
            head = stamp(ms)
            text = data.replace(b"\n", b"\n" + head)  # how much it grows is the cheapest way to count lines
            lines = (len(text) - len(data)) // len(head)
            parts = (head, read, CUT_MARKER) if is_cut else (head, memoryview(text)[: -len(head)])
        else:
            lines = count_lines(data)
        first = self.ring.append(stream, run, ms, data, lines, is_cut)
        self.bytes_written += len(read)
        if file:
            self._write(file, stream, LineBatch(first, lines, len(read), parts))
        if self.echo:
            self.echo(self.process_id, stream, ms, data, lines, is_cut)

    def _set_partial(self, stream: Stream, run: int, data: bytes) -> None:
        self.ring.set_partial(stream, run, self._time(), data)

    def _time(self) -> int:
        """Return the time, but never one before the present run began."""
        ms = now_ms()
        return self._last_ms if 0 < self._last_ms - ms < _MAX_CLOCK_SLIP else ms

    def _write(self, file: LogFile, stream: Stream, batch: LineBatch) -> None:
        self._order.record(stream, batch.first)
        self._writer.write(file, batch)
        if self._unsaved:  # afterwards, for the first line makes the directory
            self._writer.call(partial(RunIndex(self._run_path).add, self._unsaved))
            self._unsaved = None


def _close_files(opened: Future[list[StreamFiles]]) -> None:
    if not opened.cancelled():
        for stream in opened.result():
            stream.close()


def count_lines(data: bytes) -> int:
    # Why: unless lines are short, `replace` takes a third of the time of `count`, for it skips from one to the next.
    if data.find(b"\n", 0, 32) >= 0 or len(data) < 1024:
        return data.count(b"\n")
    return len(data) - len(data.replace(b"\n", b""))
