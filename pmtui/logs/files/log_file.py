"""One stream's log file and its archives, written only by the writer's thread.

Output is written unchanged; with `log.timestamps`, `2026-11-20T17:00:00.123Z ` precedes each line. A file that would
exceed `log.maxSize` (0: no limit) is renamed first, to `{id}-stdout-20261120-170000.log` (UTC). Of several archives of
one second only the newest has this name; the others end in `-001`, `-002` and so on.
"""

import errno
import os
import re
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from pmtui.config.model import LogSettings
from pmtui.text.timestamps import now_ms, stamp

RETRY_DELAY = 5.0
"""Seconds before writing is tried again after an error."""
MAX_GROUP_CHUNKS = 256  # in one writev, of two buffers each; the system's limit is 1024 buffers
MAX_GROUP_BYTES = 1 << 20
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MAX_GAPS = 100


class LineBatch(NamedTuple):
    """Whole lines for a file: number of the first one, bytes as they were read, and what to write."""

    first: int
    lines: int
    size: int
    parts: tuple[bytes | memoryview, ...]


class Gap(NamedTuple):
    """`lines` lines could not be written; a marker line replaces them, before line number `before`."""

    before: int
    lines: int


class OpenFile(NamedTuple):
    """A log file opened for reading, up to `size`; `mtime_ms` is when it was last written."""

    fd: int
    size: int
    mtime_ms: int


class LogFile:
    """Appends lines, rotates, recreates what was removed, and counts what could not be written.

    `error` is why writing fails at present, `failing_since` since when (milliseconds since 1970), `dropped` counts the
    bytes lost, `last` is the newest line on disk.
    """

    def __init__(self, directory: Path, name: str, settings: LogSettings) -> None:
        self.path = directory / f"{name}.log"
        self.settings = settings
        self.dropped = 0
        self.error: OSError | None = None
        self.failing_since = 0
        self.last = 0
        self.gaps: list[Gap] = []
        self._name = name
        self._fd = -1
        self._size = 0
        self._identity = (0, 0)
        self._retry_at = 0.0
        self._lost_lines = 0
        self._lost_bytes = 0

    def write(self, batches: Sequence[LineBatch]) -> None:
        """Write the lines, or count them as lost, which is noted in the file as soon as it can be written again."""
        if time.monotonic() >= self._retry_at:
            try:
                self._ensure_open()
                self._write_loss_marker(batches[0].first)
                for group in groups(batches):
                    self._write_group(group)
                self.error = None
                return
            except OSError as error:
                self._fail(error)
        for batch in batches:
            if (left := min(batch.first + batch.lines - 1 - self.last, batch.lines)) > 0:
                self.record_loss(left, batch.size * left // batch.lines)

    def retry(self) -> None:
        """Try again to write to a file that failed, even if there are no new lines."""
        if self.error is None or time.monotonic() < self._retry_at:
            return
        try:
            self._ensure_open()
            self._write_loss_marker(self.last + 1)
            self.error = None
        except OSError as error:
            self._fail(error)

    @property
    def missing(self) -> tuple[int, int]:
        """Lines and bytes that are missing since the file failed."""
        return self._lost_lines, self._lost_bytes

    def record_loss(self, count: int, size: int) -> None:
        self._lost_lines += count
        self._lost_bytes += size
        self.dropped += size

    @cached_property  # most processes never rotate
    def _archive(self) -> re.Pattern[str]:
        return re.compile(re.escape(self._name) + r"-(\d{8}-\d{6})(?:-(\d{3,}))?\.log")

    def archives(self) -> list[Path]:
        """Return the rotated files, oldest first."""
        try:
            names = os.listdir(self.path.parent)
        except OSError:
            return []
        found = [match for name in names if (match := self._archive.fullmatch(name))]
        found.sort(key=lambda match: (match[1], int(match[2] or 1 << 60)))
        return [self.path.parent / match[0] for match in found]

    def open_files(self) -> list[OpenFile]:
        """Open the file and its archives for reading, newest first. The caller closes them."""
        files = []
        for path in [self.path, *reversed(self.archives())]:
            try:
                fd = os.open(path, _READ)
            except OSError:
                continue
            status = os.fstat(fd)
            if stat.S_ISREG(status.st_mode):
                files.append(OpenFile(fd, status.st_size, status.st_mtime_ns // 1_000_000))
            else:
                os.close(fd)
        return files

    def clear(self) -> None:
        self.close()
        for path in [*self.archives(), self.path]:
            with suppress(OSError):
                path.unlink()
        self.gaps = []

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def finish(self) -> None:
        """Note a loss that no later line has noted, and close the file."""
        try:
            if self._lost_lines:
                self._ensure_open()
                self._write_loss_marker(self.last + 1)
        except OSError:
            pass  # the writer has logged it
        finally:
            self.close()

    def _fail(self, error: OSError) -> None:
        if self.error is None:
            self.failing_since = now_ms()
        self.error = error
        self._retry_at = time.monotonic() + RETRY_DELAY
        self.close()

    def _ensure_open(self) -> None:
        """Open the file unless it is open and still the one at this path."""
        if self._fd >= 0:
            try:
                status = os.stat(self.path, follow_symlinks=False)
            except FileNotFoundError:
                pass
            else:
                if (status.st_dev, status.st_ino) == self._identity:
                    self._size = status.st_size
                    return
        self._open()

    def _open(self) -> None:
        self.close()
        try:
            self._fd = os.open(self.path, _FLAGS, 0o600)
        except FileNotFoundError:
            make_directory(self.path.parent)
            self._fd = os.open(self.path, _FLAGS, 0o600)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENXIO, errno.EISDIR):
                raise not_regular(self.path) from error
            raise
        status = os.fstat(self._fd)
        if not stat.S_ISREG(status.st_mode):
            raise not_regular(self.path)
        self._size = status.st_size
        self._identity = (status.st_dev, status.st_ino)
        if self._size and os.pread(self._fd, 1, self._size - 1) != b"\n":
            self._put([b"\n"], 1)  # the manager died in the middle of a line

    def _write_loss_marker(self, before: int) -> None:
        if not self._lost_lines:
            return
        reason = self.error.strerror if self.error else "the disk stalled"
        text = f"[pmtui] {self._lost_lines} lines ({self._lost_bytes} bytes) are missing here: {reason}\n".encode()
        if self.settings.timestamps:
            text = stamp(now_ms()) + text
        self._put([text], len(text))
        self.gaps = [*self.gaps[1 - _MAX_GAPS :], Gap(before, self._lost_lines)]
        self._lost_lines = self._lost_bytes = 0

    def _write_group(self, group: Sequence[LineBatch]) -> None:
        parts = [part for batch in group for part in batch.parts]
        size = sum(map(len, parts))
        if 0 < self.settings.max_size < self._size + size:
            for batch in group:
                self._write_rotating(batch)
            return
        try:
            self._put(parts, size)
        except OSError:
            if len(group) == 1:
                raise
            for batch in group:  # a disk that is nearly full takes some of them
                self._write_group([batch])
        self.last = group[-1].first + group[-1].lines - 1

    def _write_rotating(self, batch: LineBatch) -> None:
        """Fill the file with whole lines, and continue in a new one."""
        data = b"".join(batch.parts)
        self.last = batch.first - 1
        begin = 0
        for end in self._write_ends(data):
            self._put([data[begin:end]], end - begin)
            self.last += data.count(b"\n", begin, end)
            begin = end
        self.last = batch.first + batch.lines - 1

    def _write_ends(self, data: bytes) -> Iterator[int]:
        """Yield the end of each write, rotating in between. A line longer than a file gets one for itself."""
        begin = 0
        while begin < len(data):
            end = len(data)
            if end - begin > (room := self.settings.max_size - self._size):
                end = data.rfind(b"\n", begin, begin + max(room, 0)) + 1
                if not end and self._size:
                    self._rotate()
                    continue
                end = end or data.find(b"\n", begin) + 1 or len(data)
            yield end
            begin = end

    def _put(self, parts: Sequence[bytes | memoryview], size: int) -> None:
        """Append everything or nothing."""
        try:
            done = os.writev(self._fd, parts)
            if done < size:
                rest = memoryview(b"".join(parts))
                while done < size:
                    done += os.write(self._fd, rest[done:])
        except OSError:
            os.ftruncate(self._fd, self._size)
            raise
        self._size += size

    def _rotate(self) -> None:
        names = [match for path in self.archives() if (match := self._archive.fullmatch(path.name))]
        second = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
        if names:
            second = max(second, names[-1][1])  # the clock may have been set back
        if same := [match for match in names if match[1] == second]:
            counter = max(int(match[2] or 0) for match in same) + 1
            os.rename(self._archived(second), self._archived(f"{second}-{counter:03}"))
        os.rename(self.path, self._archived(second))
        self._open()
        for path in self.archives()[: -self.settings.keep or None]:
            path.unlink(missing_ok=True)

    def _archived(self, when: str) -> Path:
        return self.path.with_name(f"{self._name}-{when}.log")


def groups(batches: Sequence[LineBatch]) -> Iterator[Sequence[LineBatch]]:
    """Split the batches into groups that one system call can write."""
    begin = size = 0
    for end, batch in enumerate(batches):
        if end - begin == MAX_GROUP_CHUNKS or size > MAX_GROUP_BYTES:
            yield batches[begin:end]
            begin, size = end, 0
        size += batch.size
    yield batches[begin:]


def make_directory(path: Path) -> None:
    """Create the directory and its parents, accessible only to the owner."""
    if not path.parent.exists():
        make_directory(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)


def not_regular(path: Path) -> OSError:
    return OSError(errno.EINVAL, "is not a regular file; remove it", str(path))
