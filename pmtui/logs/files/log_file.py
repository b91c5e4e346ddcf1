"""One stream's log file and its archives. Only the writer's thread touches them.

Bytes stay as they were written; `log.timestamps` puts `2026-11-20T17:00:00.123Z ` before each line. A file that would
pass `log.maxSize` (0: no limit) is first renamed to `{id}-stdout-20261120-170000.log` (UTC). Of archives made within
one second only the newest has that plain name, those before it have `-001`, `-002` … added: so names sort by age.
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
"""Seconds until writing is tried again after an error."""
MAX_GROUP_CHUNKS = 256  # in one writev, of two buffers each; the system's limit is 1024 buffers
MAX_GROUP_BYTES = 1 << 20
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MAX_GAPS = 100


class LineBatch(NamedTuple):
    """Whole lines on their way to a file: number of the first one in its process, how many lines, how many bytes as
    they were read. `parts` is what to write."""

    first: int
    lines: int
    size: int
    parts: tuple[bytes | memoryview, ...]


class Gap(NamedTuple):
    """A marker line stands before the line number `before` for `lines` lines that could not be written."""

    before: int
    lines: int


class OpenFile(NamedTuple):
    """A log file to read at one moment: what lies behind `size` came later. `mtime_ms` is when it was last written."""

    fd: int
    size: int
    mtime_ms: int


class LogFile:
    """Appends, rotates, opens again what was removed, and counts what could not be written.

    `error` is why writing fails at present; `dropped` the bytes lost so; `last` the number of the newest line on disk.
    """

    def __init__(self, folder: Path, name: str, settings: LogSettings) -> None:
        self.path = folder / f"{name}.log"
        self.settings = settings
        self.dropped = 0
        self.error: OSError | None = None
        self.last = 0
        self.gaps: list[Gap] = []
        self._name = name
        self._fd = -1
        self._size = 0
        self._identity = (0, 0)
        self._retry_at = 0.0
        self._lost_lines = 0
        self._lost_bytes = 0

    def write(self, batch: Sequence[LineBatch]) -> None:
        """Writes what it can. What it cannot is counted, and told in the file as soon as that can be written again."""
        if time.monotonic() >= self._retry_at:
            try:
                self._ensure_open()
                self._write_loss_marker(batch[0].first)
                for group in groups(batch):
                    self._write_group(group)
                self.error = None
                return
            except OSError as error:
                self._fail(error)
        for piece in batch:
            if (left := min(piece.first + piece.lines - 1 - self.last, piece.lines)) > 0:
                self.record_loss(left, piece.size * left // piece.lines)

    def record_loss(self, count: int, size: int) -> None:
        """Counts lines and bytes that are not going to be written."""
        self._lost_lines += count
        self._lost_bytes += size
        self.dropped += size

    @cached_property
    def _archive(self) -> re.Pattern[str]:
        """Made when it is first needed: hundreds of processes start, and few rotate."""
        return re.compile(re.escape(self._name) + r"-(\d{8}-\d{6})(?:-(\d{3,}))?\.log")

    def archives(self) -> list[Path]:
        """What was rotated away, oldest first."""
        try:
            names = os.listdir(self.path.parent)
        except OSError:
            return []
        found = [match for name in names if (match := self._archive.fullmatch(name))]
        found.sort(key=lambda match: (match[1], int(match[2] or 1 << 60)))
        return [self.path.parent / match[0] for match in found]

    def open_files(self) -> list[OpenFile]:
        """The file and its archives, newest first, for a reader that has to close them."""
        files = []
        for path in [self.path, *reversed(self.archives())]:
            try:
                fd = os.open(path, _READ)
            except OSError:
                continue
            there = os.fstat(fd)
            if stat.S_ISREG(there.st_mode):
                files.append(OpenFile(fd, there.st_size, there.st_mtime_ns // 1_000_000))
            else:
                os.close(fd)
        return files

    def clear(self) -> None:
        """Removes the file and its archives."""
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
        """Tells a loss that no further line gave an occasion to tell."""
        try:
            if self._lost_lines:
                self._ensure_open()
                self._write_loss_marker(self.last + 1)
        except OSError:
            pass  # the warning says it
        finally:
            self.close()

    def _fail(self, error: OSError) -> None:
        self.error = error
        self._retry_at = time.monotonic() + RETRY_DELAY
        self.close()

    def _ensure_open(self) -> None:
        """The file is open, and it is the one that has its name in the folder."""
        if self._fd >= 0:
            try:
                there = os.stat(self.path, follow_symlinks=False)
            except FileNotFoundError:
                pass
            else:
                if (there.st_dev, there.st_ino) == self._identity:
                    self._size = there.st_size
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
        there = os.fstat(self._fd)
        if not stat.S_ISREG(there.st_mode):
            raise not_regular(self.path)
        self._size = there.st_size
        self._identity = (there.st_dev, there.st_ino)
        if self._size and os.pread(self._fd, 1, self._size - 1) != b"\n":
            self._put([b"\n"], 1)  # a line that was cut short by the manager's own end

    def _write_loss_marker(self, before: int) -> None:
        if not self._lost_lines:
            return
        why = self.error.strerror if self.error else "the disk did not move"
        text = f"[pmtui] {self._lost_lines} lines ({self._lost_bytes} bytes) are missing here: {why}\n".encode()
        if self.settings.timestamps:
            text = stamp(now_ms()) + text
        self._put([text], len(text))
        self.gaps = [*self.gaps[1 - _MAX_GAPS :], Gap(before, self._lost_lines)]
        self._lost_lines = self._lost_bytes = 0

    def _write_group(self, group: Sequence[LineBatch]) -> None:
        parts = [part for piece in group for part in piece.parts]
        size = sum(map(len, parts))
        if 0 < self.settings.max_size < self._size + size:
            for piece in group:
                self._write_rotating(piece)
            return
        try:
            self._put(parts, size)
        except OSError:
            if len(group) == 1:
                raise
            for piece in group:  # a disk that is nearly full takes some of it
                self._write_group([piece])
        self.last = group[-1].first + group[-1].lines - 1

    def _write_rotating(self, piece: LineBatch) -> None:
        """Fills the file up with whole lines, and goes on in a new one."""
        data = b"".join(piece.parts)
        self.last = piece.first - 1
        begin = 0
        for end in self._write_ends(data):
            self._put([data[begin:end]], end - begin)
            self.last += data.count(b"\n", begin, end)
            begin = end
        self.last = piece.first + piece.lines - 1

    def _write_ends(self, data: bytes) -> Iterator[int]:
        """Where to end each write, with a rotation between two. A line longer than a file gets one for itself."""
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
        """Appends all of it or nothing."""
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


def groups(batch: Sequence[LineBatch]) -> Iterator[Sequence[LineBatch]]:
    """Parts of the batch that one call can write."""
    begin = size = 0
    for end, piece in enumerate(batch):
        if end - begin == MAX_GROUP_CHUNKS or size > MAX_GROUP_BYTES:
            yield batch[begin:end]
            begin, size = end, 0
        size += piece.size
    yield batch[begin:]


def make_directory(folder: Path) -> None:
    """The folder and those above it, for the owner alone."""
    if not folder.parent.exists():
        make_directory(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)


def not_regular(path: Path) -> OSError:
    return OSError(errno.EINVAL, "is not a regular file, remove it", str(path))
