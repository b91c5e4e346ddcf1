"""Wait for real processes: poll with a deadline, never a bare sleep."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
DEADLINE = 120.0


def eventually(find: Callable[[], T], *, within: float = DEADLINE) -> T:
    """Return the first true value of `find`. Raises AssertionError on timeout."""
    deadline = time.monotonic() + within
    pause = pauses()
    while not (found := find()):
        assert time.monotonic() < deadline, f"not so within {within} s: {find}"
        time.sleep(next(pause))
    return found


async def eventually_async(find: Callable[[], T], *, within: float = DEADLINE) -> T:
    """The same, on the event loop."""

    async def found() -> T:
        return find()

    return await eventually_awaited(found, within=within)


async def eventually_awaited(find: Callable[[], Awaitable[T]], *, within: float = DEADLINE) -> T:
    """The same, for a coroutine function."""
    deadline = time.monotonic() + within
    pause = pauses()
    while not (found := await find()):
        assert time.monotonic() < deadline, f"not so within {within} s: {find}"
        await asyncio.sleep(next(pause))
    return found


def pauses() -> Iterator[float]:
    """Yield pauses from 5 to 50 ms. Why: constant polling slows the process down."""
    pause = 0.005
    while True:
        yield pause
        pause = min(pause * 1.1, 0.05)


def ends_with(log: Path, text: bytes) -> bool:
    """Whether the log ends so. A log that is being rotated is missing for a moment."""
    try:
        return log.read_bytes().endswith(text)
    except FileNotFoundError:
        return False


def pid_in(note: Path) -> int:
    """Wait until a process has written a pid to the file, and return it."""
    return int(eventually(lambda: note.exists() and note.read_text()))


def complete_lines(path: Path) -> list[str]:
    """Return the lines of a file that is being written; there are none before it exists."""
    try:
        return path.read_text().rpartition("\n")[0].splitlines()
    except FileNotFoundError:
        return []


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    return state_of(pid) not in "ZX"


def is_stopped(pid: int) -> bool:
    """Whether the process is stopped by a signal."""
    return state_of(pid) == "T"


def state_of(pid: int) -> str:
    """Return the kernel's letter for the state, "X" if there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return "X"
    return stat.rpartition(")")[2].split()[0]


def open_links(pid: int | str = "self") -> list[str]:
    """Return what the open descriptors of a process lead to; those closed during the call are left out. Threads
    open and close files at any time, so filter by kind instead of counting all of them."""
    return [target for entry in os.listdir(f"/proc/{pid}/fd") if (target := link_target(f"/proc/{pid}/fd/{entry}"))]


def watched_folders(pid: int) -> set[int]:
    """Return the inodes that this process watches."""
    found = set[int]()
    for descriptor in Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            lines = descriptor.read_text().splitlines()
        except OSError:
            continue
        found |= {int(line.split("ino:")[1].split()[0], 16) for line in lines if line.startswith("inotify ")}
    return found


def link_target(link: str) -> str:
    """Return the target of a link, "" if it is gone."""
    try:
        return os.readlink(link)
    except FileNotFoundError:
        return ""
