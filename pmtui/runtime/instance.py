"""One manager per config: the lock in its data directory, the files clients find it by, and leftovers of a dead one."""

import asyncio
import contextlib
import fcntl
import json
import logging
import os
import stat
from pathlib import Path

from pmtui.runtime import registry
from pmtui.runtime.files import read_json, write_atomic
from pmtui.spawner.cleanup import kill_marked
from pmtui.spawner.client import Spawner
from pmtui.spawner.launcher import MIN_MARK_BASE
from pmtui.spawner.procfs import boot_id, process_identity
from pmtui.text.timestamps import now_ms, rfc3339
from pmtui.version import __version__

logger = logging.getLogger(__name__)
LOCK_TIMEOUT = 10.0
"""Seconds the guardian of a dead manager may take to end what is left."""
CHECK_INTERVAL = 2.0
"""Seconds between two checks that the data directory still exists."""
RUNTIME_FILES = ("instance.json", "state.json")
"""Files that exist only while the manager runs."""


class AlreadyRunningError(Exception):
    def __init__(self, pid: int, url: str) -> None:
        self.pid, self.url = pid, url
        super().__init__(f"a manager already runs for this config: pid {pid}" + (f", {url}" if url else ""))


class DataDirectoryError(Exception):
    """The data directory cannot be used; the message says why."""


class Instance:
    """Holds the lock on the data directory for as long as the manager runs."""

    def __init__(self, directory: Path, lock: int, spawner: Spawner) -> None:
        self.directory = directory
        self._lock = lock
        self._spawner = spawner
        self._files: dict[str, bytes] = {}
        self._facts: dict[str, object] = {}
        self._watch: asyncio.Task[None] | None = None
        self._remember_files()

    def publish(self, config: Path | None, url: str | None, bound_to: int | None = None) -> None:
        """Write instance.json, by which clients find the manager, and its entry for `pmtui ps`."""
        facts = process_identity(os.getpid()) | {"url": url, "version": __version__, "config": config and str(config)}
        self._facts = facts | ({"boundTo": bound_to} if bound_to else {})
        write_atomic(self.directory / "instance.json", json.dumps(self._facts))
        registry.register(facts | {"startTime": rfc3339(now_ms())})
        self._remember_files()

    def mark_stopping(self) -> None:
        """Say in instance.json that the manager is stopping: one more signal would kill the processes."""
        with contextlib.suppress(OSError):
            write_atomic(self.directory / "instance.json", json.dumps(self._facts | {"stopping": True}))

    def watch(self) -> None:
        """Recreate the directory whenever it is removed. Why: a second manager could start without it."""
        self._watch = asyncio.create_task(self._watch_directory())

    def release(self) -> None:
        """Free the directory for the next manager. To be called once every process has ended."""
        if self._watch:
            self._watch.cancel()
        registry.unregister()
        if self._is_ours():
            for name in RUNTIME_FILES:
                with contextlib.suppress(OSError):  # the directory itself may be gone
                    (self.directory / name).unlink()
        os.close(self._lock)

    def _remember_files(self) -> None:
        for path in (self.directory / name for name in ("token", *RUNTIME_FILES)):
            with contextlib.suppress(OSError):
                if path.is_file():  # opening a FIFO would block
                    self._files[path.name] = path.read_bytes()

    async def _watch_directory(self) -> None:
        logged = ""
        while True:
            await asyncio.sleep(CHECK_INTERVAL)
            # Why a thread: the disk may hang.
            if not await asyncio.to_thread(self._is_ours) and (message := self._recreate()) != logged:
                logger.warning("%s", message)
                logged = message

    def _is_ours(self) -> bool:
        """Whether the lock file that others see is the one held."""
        try:
            return os.path.samestat(os.lstat(self.directory / "lock"), os.fstat(self._lock))
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:  # no client can see it at the moment
            return True

    def _recreate(self) -> str:
        """Create the directory with its files again; return the message to log."""
        try:
            lock = open_lock(self.directory)
        except DataDirectoryError as error:
            return f"{error}; clients cannot find this manager"
        if not try_lock(lock):
            os.close(lock)
            other = read_json(self.directory / "lock").get("pid")
            return f"{self.directory} was removed, and another manager (pid {other}) uses it now; stop one of them"
        try:
            write_owner(lock)
            for name, content in self._files.items():
                write_atomic(self.directory / name, content)
            self._spawner.hold_fd(lock)
        except OSError as error:
            os.close(lock)
            return f"{self.directory} was removed and cannot be created again: {error.strerror}"
        os.close(self._lock)
        self._lock = lock
        return f"{self.directory} was removed, and has been created again"


async def acquire(directory: Path, spawner: Spawner) -> Instance:
    """Take the lock, kill what an earlier manager may have left alive, and record how to find what this one starts.

    The guardian holds the lock too, so it lasts until nothing of a dead manager is alive any more.
    Raises AlreadyRunningError, or DataDirectoryError if the directory cannot be used.
    """
    lock = open_lock(directory)
    deadline = asyncio.get_running_loop().time() + LOCK_TIMEOUT
    while not try_lock(lock):
        holder = read_json(directory / "lock")
        if holder and holder == process_identity(pid := holder.get("pid", 0)):
            os.close(lock)
            raise AlreadyRunningError(pid, read_json(directory / "instance.json").get("url") or "")
        if asyncio.get_running_loop().time() > deadline:
            await kill_leftovers(directory)
            if asyncio.get_running_loop().time() > deadline + LOCK_TIMEOUT:
                os.close(lock)
                raise DataDirectoryError(f"{directory / 'lock'} is locked by another program; end it first")
        await asyncio.sleep(0.02)
    await kill_leftovers(directory)
    try:
        write_owner(lock)
        state = {"boot": boot_id(), "marks": spawner.base, "guardian": spawner.guardian_pid}
        write_atomic(directory / "state.json", json.dumps(state))
    except OSError as error:
        os.close(lock)
        raise DataDirectoryError(f"cannot write to the data directory {directory}: {error.strerror}") from None
    spawner.hold_fd(lock)
    return Instance(directory, lock, spawner)


def open_lock(directory: Path) -> int:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DataDirectoryError(
            f"cannot use the data directory {directory}: {error.strerror} ({error.filename})"
        ) from None
    if not stat.S_ISREG(os.fstat(lock).st_mode):
        os.close(lock)
        raise DataDirectoryError(f"{directory / 'lock'} is not a file")
    return lock


def write_owner(lock: int) -> None:
    os.truncate(lock, 0)
    os.pwrite(lock, json.dumps(process_identity(os.getpid())).encode(), 0)


def try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def kill_leftovers(directory: Path) -> None:
    """Kill what the manager of state.json has left alive, including its guardian."""
    state = read_json(directory / "state.json")
    marks = state.get("marks")
    if state.get("boot") == boot_id() and isinstance(marks, int) and marks >= MIN_MARK_BASE:
        await kill_marked(marks)
