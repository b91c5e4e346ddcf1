"""One manager per config: the lock in the data folder, what others find it by, and what a dead one has left."""

import asyncio
import contextlib
import fcntl
import json
import logging
import os
import stat
from pathlib import Path

from pmtui.runtime.files import read_json, write_atomic
from pmtui.spawner.cleanup import kill_marked
from pmtui.spawner.client import Spawner
from pmtui.spawner.launcher import MIN_MARK_BASE
from pmtui.spawner.procfs import boot_id, process_identity
from pmtui.version import __version__

logger = logging.getLogger(__name__)
LOCK_TIMEOUT = 10.0
"""Seconds for which the guardian of a manager that died may go on ending what is left."""
CHECK_INTERVAL = 2.0
"""Seconds between two looks whether the data folder is still there, in a thread: a disk may hang."""
RUNTIME_FILES = ("instance.json", "state.json")
"""The files that are there while the manager is."""


class AlreadyRunningError(Exception):
    """Another manager runs for this config; `pid` is its."""

    def __init__(self, pid: int, url: str) -> None:
        self.pid, self.url = pid, url
        super().__init__(f"a manager runs for this config already: pid {pid}" + (f", {url}" if url else ""))


class DataDirectoryError(Exception):
    """The data folder cannot be used; the message says why."""


class Instance:
    """What a running manager holds: the data folder, and the lock on it."""

    def __init__(self, folder: Path, lock: int, spawner: Spawner) -> None:
        self.directory = folder
        self._lock = lock
        self._spawner = spawner
        self._files: dict[str, bytes] = {}
        self._watch: asyncio.Task[None] | None = None
        self._remember_files()

    def publish(self, config: Path | None, url: str | None) -> None:
        """Writes instance.json, by which clients find the manager."""
        facts = process_identity(os.getpid()) | {"url": url, "version": __version__, "config": config and str(config)}
        write_atomic(self.directory / "instance.json", json.dumps(facts))
        self._remember_files()

    def watch(self) -> None:
        """From now on the folder is made again should somebody remove it: else a second manager could start."""
        self._watch = asyncio.create_task(self._watch_directory())

    def release(self) -> None:
        """Nothing is left alive: the folder is free for the next manager."""
        if self._watch:
            self._watch.cancel()
        if self._is_ours():
            for name in RUNTIME_FILES:
                with contextlib.suppress(OSError):  # the folder itself may be gone
                    (self.directory / name).unlink()
        os.close(self._lock)

    def _remember_files(self) -> None:
        """Remembers what is in the folder, to be able to make it again."""
        for path in (self.directory / name for name in ("token", *RUNTIME_FILES)):
            with contextlib.suppress(OSError):
                if path.is_file():  # opening a FIFO would never end
                    self._files[path.name] = path.read_bytes()

    async def _watch_directory(self) -> None:
        told = ""
        while True:
            await asyncio.sleep(CHECK_INTERVAL)
            if not await asyncio.to_thread(self._is_ours) and (news := self._recreate()) != told:
                logger.warning("%s", news)
                told = news

    def _is_ours(self) -> bool:
        """Whether the lock that others see is the one that is held."""
        try:
            return os.path.samestat(os.lstat(self.directory / "lock"), os.fstat(self._lock))
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:  # nobody sees any at the moment
            return True

    def _recreate(self) -> str:
        """Takes the folder anew, with the files that it had; what is to be told of it."""
        try:
            lock = open_lock(self.directory)
        except DataDirectoryError as error:
            return f"{error}: others cannot find this manager"
        if not try_lock(lock):
            os.close(lock)
            other = read_json(self.directory / "lock").get("pid")
            return (
                f"the data folder {self.directory} was removed, and another manager (pid {other}) has it now: end one"
            )
        try:
            write_owner(lock)
            for name, content in self._files.items():
                write_atomic(self.directory / name, content)
            self._spawner.hold_fd(lock)
        except OSError as error:
            os.close(lock)
            return f"the data folder {self.directory} was removed and cannot be made again: {error.strerror}"
        os.close(self._lock)
        self._lock = lock
        return f"the data folder {self.directory} was removed: it is made again"


async def acquire(folder: Path, spawner: Spawner) -> Instance:
    """Takes the lock, ends what an earlier manager may have left alive, and notes how to find what this one starts.

    The guardian holds the lock too, so it lasts until nothing of a manager that died is alive any more.
    Raises AlreadyRunningError, and FolderError where the folder cannot be used.
    """
    lock = open_lock(folder)
    deadline = asyncio.get_running_loop().time() + LOCK_TIMEOUT
    while not try_lock(lock):
        holder = read_json(folder / "lock")
        if holder and holder == process_identity(pid := holder.get("pid", 0)):
            os.close(lock)
            raise AlreadyRunningError(pid, read_json(folder / "instance.json").get("url") or "")
        if asyncio.get_running_loop().time() > deadline:
            await kill_leftovers(folder)
            if asyncio.get_running_loop().time() > deadline + LOCK_TIMEOUT:
                os.close(lock)
                raise DataDirectoryError(
                    f"{folder / 'lock'} is locked by a program that is not a manager; end it first"
                )
        await asyncio.sleep(0.02)
    await kill_leftovers(folder)
    try:
        write_owner(lock)
        state = {"boot": boot_id(), "marks": spawner.base, "guardian": spawner.guardian_pid}
        write_atomic(folder / "state.json", json.dumps(state))
    except OSError as error:
        os.close(lock)
        raise DataDirectoryError(f"the data folder {folder} cannot be written to: {error.strerror}") from None
    spawner.hold_fd(lock)
    return Instance(folder, lock, spawner)


def open_lock(folder: Path) -> int:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DataDirectoryError(
            f"the data folder {folder} cannot be used: {error.strerror} ({error.filename})"
        ) from None
    if not stat.S_ISREG(os.fstat(lock).st_mode):
        os.close(lock)
        raise DataDirectoryError(f"{folder / 'lock'} is not a file")
    return lock


def write_owner(lock: int) -> None:
    """Writes into the lock whose it is."""
    os.truncate(lock, 0)
    os.pwrite(lock, json.dumps(process_identity(os.getpid())).encode(), 0)


def try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def kill_leftovers(folder: Path) -> None:
    """Ends what the manager of state.json has left alive, its guardian included."""
    state = read_json(folder / "state.json")
    marks = state.get("marks")
    if state.get("boot") == boot_id() and isinstance(marks, int) and marks >= MIN_MARK_BASE:
        await kill_marked(marks)
