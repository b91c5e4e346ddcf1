"""Open, check, measure and set aside the SQLite file."""

import logging
import os
import sqlite3
import stat
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from pmtui.history.errors import DamagedError, HistoryError

VERSION = 1
PAGE_BYTES = 4096
BUSY_TIMEOUT = 1.0
"""Seconds to wait if another program has locked the file."""
CACHE_KIB = 256
_SIDE_FILES = ("-wal", "-shm")
_DAMAGED = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
"""SQLITE_ERROR means a missing table or column: a database, but not ours."""
_SCHEMA = """
CREATE TABLE processes (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, seen INTEGER NOT NULL);
CREATE TABLE ticks (slot INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE samples (key INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE minutes (key INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE events (
    number INTEGER PRIMARY KEY, process INTEGER NOT NULL, time INTEGER NOT NULL, seq INTEGER NOT NULL,
    before TEXT NOT NULL, after TEXT NOT NULL, reason TEXT NOT NULL,
    ends_run INTEGER NOT NULL, exit_code INTEGER, signal TEXT, last_words TEXT
);
CREATE UNIQUE INDEX events_by_process ON events (process, time, seq);
"""
_CHECKS = (
    "SELECT number, id, seen FROM processes LIMIT 0",
    "SELECT slot, data FROM ticks LIMIT 0",
    "SELECT key, data FROM samples LIMIT 0",
    "SELECT key, data FROM minutes LIMIT 0",
    "SELECT process, time, seq, before, after, reason, ends_run, exit_code, signal, last_words FROM events LIMIT 0",
)
logger = logging.getLogger(__name__)


class Budget(NamedTuple):
    """How `max_size` is divided between the file and its write-ahead log, in pages."""

    pages: int
    wal_pages: int

    @classmethod
    def of(cls, max_size: int) -> "Budget":
        total = max_size // PAGE_BYTES
        reserve = min(total // 4, 1024)
        return cls(total - reserve, max(8, reserve // 4))


class Database:
    """An open connection. Raises DamagedError or HistoryError if the file cannot be opened."""

    def __init__(self, path: Path, max_size: int) -> None:
        self.path = path
        self._max_size = max_size
        self.budget = Budget.of(max_size)
        require_regular(path)
        make_private(path)
        try:
            self.connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise explained(error, path) from error
        try:
            self._prepare()
            self._identities = identities(path)
        except sqlite3.Error as error:
            self.close()
            raise explained(error, path) from error
        except (DamagedError, OSError):
            self.close()
            raise

    def close(self) -> None:
        with suppress(sqlite3.Error):
            self.connection.close()

    def is_in_place(self) -> bool:
        """Whether the file and its write-ahead log have not been removed or replaced."""
        try:
            return identities(self.path) == self._identities
        except OSError:
            return False

    def used_pages(self) -> int:
        return self._number("page_count") - self._number("freelist_count")

    def require_room(self) -> None:
        """Raises HistoryError if the write-ahead log cannot be emptied because another program reads the file."""
        if file_bytes(self.path) <= self._max_size:
            return
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if file_bytes(self.path) > self._max_size and wal_bytes(self.path) > self.budget.wal_pages * PAGE_BYTES:
            raise HistoryError(f"{self.path}-wal only grows while another program reads the file; end that one")

    def give_back(self) -> None:
        """Shrink a file that is larger than it may be, a few pages at a time to keep the write-ahead log small."""
        while self._number("freelist_count") and self._number("page_count") > self.budget.pages:
            self.connection.execute(f"PRAGMA incremental_vacuum({self.budget.wal_pages})").fetchall()

    def _number(self, pragma: str) -> int:
        return int(self.connection.execute(f"PRAGMA {pragma}").fetchone()[0])

    def _prepare(self) -> None:
        execute = self.connection.execute
        execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        if is_new := not self._number("user_version") and not self._number("schema_version"):
            execute(f"PRAGMA page_size = {PAGE_BYTES}")
            execute("PRAGMA auto_vacuum = INCREMENTAL")
        else:
            self._check()  # before anything is changed: it may be another program's file
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = NORMAL")
        execute("PRAGMA temp_store = MEMORY")
        execute(f"PRAGMA wal_autocheckpoint = {self.budget.wal_pages}")
        execute(f"PRAGMA journal_size_limit = {self.budget.wal_pages * PAGE_BYTES}")
        if is_new:
            self.connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")

    def _check(self) -> None:
        if (version := self._number("user_version")) != VERSION:
            raise DamagedError(f"{self.path} has format {version}, not {VERSION}")
        for statement in _CHECKS:
            self.connection.execute(statement)
        if (verdict := self.connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise DamagedError(f"{self.path} is damaged: {verdict}")


def open_database(path: Path, max_size: int) -> Database:
    """Open the file; set aside a damaged one and create a new one. Raises HistoryError."""
    try:
        return Database(path, max_size)
    except DamagedError as error:
        set_aside(path, str(error))
        return Database(path, max_size)
    except OSError as error:
        raise HistoryError(f"{path} cannot be used: {error.strerror}") from error


def set_aside(path: Path, why: str) -> None:
    """Rename a damaged file, so that it can still be recovered by hand."""
    broken = path.with_name(f"{path.name}.broken")
    try:
        path.replace(broken)
        for suffix in _SIDE_FILES:
            with suppress(FileNotFoundError):
                Path(f"{path}{suffix}").replace(f"{broken}{suffix}")
    except OSError as error:
        raise HistoryError(f"{why}; it cannot be renamed to {broken.name}: {error.strerror}") from error
    logger.warning("%s; it is now %s, and a new history begins", why, broken.name)


def require_regular(path: Path) -> None:
    """Raises HistoryError if one of the files is a link, which is never followed, or not a regular file."""
    for suffix in ("", *_SIDE_FILES):
        try:
            mode = os.lstat(f"{path}{suffix}").st_mode
        except FileNotFoundError:
            continue
        except OSError as error:
            raise HistoryError(f"{path}{suffix} cannot be used: {error.strerror}") from error
        if not stat.S_ISREG(mode):
            kind = "a symbolic link" if stat.S_ISLNK(mode) else "not a file"
            raise HistoryError(f"{path}{suffix} is {kind}; remove it")


def make_private(path: Path) -> None:
    """Create the file, and its directory if that was removed; SQLite gives its other files the same mode."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise HistoryError(f"{path} cannot be written: {error.strerror}") from error


def identities(path: Path) -> list[tuple[int, int]]:
    """Return device and inode of the file and its write-ahead log."""
    return [(found.st_dev, found.st_ino) for found in (os.lstat(path), os.lstat(f"{path}-wal"))]


def file_bytes(path: Path) -> int:
    """Return the size of the file and its write-ahead log."""
    return path.stat().st_size + wal_bytes(path)


def wal_bytes(path: Path) -> int:
    try:
        return os.stat(f"{path}-wal").st_size
    except FileNotFoundError:
        return 0


def explained(error: sqlite3.Error, path: Path) -> HistoryError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in _DAMAGED:
        return DamagedError(f"{path} cannot be read: {error}")
    return HistoryError(f"{path} cannot be used: {error}")
