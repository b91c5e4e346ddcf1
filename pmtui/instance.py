"""One manager per config: the lock in the data folder, what others find it by, and what a dead one has left."""

import asyncio
import contextlib
import fcntl
import json
import os
import stat
from pathlib import Path
from typing import Any

import msgspec

from pmtui import __version__
from pmtui.identity import boot_id, identity_of, read
from pmtui.spawner.boot import FIRST_BASE
from pmtui.spawner.client import Spawner, end_marked

PATIENCE = 10.0
"""Seconds for which the guardian of a manager that died may go on ending what is left."""


class AlreadyRunningError(Exception):
    """Another manager runs for this config; `pid` is its."""

    def __init__(self, pid: int, url: str) -> None:
        self.pid, self.url = pid, url
        super().__init__(f"a manager runs for this config already: pid {pid}" + (f", {url}" if url else ""))


class FolderError(Exception):
    """The data folder cannot be used; the message says why."""


class Instance(msgspec.Struct, frozen=True):
    """What a running manager holds: the data folder, and the lock on it."""

    folder: Path
    lock: int

    def publish(self, config: Path | None, url: str | None) -> None:
        """Writes instance.json, by which clients find the manager."""
        facts = identity_of(os.getpid()) | {"url": url, "version": __version__, "config": config and str(config)}
        write(self.folder / "instance.json", facts)

    def release(self) -> None:
        """Nothing is left alive: the folder is free for the next manager."""
        for name in ("instance.json", "state.json"):
            with contextlib.suppress(OSError):  # the folder itself may be gone
                (self.folder / name).unlink()
        os.close(self.lock)


async def acquire(folder: Path, spawner: Spawner) -> Instance:
    """Takes the lock, ends what an earlier manager may have left alive, and notes how to find what this one starts.

    The guardian holds the lock too, so it lasts until nothing of a manager that died is alive any more.
    Raises AlreadyRunningError, and FolderError where the folder cannot be used.
    """
    lock = open_lock(folder)
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while not take(lock):
        holder = read(folder / "lock")
        if holder and holder == identity_of(pid := holder.get("pid", 0)):
            os.close(lock)
            raise AlreadyRunningError(pid, read(folder / "instance.json").get("url") or "")
        if asyncio.get_running_loop().time() > deadline:
            await clear(folder)
            if asyncio.get_running_loop().time() > deadline + PATIENCE:
                os.close(lock)
                raise FolderError(f"{folder / 'lock'} is locked by a program that is not a manager; end it first")
        await asyncio.sleep(0.02)
    await clear(folder)
    try:
        os.truncate(lock, 0)
        os.pwrite(lock, json.dumps(identity_of(os.getpid())).encode(), 0)
        write(folder / "state.json", {"boot": boot_id(), "marks": spawner.base, "guardian": spawner.guardian_pid})
    except OSError as error:
        os.close(lock)
        raise FolderError(f"the data folder {folder} cannot be written to: {error.strerror}") from None
    spawner.hold(lock)
    return Instance(folder, lock)


def open_lock(folder: Path) -> int:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise FolderError(f"the data folder {folder} cannot be used: {error.strerror} ({error.filename})") from None
    if not stat.S_ISREG(os.fstat(lock).st_mode):
        os.close(lock)
        raise FolderError(f"{folder / 'lock'} is not a file")
    return lock


def take(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def clear(folder: Path) -> None:
    """Ends what the manager of state.json has left alive, its guardian included."""
    state = read(folder / "state.json")
    marks = state.get("marks")
    if state.get("boot") == boot_id() and isinstance(marks, int) and marks >= FIRST_BASE:
        await end_marked(marks)


def write(path: Path, facts: dict[str, Any]) -> None:
    """Replaces the file as a whole: who reads it sees the old or the new one."""
    fresh = path.with_suffix(".new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w") as file:
        json.dump(facts, file)
    fresh.replace(path)
