"""The output of one process: newest lines in memory, all that fits in files."""

import math
from collections.abc import Callable, Generator
from concurrent.futures import Future
from functools import partial
from pathlib import Path

from pmtui.config.model import LogSettings
from pmtui.control import Stream
from pmtui.logs.capture.line_splitter import LineSplitter
from pmtui.logs.files.history import StreamFiles, read_backwards
from pmtui.logs.files.log_file import LineBatch, LogFile
from pmtui.logs.files.run_index import RunIndex, RunRecord
from pmtui.logs.files.stream_order import StreamOrder
from pmtui.logs.files.writer import Writer
from pmtui.logs.ring_buffer import MAX_NUMBER, RawLine, RingBuffer, split
from pmtui.text.sanitize import strip_escapes
from pmtui.text.timestamps import now_ms, stamp

Echo = Callable[[str, Stream, int, bytes, int], None]
"""Told of every chunk of whole lines: id, stream, milliseconds since 1970, bytes, number of lines."""
MAX_STDERR_LINES = 5
"""Lines in which a complaint is looked for."""
STREAMS: tuple[Stream, Stream] = ("stdout", "stderr")
_MAX_RUNS = 1000
_MAX_CLOCK_SLIP = 1000  # milliseconds by which the clock may be set back unnoticed
_DISK_TIMEOUT = 3.0  # seconds for which a reader waits for a disk that does not move
_CHECK_INTERVAL = 0.1  # seconds between two looks whether it does


class ProcessLog:
    """All runs of one process. To be fed by one thread at a time, which holds the lock of the writer's `floods`.

    `ring`, `last_words` and `newest_first` are for any thread.
    """

    def __init__(self, process_id: str, settings: LogSettings, folder: Path | None, writer: Writer) -> None:
        self.process_id = process_id
        self.settings = settings
        self.ring = RingBuffer(process_id)
        self.run = 0
        self.runs: list[RunRecord] = []
        self.bytes_written = 0
        self.echo: Echo | None = None
        self.files: dict[Stream, LogFile] = {}
        self._directory = folder
        self._writer = writer
        self._order = StreamOrder()
        self._unsaved: RunRecord | None = None
        self._last_ms = 0
        self.configure(settings)

    @property
    def dropped_bytes(self) -> int:
        """Bytes that are missing in the files because they could not be written."""
        return sum(file.dropped + self._writer.lost(file) for file in self.files.values())

    def configure(self, settings: LogSettings) -> None:
        """New settings hold from the next line on."""
        self.settings = settings
        with self._writer.bulk_reader.lock:
            for file in self.files.values():
                file.settings = settings
            if not self._directory or not settings.file:
                self.close()
                self.files = {}
            elif not self.files:
                self.files = {s: LogFile(self._directory, f"{self.process_id}-{s}", settings) for s in STREAMS}
                self._order = StreamOrder(floor=self.ring.end)

    def start_run(self, run: int) -> None:
        """What comes from now on is of that run."""
        ms = now_ms()
        if 0 <= self._last_ms - ms < _MAX_CLOCK_SLIP:
            ms = self._last_ms + 1
        self._last_ms = ms
        self.run = run
        self._unsaved = RunRecord(run, ms, self.ring.end)
        self.runs = [*self.runs[1 - _MAX_RUNS :], self._unsaved]

    def sink(self, stream: Stream) -> LineSplitter:
        """Where the present run's bytes of that stream go."""
        return LineSplitter(partial(self._append, stream, self.run), self._writer.has_room)

    def tail(self, count: int) -> list[str]:
        """The last lines of the present run, on stderr if it wrote any there, else on stdout."""
        return self._stream_tail("stderr", count) or self._stream_tail("stdout", count)

    def last_stderr_line(self) -> str:
        """The last line of the present run on stderr that is not blank; empty where there is none."""
        return next(
            (line.strip() for line in reversed(self._stream_tail("stderr", MAX_STDERR_LINES)) if line.strip()), ""
        )

    def _stream_tail(self, stream: Stream, count: int) -> list[str]:
        words: list[str] = []
        for chunk in reversed([chunk for chunk in self.ring.chunks() if chunk.run == self.run]):
            if chunk.stream == stream and len(words) < count:
                lines = split(chunk, chunk.first, chunk.first + chunk.lines)
                words[:0] = [strip_escapes(line.data) for line in lines][len(words) - count :]
        return words

    def clear(self) -> None:
        """Forgets all lines, in memory and on disk."""
        with self._writer.bulk_reader.lock:
            self.ring.clear()
            for file in self.files.values():
                self._writer.call(file.clear)

    def close(self) -> None:
        """Closes the files once all is written; they are opened again when more comes."""
        for file in self.files.values():
            self._writer.call(file.finish)

    def newest_first(
        self, since_ms: int = 0, below: int = MAX_NUMBER, deadline: float = math.inf
    ) -> Generator[RawLine, None, None]:
        """The lines with numbers below `below`, from memory and then from the files. The thread may wait for the disk.

        Files not written since `since_ms` are left out, and all files when the disk does not move for 3 s.
        TimeoutError when the monotonic clock reaches `deadline` before the end of the files.
        """
        with self._writer.bulk_reader.lock:  # what has left memory is then with the writer
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

    def former_runs(self) -> list[RunRecord]:
        """What is remembered of the runs of former managers."""
        known = RunIndex(self._run_path).load() if self.files else []
        return [run for run in known if not self.runs or run.ms < self.runs[0].ms]

    @property
    def _run_path(self) -> Path:
        return (self._directory or Path()) / f"{self.process_id}.runs"

    def _open_files(self) -> list[StreamFiles]:
        """The files as they are when all that was taken so far is written."""
        found: Future[list[StreamFiles]] = Future()

        def look() -> None:
            if found.set_running_or_notify_cancel():
                found.set_result([self._opened(stream, file) for stream, file in self.files.items()])

        self._writer.call_soon(look)
        while True:
            try:
                return found.result(_CHECK_INTERVAL)
            except TimeoutError:
                if self._writer.stalled() > _DISK_TIMEOUT:
                    found.cancel()
                    found.add_done_callback(_close_files)
                    return []

    def _opened(self, stream: Stream, file: LogFile) -> StreamFiles:
        return StreamFiles(stream, file.open_files(), file.last, list(file.gaps), self.settings.timestamps)

    def _append(self, stream: Stream, run: int, data: bytes, mark: bytes) -> None:
        ms = self._last_ms = self._time()
        file = self.files.get(stream)
        marked = data + mark
        parts: tuple[bytes | memoryview, ...] = (data,)
        if file and self.settings.timestamps:
            head = stamp(ms)
            text = marked.replace(b"\n", b"\n" + head)  # its growth is the cheapest way to the number of lines
            lines = (len(text) - len(marked)) // len(head)
            parts = (head, memoryview(text)[: -len(head)])
        else:
            lines = count_lines(marked)
        first = self.ring.append(stream, run, ms, marked, lines)
        self.bytes_written += len(data)
        if file:
            self._write(file, stream, LineBatch(first, lines, len(data), parts))
        if self.echo:
            self.echo(self.process_id, stream, ms, marked, lines)

    def _time(self) -> int:
        """Now, but never before the present run began."""
        ms = now_ms()
        return self._last_ms if 0 < self._last_ms - ms < _MAX_CLOCK_SLIP else ms

    def _write(self, file: LogFile, stream: Stream, piece: LineBatch) -> None:
        self._order.record(stream, piece.first)
        if self._unsaved:
            self._writer.call(partial(RunIndex(self._run_path).add, self._unsaved))
            self._unsaved = None
        self._writer.write(file, piece)


def _close_files(found: Future[list[StreamFiles]]) -> None:
    if not found.cancelled():
        for stream in found.result():
            stream.close()


def count_lines(data: bytes) -> int:
    """As `data.count`, in a third of the time where lines are not short: `replace` leaps from one to the next."""
    if data.find(b"\n", 0, 32) >= 0 or len(data) < 1024:
        return data.count(b"\n")
    return len(data) - len(data.replace(b"\n", b""))
